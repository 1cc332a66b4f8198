"""Reasons: only what the model says, in words people mean."""

from __future__ import annotations

import pytest

from catalog.models import Item
from ml.feedback import FEEDBACK_NAMES, Feedback
from ml.ranker import Cause
from recommender.explanations import MIN_DROP, VERBS, because, popular, real_causes

X, Y = Item(anime_id=1, name="X"), Item(anime_id=2, name="Y")
ITEMS = {1: X, 2: Y}


def words(*causes: Cause) -> str:
    return because(real_causes(causes), ITEMS).text


def test_it_works() -> None:
    reason = because(real_causes([Cause(1, Feedback.LOVE, 1.0), Cause(2, Feedback.LIKE, 0.8)]), ITEMS)
    assert reason.text == "Because you loved X and liked Y"
    assert reason.causes == (X, Y)
    assert [part.lead for part in reason.parts] == ["Because you loved", "and liked"]


def test_the_same_verb_is_said_once() -> None:
    assert words(Cause(1, Feedback.LOVE, 1.0), Cause(2, Feedback.LOVE, 0.8)) == "Because you loved X and Y"


def test_a_dislike_is_never_a_reason() -> None:
    assert words(Cause(1, Feedback.DISLIKE, 3.0), Cause(2, Feedback.LIKE, 1.0)) == "Because you liked Y"
    assert words(Cause(1, Feedback.DISLIKE, 3.0)) == "Popular with people like you"


@pytest.mark.parametrize("drop", [MIN_DROP / 2, 0.0, -1.0])
def test_a_small_drop_is_no_reason(drop: float) -> None:
    assert words(Cause(1, Feedback.LOVE, drop)) == "Popular with people like you"


def test_one_of_many_equal_causes_is_no_reason() -> None:
    many = [Cause(anime_id, Feedback.LOVE, 0.05) for anime_id in range(1, 31)]
    assert words(*many) == "Popular with people like you"
    assert words(Cause(1, Feedback.LOVE, 0.3), *many[1:]) == "Because you loved X"


def test_a_second_cause_needs_a_real_share() -> None:
    assert words(Cause(1, Feedback.LOVE, 2.0), Cause(2, Feedback.LOVE, 0.2)) == "Because you loved X"


@pytest.mark.parametrize(("second", "named"), [(0.35, "X"), (0.4, "X and Y"), (0.45, "X and Y")])
def test_a_second_cause_does_a_good_part_of_what_the_first_does(second: float, named: str) -> None:
    """Though a quarter of all that speaks for the title is due to it."""
    assert (
        words(Cause(1, Feedback.LOVE, 1.0), Cause(2, Feedback.LOVE, second)) == f"Because you loved {named}"
    )


def test_there_is_a_verb_for_everything_that_is_said() -> None:
    assert VERBS.keys() == set(FEEDBACK_NAMES.values())


def test_no_more_than_two_causes_are_named() -> None:
    causes = [Cause(anime_id, Feedback.LOVE, 1.0) for anime_id in (1, 2, 3)]
    assert [cause.item_id for cause in real_causes(causes)] == [1, 2]


def test_the_least_that_is_a_reason() -> None:
    assert words(Cause(1, Feedback.LIKE, MIN_DROP)) == "Because you liked X"


def test_what_speaks_against_a_title_does_not_make_a_small_cause_larger() -> None:
    """X does less than a tenth of what speaks for the title."""
    causes = Cause(2, Feedback.DISLIKE, 4.6), Cause(1, Feedback.LOVE, 0.5), Cause(3, Feedback.LOVE, -0.8)
    assert words(*causes) == "Popular with people like you"


def test_a_cause_outside_the_catalogue_is_not_named() -> None:
    assert words(Cause(99, Feedback.LOVE, 2.0)) == "Popular with people like you"


def test_popular_counts_members() -> None:
    assert popular(Item(anime_id=3, name="Z", members=1_234_567)).text == "Popular with 1,234,567 members"
    assert popular(Item(anime_id=3, name="Z")).text == "New to most people"
