"""Room for all of a request's Python frames in one piece of memory."""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import ParamSpec, TypeVar, cast

# A little more than half of a piece of 256 KB: so large is the one that CPython then takes.
SLOTS = 17_000  # of eight bytes

P = ParamSpec("P")
R = TypeVar("R")


def with_room(function: Callable[P, R]) -> Callable[P, R]:
    """Return a function that calls `function` with room for a hundred KB of frames below it.

    CPython keeps frames in pieces of 16 KB and gives one back to the system as soon as the last frame in it
    returns. A loop that happens to call across the end of a piece maps and unmaps memory with every call:
    where that was a loop of templates, a page of the feed had 1,500 page faults and took 12 ms longer. A
    frame that says it needs a large stack, and never uses it, makes the first piece large enough for all.
    """

    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        return function(*args, **kwargs)

    code = cast(FunctionType, call).__code__
    cast(FunctionType, call).__code__ = code.replace(co_stacksize=SLOTS)
    return call
