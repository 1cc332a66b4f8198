"""Calls of any depth below a request's first frame map no memory anew."""

from __future__ import annotations

import resource
import sys
import threading

import pytest

from nostrade_site.frames import with_room

DEPTHS = 250  # of calls below the first frame
CALLS = 500  # at each depth


def leaf(a: int = 0, b: int = 0, c: int = 0, d: int = 0) -> int:
    return a + b + c + d


def descend(depth: int) -> int:
    """Call often from here, then from one deeper."""
    for _ in range(CALLS):
        leaf()
    return descend(depth - 1) if depth else 0


def faults_of_each_call() -> int:
    before = resource.getrusage(resource.RUSAGE_THREAD).ru_minflt
    descend(DEPTHS)
    return resource.getrusage(resource.RUSAGE_THREAD).ru_minflt - before


@pytest.mark.skipif(sys.platform != "linux", reason="counts page faults as Linux does")
def test_it_works() -> None:
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(with_room(faults_of_each_call)()))
    thread.start()
    thread.join()
    assert found[0] < 100, "a loop somewhere maps memory with every call"


def test_it_calls_what_it_is_given() -> None:
    assert with_room(leaf)(1, 2, d=3) == 6
    with pytest.raises(TypeError):
        with_room(leaf)(*range(5))
    first, second = with_room(leaf), with_room(descend)
    assert (first(1), second(0)) == (1, 0)
