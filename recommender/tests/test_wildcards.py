"""Wildcards: the draw, its logged chances, and what it learns from."""

from __future__ import annotations

import numpy as np
import pytest

from recommender.wildcards import PAGES, POOL_STARTS, Evidence, choose, pool_of

POOL = range(500, 530)
FLAT = np.zeros(len(POOL))
NOTHING = Evidence({}, {})


def test_it_works() -> None:
    chosen = choose(POOL, 3, FLAT, NOTHING, ("ann", "2026-01-01", 1))
    assert len({wildcard.anime_id for wildcard in chosen}) == 3
    assert all(wildcard.anime_id in POOL for wildcard in chosen)
    assert all(0 < wildcard.propensity < 1 for wildcard in chosen)
    assert chosen == choose(POOL, 3, FLAT, NOTHING, ("ann", "2026-01-01", 1))
    assert chosen != choose(POOL, 3, FLAT, NOTHING, ("ann", "2026-01-02", 1))


def test_a_small_pool_gives_what_it_has() -> None:
    assert [w.anime_id for w in choose([7], 3, np.zeros(1), NOTHING, ("x",))] == [7]
    assert choose([], 3, np.zeros(0), NOTHING, ("x",)) == []
    assert choose(POOL, 0, FLAT, NOTHING, ("x",)) == []


def test_the_logged_chance_is_how_often_a_title_is_chosen() -> None:
    pool, known = POOL[:6], Evidence({500: 40, 503: 10}, {500: 9, 503: 1})
    rounds = [choose(pool, 1, np.zeros(6), known, (seed,))[0] for seed in range(1500)]
    for anime_id in pool:
        logged = [w.propensity for w in rounds if w.anime_id == anime_id]
        share = len(logged) / len(rounds)
        assert share > 0
        assert np.mean(logged) == pytest.approx(share, abs=3 * np.sqrt(share / len(rounds)) + 0.01)


def test_what_is_loved_is_shown_more_and_what_is_not_less() -> None:
    known = Evidence(dict.fromkeys(POOL, 50), {500: 25, **dict.fromkeys(POOL[2:], 5)})
    shown = [choose(POOL, 1, FLAT, known, (seed,))[0].anime_id for seed in range(300)]
    assert shown.count(500) > 200
    assert shown.count(501) < 5


def test_what_was_seldom_shown_is_tried() -> None:
    """Of two titles with the same rate the one with less behind it is drawn higher, and lower, more often."""
    known = Evidence(
        {500: 400, 501: 4, **dict.fromkeys(POOL[2:], 400)}, {500: 40, **dict.fromkeys(POOL[2:], 40)}
    )
    chosen = [choose(POOL, 1, FLAT, known, (seed,))[0].anime_id for seed in range(400)]
    assert chosen.count(501) > 3 * chosen.count(500)


def test_novel_titles_gain() -> None:
    novelty = np.where(np.arange(len(POOL)) >= 15, 1.0, 0.0)
    shown = [choose(POOL, 1, novelty, NOTHING, (seed,))[0].anime_id for seed in range(300)]
    assert sum(anime_id >= 515 for anime_id in shown) > 200


def test_it_finds_the_best_in_time() -> None:
    """A simulated site: love-rates unknown at first, evidence from day to day."""
    rng = np.random.default_rng(0)
    rates = dict(zip(POOL, rng.permutation(np.linspace(0.02, 0.4, len(POOL))), strict=True))
    shown, loved = dict.fromkeys(POOL, 0), dict.fromkeys(POOL, 0)
    earned = []
    for day in range(40):
        known = Evidence(dict(shown), dict(loved))
        today = [choose(POOL, 1, FLAT, known, (day, person))[0].anime_id for person in range(30)]
        for anime_id in today:
            shown[anime_id] += 1
            loved[anime_id] += int(rng.random() < rates[anime_id])
        earned.append(np.mean([rates[anime_id] for anime_id in today]))
    assert np.mean(earned[-10:]) > 1.5 * np.mean([*rates.values()])


def test_pools_do_not_overlap() -> None:
    places = [place for page in range(1, PAGES + 1) for place in range(*pool_of(page).indices(10**6))]
    assert len(places) == len(set(places))
    assert min(places) == POOL_STARTS
