"""Discovery and variety: they lose nothing, stay in their windows, and do what the slider says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender import discovery, variety
from recommender.variety import mmr, vary


def of_two_kinds(titles: list[int]) -> np.ndarray:
    """Return cosines: 1 within the even and within the odd titles, 0 between."""
    parity = np.array(titles) % 2
    return (parity[:, None] == parity[None]).astype(np.float32)


def test_it_works() -> None:
    ranked = [*range(0, 20, 2), *range(1, 20, 2)]  # even titles, then odd ones
    assert [*vary(ranked, 0, of_two_kinds)] == ranked
    assert [*vary(ranked, 4, of_two_kinds)][:4] == [0, 1, 2, 4]
    known = -np.arange(20.0)
    assert discovery.discover(ranked, 2, known) == ranked
    assert discovery.discover(ranked, 4, known)[:2] == [19, 17]


def test_the_nearest_counts_and_ties_go_to_the_better() -> None:
    likeness = np.array([[1, 0.9, 0, 0], [0.9, 1, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1]], dtype=np.float32)
    assert mmr(likeness, 0.0) == [0, 1, 2, 3]
    assert mmr(likeness, 0.5) == [0, 2, 1, 3]
    assert mmr(np.ones((3, 3), dtype=np.float32), 0.7) == [0, 1, 2]
    assert mmr(np.empty((0, 0), dtype=np.float32), 0.7) == []


@given(st.lists(st.integers(0, 999), unique=True, max_size=260), st.integers(0, 4))
def test_nothing_leaves_its_window(ranked: list[int], step: int) -> None:
    varied = [*vary(ranked, step, of_two_kinds)]
    for start in range(0, len(ranked), variety.WINDOW):
        window = slice(start, start + variety.WINDOW)
        assert sorted(varied[window]) == sorted(ranked[window])
        assert varied[start] == ranked[start]


@pytest.mark.parametrize("step", range(5))
def test_a_longer_list_begins_with_the_shorter(step: int) -> None:
    ranked = [(7 * place) % 401 for place in range(400)]
    known = np.cos(np.arange(400.0))
    long, short = discovery.discover(ranked, step, known), discovery.discover(ranked[:320], step, known[:320])
    assert long[:320] == short
    assert long[discovery.WINDOW :] == ranked[discovery.WINDOW :]
    assert sorted(long) == sorted(ranked)
