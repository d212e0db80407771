"""Seeds without state: what is drawn depends on named numbers alone, never on what was drawn before."""

from __future__ import annotations

import hashlib


def seed_of(*key: int) -> int:
    """Mix integers, such as (seed, epoch, video, clip), into one seed of 64 bits.

    Any two keys give unrelated seeds, also in their low 32 bits, which are all that PyTorch's generator on the CPU
    looks at.
    """
    digest = hashlib.blake2b(" ".join(map(str, key)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little")
