"""Memory that is freed and needed again: a training step on the CPU needs what the step before it needed."""

from __future__ import annotations

import ctypes

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # glibc's malloc.h


def keep_freed_memory() -> None:
    """Let this process keep the memory of tensors that are freed, for the next ones.

    By default, glibc gets each tensor of more than 32 MB from the system, and gives it back when it is freed; and the
    system clears every page before it hands it out again. In a float32 step of R3D on the CPU that takes a tenth of the
    time. In return, gaps between tensors stay with the process. Does nothing where the allocator is another one.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, -1)
