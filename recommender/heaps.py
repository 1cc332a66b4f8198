"""What glibc is told about the memory of a web worker; elsewhere nothing is."""

from __future__ import annotations

import ctypes
import sys

_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
_TRIM, _OPTION = getattr(_LIBC, "malloc_trim", None), getattr(_LIBC, "mallopt", None)
_M_ARENA_MAX = -8  # malloc.h


def share_heaps() -> None:
    """Let the threads of a worker share two heaps, which saves it some ten megabytes.

    glibc would give each one of its own, and what is free in one is of no use to the others.
    """
    if _OPTION is not None:
        _OPTION(_M_ARENA_MAX, 2)


def give_back_memory() -> None:
    """Return to the system what the old model and the loading left behind.

    glibc keeps the holes between what is in use: without this a worker grows by two models in 20 swaps.
    """
    if _TRIM is not None:
        _TRIM(0)
