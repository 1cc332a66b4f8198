"""Titles shown often and ignored stand lower, and come back."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import islice

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from feedback.models import Event, FeedbackType, Saved
from recommender import fading
from recommender.fading import FALL, fade, falls_of
from recommender.feed import PAGE_SIZE
from recommender.models import Checkpoint, Impression
from recommender.tests.fixtures import BATTLES, NEWCOMERS, say
from recommender.tests.test_feed import walk


def days_ago(days: float) -> datetime:
    return timezone.now() - timedelta(days=days)


def show(user: User, anime_id: int, days: Iterable[int]) -> None:
    """Show a title on each of the days that lie so far back."""
    Impression.objects.bulk_create(
        Impression(
            user=user,
            item_id=anime_id,
            version="first",
            position=1,
            day=timezone.localdate() - timedelta(days=day),
            shown_at=days_ago(day),
        )
        for day in days
    )


def say_earlier(user: User, anime_id: int, days: float) -> Event:
    return Event.objects.create(
        user=user, item_id=anime_id, feedback_type=FeedbackType.LIKE, timestamp=days_ago(days)
    )


@pytest.fixture
def order(live: Checkpoint, ann: User) -> list[int]:
    """What ann is shown before anything has faded."""
    say(ann, 1)
    return walk(ann)


def test_it_works(order: list[int], ann: User) -> None:
    first = order[0]
    show(ann, first, (1, 2))
    assert walk(ann) == order
    show(ann, first, (3,))
    faded = walk(ann)
    assert faded.index(first) >= FALL
    assert abs(faded.index(first) - FALL) <= 2  # the spread of series may move it a little
    assert [pk for pk in faded if pk != first] == [pk for pk in order if pk != first]


def test_each_further_day_costs_another_page(ann: User, catalogue: None) -> None:
    show(ann, 1, (1, 2, 3))
    show(ann, 2, (1, 2, 3, 4, 5))
    assert falls_of(ann) == {1: FALL, 2: 3 * FALL}


def test_a_day_counts_once_whichever_versions_served(ann: User, catalogue: None) -> None:
    show(ann, 1, (1, 2))
    Impression.objects.update(version="second")
    show(ann, 1, (1, 2))
    assert falls_of(ann) == {}


def test_today_changes_nothing(order: list[int], ann: User) -> None:
    show(ann, order[0], (0, 1, 2))
    assert walk(ann) == order


def test_it_comes_back_after_thirty_days(ann: User, catalogue: None) -> None:
    show(ann, 1, (30, 29, 28))
    show(ann, 2, (31, 30, 29))
    assert falls_of(ann) == {1: FALL}


def test_it_comes_back_after_a_reaction_even_one_taken_back(order: list[int], ann: User) -> None:
    first, second = order[:2]
    show(ann, first, (5, 6, 7))
    show(ann, second, (5, 6, 7))
    Event.objects.undo(say_earlier(ann, first, 2))
    assert falls_of(ann) == {second: FALL}
    assert walk(ann)[0] == first


def test_a_reaction_long_ago_keeps_nothing_up(ann: User, catalogue: None) -> None:
    show(ann, 1, (5, 6, 7))
    Event.objects.undo(say_earlier(ann, 1, 40))
    assert falls_of(ann) == {1: FALL}


def test_it_comes_back_once_saved(ann: User, catalogue: None) -> None:
    show(ann, 1, (5, 6, 7))
    saved = Saved.objects.create(user=ann, item_id=1)
    assert falls_of(ann) == {1: FALL}  # tomorrow: the list must not jump under the hand
    Saved.objects.filter(pk=saved.pk).update(created_at=days_ago(1.01))
    assert falls_of(ann) == {}


def test_undo_restores_the_identical_order(order: list[int], ann: User) -> None:
    show(ann, order[0], (1, 2, 3))
    before = walk(ann)
    love = say(ann, order[0])
    assert order[0] not in walk(ann)
    Event.objects.undo(love)
    assert walk(ann) == before


def test_pages_stay_disjoint_and_lose_nothing(order: list[int], ann: User) -> None:
    for place, anime_id in enumerate(order[:30]):
        show(ann, anime_id, range(1, 3 + place % 9))
    faded = walk(ann)
    assert faded != order
    assert len(faded) == len(set(faded))
    assert set(faded) == set(order)


def test_popular_titles_fade_too(catalogue: None, ann: User) -> None:
    before = walk(ann)
    show(ann, before[0], (1, 2, 3))
    faded = walk(ann)
    assert faded.index(before[0]) >= FALL
    assert sorted(faded) == sorted(before)
    assert walk(AnonymousUser()) == before


def test_it_fades_for_nobody_else(ann: User, catalogue: None) -> None:
    show(ann, 1, (1, 2, 3))
    assert falls_of(User.objects.create_user("ben")) == {}


def test_titles_fade_below_those_the_model_does_not_know(order: list[int], ann: User) -> None:
    last = [pk for pk in order if pk not in NEWCOMERS][-1]
    show(ann, last, (1, 2, 3))
    assert walk(ann)[-1] == last


def test_one_query_where_nothing_falls_three_where_something_does_none_for_a_visitor(
    ann: User, catalogue: None, django_assert_num_queries
) -> None:
    with django_assert_num_queries(1):
        assert falls_of(ann) == {}
    for anime_id in BATTLES[:10]:
        show(ann, anime_id, range(1, 15))
    with django_assert_num_queries(3):
        assert len(falls_of(ann)) == 10
    with django_assert_num_queries(0):
        assert falls_of(AnonymousUser()) == {}


falls = st.dictionaries(st.integers(0, 60), st.integers(1, 5).map(lambda days: days * FALL), max_size=20)


@given(falls, st.integers(0, 60))
def test_a_longer_list_begins_with_the_shorter(falls: dict[int, int], n: int) -> None:
    whole = list(fade(range(200), falls))
    assert sorted(whole) == list(range(200))
    assert list(islice(fade(range(n + len(falls)), falls), n)) == whole[:n]
    for place, anime_id in enumerate(whole):  # each is as deep as it fell, less what fell past it
        assert place >= anime_id + falls.get(anime_id, 0) - len(falls)


def test_a_page_is_what_a_title_falls() -> None:
    assert fading.FALL == PAGE_SIZE
