"""Series: one show must not fill a page."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.series import GAP, LOOKAHEAD, series_name, spread


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Sword Art Online", "Sword Art Online II"),
        ("Shingeki no Kyojin", "Shingeki no Kyojin Season 2"),
        ("Naruto", "Naruto: Shippuuden"),
        ("Kuroko no Basket", "Kuroko no Basket 2nd Season"),
        ("Code Geass: Hangyaku no Lelouch", "Code Geass: Hangyaku no Lelouch R2"),
        ("K-On!", "K-On!!"),
        ("Clannad", "Clannad: After Story"),
        ("Hunter x Hunter", "Hunter x Hunter (2011)"),
        ("Death Note", "Death Note: The Movie"),
    ],
)
def test_instalments_share_a_series(one: str, other: str) -> None:
    assert series_name(one) == series_name(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Steins;Gate", "Death Note"),
        ("K", "K-On!"),
        ("11eyes", "91 Days"),
        ("Another", "Another Lady Innocent"),
    ],
)
def test_different_shows_do_not(one: str, other: str) -> None:
    assert series_name(one) != series_name(other)


def test_spread_keeps_a_gap_where_there_are_others() -> None:
    series = {pk: "one show" if pk < 5 else str(pk) for pk in range(40)}
    order = list(spread(range(40), series))
    places = [place for place, pk in enumerate(order) if pk < 5]
    assert places[0] == 0
    assert all(later - earlier > GAP for earlier, later in pairwise(places[:3]))


@given(st.lists(st.integers(0, 60), unique=True), st.integers(1, 5), st.integers(0, 60))
def test_spread_loses_nothing_and_longer_lists_begin_with_shorter_ones(
    ranked: list[int], n_series: int, n: int
) -> None:
    series = {pk: str(pk % n_series) for pk in range(61)}
    whole = list(spread(ranked, series))
    assert sorted(whole) == sorted(ranked)
    assert list(spread(ranked[: n + LOOKAHEAD], series))[:n] == whole[:n]
