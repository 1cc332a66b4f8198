"""What a web worker's memory lets go of."""

from __future__ import annotations

import gc
import resource
import weakref
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from recommender import heaps, serving
from recommender.heaps import Tidying, set_aside
from recommender.models import Checkpoint
from recommender.tests.fixtures import Promote
from recommender.tests.test_serving import wait_until


class Knot:
    """Something that refers to itself, as a request of Django's does, and to something else."""

    def __init__(self, other: object = None) -> None:
        self.itself, self.other = self, other


@pytest.fixture
def by_hand() -> Iterator[None]:
    """Let nothing be collected but by what is tested, and set nothing aside beyond the test."""
    gc.collect()
    gc.disable()
    yield
    gc.unfreeze()
    gc.enable()


def is_looked_at(thing: object) -> bool:
    return any(each is thing for each in gc.get_objects())


def test_what_comes_later_is_collected_all_the_same(by_hand: None) -> None:
    before = Knot()
    set_aside()
    after = Knot()
    assert (is_looked_at(before), is_looked_at(after)) == (False, True)
    gone = weakref.ref(after)
    del after
    gc.collect()
    assert gone() is None


def test_garbage_is_not_set_aside(by_hand: None) -> None:
    gone = weakref.ref(Knot())
    set_aside()
    assert gone() is None


def resident() -> int:
    """Return the bytes of memory that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


@pytest.mark.skipif(heaps._TRIM is None, reason="this C library cannot give memory back")
def test_holes_are_given_back_once_it_is_time(monkeypatch: pytest.MonkeyPatch) -> None:
    tidying, large = Tidying(), 1000
    blocks = [np.ones(12_000) for _ in range(large)]  # 96 KB each: glibc asks for larger ones by themselves
    kept = blocks[::50]  # the end of the heap cannot simply be moved down
    del blocks
    full = resident()
    tidying.come_by()
    assert resident() > full - 10e6
    monkeypatch.setattr(heaps, "HOLES_SECONDS", 0)
    tidying.come_by()
    assert resident() < full - 0.8 * large * kept[0].nbytes


@pytest.mark.django_db(transaction=True)
def test_a_worker_sets_aside_what_was_imported_and_not_its_ranker(live: Checkpoint, by_hand: None) -> None:
    serving.start()
    wait_until(lambda: serving._watch.live is not None)
    ranker = serving.get_ranker()
    assert ranker is not None
    assert is_looked_at(ranker.ranker.__dict__)
    assert not is_looked_at(torch.__dict__)


@pytest.mark.django_db(transaction=True)
def test_a_worker_lets_go_of_the_old_ranker_that_garbage_holds(
    live: Checkpoint, promote: Promote, settings, monkeypatch, by_hand: None
) -> None:
    second = promote("second")
    live.promote()
    settings.CHECKPOINT_POLL_SECONDS = 0.05
    monkeypatch.setattr(heaps, "COLLECT_SECONDS", 0)
    serving.start()
    wait_until(lambda: serving._watch.live is not None)
    first = serving.get_ranker()
    assert first is not None
    in_flight, gone = [Knot(first)], weakref.ref(first.ranker)  # a request answers as it began
    del first
    second.promote()
    wait_until(lambda: serving.status().version == "second")
    assert gone() is not None
    in_flight.clear()
    wait_until(lambda: gone() is None)
