"""Titles that say much: popular, far apart, one of a group."""

import numpy as np

from ml.diverse import choose_diverse


def apart(*degrees: float) -> np.ndarray:
    """Return the cosines of directions with one another."""
    radians = np.radians(degrees)
    return np.cos(radians[:, None] - radians).astype(np.float32)


def test_it_works() -> None:
    """The second popular one is like the first, so the unlike third comes before it."""
    popularity = np.array([100.0, 90, 50, 40])
    assert choose_diverse(popularity, apart(0, 5, 90, 95), np.arange(4), 3) == [0, 2, 1]


def test_a_group_is_chosen_from_once() -> None:
    assert choose_diverse(np.array([9.0, 8, 7]), apart(0, 90, 180), np.array([0, 0, 1]), 3) == [0, 2]


def test_popularity_alone_decides_where_all_are_equally_far() -> None:
    cosines = np.eye(4, dtype=np.float32)
    assert choose_diverse(np.array([1.0, 3, 2, 0]), cosines, np.arange(4), 4) == [1, 2, 0, 3]


def test_a_larger_exponent_leans_towards_popularity() -> None:
    popularity, cosines = np.array([100.0, 90, 20]), apart(0, 60, 90)
    assert choose_diverse(popularity, cosines, np.arange(3), 2, exponent=0.1) == [0, 2]
    assert choose_diverse(popularity, cosines, np.arange(3), 2, exponent=2) == [0, 1]


def test_nothing_to_choose_from() -> None:
    assert (
        choose_diverse(np.zeros(0), np.zeros((0, 0), dtype=np.float32), np.zeros(0, dtype=np.int64), 5) == []
    )
