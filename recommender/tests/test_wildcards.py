"""Wildcards: the draw, its logged chances, and what it learns from."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
import time_machine
from django.utils import timezone

from catalog.tests.factories import ItemFactory
from feedback.models import FeedbackType
from feedback.tests.factories import EventFactory, UserFactory
from recommender.feed import PAGE_SIZE
from recommender.models import Impression
from recommender.wildcards import PAGES, POOL_STARTS, Evidence, _chances, choose, evidence, pool_of

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


def test_pools_begin_below_what_the_pages_show() -> None:
    assert pool_of(1).start == PAGES * PAGE_SIZE
    assert pool_of(3).start == pool_of(2).stop


def test_how_often_wildcards_are_loved() -> None:
    assert NOTHING.rate == 0.1
    assert Evidence({1: 40, 2: 50}, {1: 9}).rate == 0.1
    assert Evidence({1: 30}, {1: 29}).rate == 0.75


def test_a_choice_that_could_not_be_another_had_the_chance_of_one() -> None:
    (only,) = choose([7], 1, np.zeros(1), NOTHING, ("x",))
    assert only.propensity == 1.0
    first, second = choose([7, 8], 2, np.zeros(2), NOTHING, ("x",))
    assert 0 < first.propensity < 1
    assert second.propensity == 1.0  # of those left


def test_no_choice_is_certain_or_impossible() -> None:
    """However clear the evidence: of 400 draws all, or none, and one more for every title."""
    clear = Evidence({500: 10**6, 501: 10**6}, {500: 10**5})
    best, worst = choose(POOL[:2], 2, np.zeros(2), clear, ("x",))
    assert (best.anime_id, best.propensity) == (500, 401 / 402)
    assert (worst.anime_id, worst.propensity) == (501, 1.0)


@pytest.mark.parametrize(("other", "chosen"), [(0.145, 500), (0.155, 501)])
def test_the_most_novel_title_gains_half_as_much_again(other: float, chosen: int) -> None:
    million = 10**6
    known = Evidence({500: million, 501: million}, {500: million // 10, 501: int(other * million)})
    (best,) = choose(POOL[:2], 1, np.array([1.0, 0.0]), known, ("x",))
    assert best.anime_id == chosen


def draws(known: Evidence, pool: range = POOL) -> np.ndarray:
    return _chances(pool, known, np.random.default_rng(0), 40_000)


def test_before_anything_is_known_the_first_of_a_pool_is_likelier_than_the_last() -> None:
    found = draws(NOTHING)
    assert found[:, 0].mean() == pytest.approx(0.1 * 1.25, rel=0.02)
    assert found[:, -1].mean() == pytest.approx(0.1 * 0.75, rel=0.02)
    assert found[:, 0].var() == pytest.approx(
        0.125 * 0.875 / (10 + 1), rel=0.04
    )  # as if it was shown ten times


def test_what_a_title_got_counts_beside_what_is_believed_of_it() -> None:
    known = Evidence({501: 90, 77: 10}, {501: 18, 77: 1})
    assert known.rate == 20 / 110
    found = draws(known, range(500, 503))[:, 1]
    assert found.mean() == pytest.approx((10 * known.rate + 18) / (10 + 90), rel=0.01)


@pytest.mark.parametrize(
    ("known", "rate"), [(Evidence({77: 10_000}, {}), 0.01), (Evidence({77: 30}, {77: 30}), 0.5)]
)
def test_a_site_where_all_or_none_are_loved_goes_on_trying(known: Evidence, rate: float) -> None:
    assert draws(known, range(500, 503))[:, 1].mean() == pytest.approx(rate, rel=0.05)


TODAY = date(2026, 3, 31)


@pytest.mark.django_db
def test_three_months_before_today_are_remembered(django_assert_num_queries) -> None:
    person, item = UserFactory(), ItemFactory()

    def shown(days_ago: int, slot: str = Impression.Slot.WILDCARD, said: FeedbackType | None = None) -> None:
        event = EventFactory(user=person, item=item, feedback_type=said) if said else None
        Impression.objects.create(
            user=UserFactory(),
            item=item,
            day=TODAY - timedelta(days=days_ago),
            shown_at=timezone.now(),
            slot=slot,
            position=1,
            event=event,
        )

    shown(0, said=FeedbackType.LOVE)  # counts tomorrow
    shown(1, said=FeedbackType.LOVE)
    shown(2, said=FeedbackType.LIKE)
    shown(90)
    shown(91, said=FeedbackType.LOVE)
    shown(3, slot=Impression.Slot.RANKED, said=FeedbackType.LOVE)
    assert evidence(TODAY) == Evidence({item.pk: 3}, {item.pk: 1})
    before_midnight = timezone.now() + timedelta(hours=23, minutes=59, seconds=50)
    with django_assert_num_queries(0), time_machine.travel(before_midnight):  # once a day
        assert evidence(TODAY) == Evidence({item.pk: 3}, {item.pk: 1})
