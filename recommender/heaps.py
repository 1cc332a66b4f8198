"""What Python's collector and glibc are told about the memory of a web worker."""

from __future__ import annotations

import ctypes
import gc
import sys

_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
_TRIM, _OPTION = getattr(_LIBC, "malloc_trim", None), getattr(_LIBC, "mallopt", None)
_M_ARENA_MAX = -8  # malloc.h


def set_aside() -> None:
    """Let Python's collector look no more at what is here: modules and what they made, which stay for good.

    It looks at everything once what is new makes a quarter of what it looked at last time: beside PyTorch's
    objects that takes the requests of minutes, a hundred megabytes of garbage. Never do it while a ranker is
    here: garbage that is set aside stays, and so does a ranker that it refers to.
    """
    gc.collect()
    gc.freeze()


def share_heaps() -> None:
    """Let the threads of a worker share two heaps, which saves it some ten megabytes.

    glibc would give each one of its own, and what is free in one is of no use to the others.
    """
    if _OPTION is not None:
        _OPTION(_M_ARENA_MAX, 2)


def give_back_memory() -> None:
    """Return to the system what an old model, the loading of a new one and ended requests left behind.

    glibc keeps the holes between what is in use, and there are more of them by and by: without this a worker
    grows by two models in 20 swaps, and under load by some MB a minute.
    """
    gc.collect()  # requests refer to themselves, and some to the old model
    if _TRIM is not None:
        _TRIM(0)
