"""Seeds without state: what is drawn depends on named numbers alone, never on what was drawn before."""

from __future__ import annotations

import hashlib
import os
import struct


def seed_of(seed: int, *key: int) -> int:
    """Mix a seed and a key of any length into an unrelated seed in 0..2**63 - 1, the same everywhere.

    Unrelated also in the low 32 bits, which are all that PyTorch's generator on the CPU looks at.

    Example:
        >>> seed_of(0, 1) != seed_of(1, 0) != seed_of(0, 1, 0)
        True
    """
    numbers = struct.pack(f"<{1 + len(key)}q", seed, *key)
    return _hashed(numbers)


def number_of(name: str) -> int:
    """A number in 0..2**63 - 1 that stands for a name in the key of a seed, the same everywhere."""
    return _hashed(os.fsencode(name))


def _hashed(content: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "little") >> 1
