"""What Python's collector and glibc are told about the memory of a web worker."""

from __future__ import annotations

import ctypes
import gc
import sys
import time

_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
_TRIM, _OPTION = getattr(_LIBC, "malloc_trim", None), getattr(_LIBC, "mallopt", None)
_M_ARENA_MAX = -8  # malloc.h
# How often a web worker collects what requests leave behind; some still hold the model before a swap.
COLLECT_SECONDS = 60.0
# Giving holes back takes 3 to 6 ms; five seconds of a full load touch 30 to 50 MB of them anew.
HOLES_SECONDS = 10.0


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
    """Return to the system what an old model, the loading of a new one and ended requests left behind."""
    gc.collect()  # requests refer to themselves, and some to the old model
    give_back_holes()


def give_back_holes() -> None:
    """Return to the system the free memory between what is in use, of which there is more by and by.

    glibc keeps it: requests that need some megabytes for a moment scatter over ever more of it, and a worker
    grows for hours, and by two models in 20 swaps.
    """
    if _TRIM is not None:
        _TRIM(0)


class Tidying:
    """Gives memory back at its own pace, for a thread that comes by every second or so."""

    def __init__(self) -> None:
        self._gave_at = self._collected_at = time.monotonic()

    def come_by(self) -> None:
        """Give back what it is time for."""
        now = time.monotonic()
        if now - self._collected_at >= COLLECT_SECONDS:
            give_back_memory()
            self._gave_at = self._collected_at = now
        elif now - self._gave_at >= HOLES_SECONDS:
            give_back_holes()
            self._gave_at = now
