"""What `benchmarks/load.py` counts and measures."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest
from django.contrib.auth.models import User

from benchmarks.load_report import report_losses
from benchmarks.load_site import slope
from catalog.models import Item
from feedback.models import Event, FeedbackType


def test_it_works() -> None:
    rng = random.Random(7)  # noqa: S311
    points = [(hour / 360, 500 + 3 * hour / 360 + rng.gauss(0, 1)) for hour in range(360)]
    rise, half = slope(points)
    assert rise == pytest.approx(3, abs=half)
    assert 0 < half < 2


def test_too_few_weights_have_no_slope() -> None:
    assert all(map(math.isnan, slope([(0.0, 1.0)] * 19)))


@pytest.fixture
def notes(db: None) -> list[dict[str, Any]]:
    """Three reactions of one person, all acknowledged, one of them with its id."""
    user = User.objects.create_user("ann")
    lines = []
    for anime_id in (1, 2, 3):
        item = Item.objects.create(anime_id=anime_id, name=f"Title {anime_id}")
        event = Event.objects.record(user, item, FeedbackType.LOVE)
        lines.append({"user": user.pk, "said": [anime_id, 3], "event": event.pk if anime_id == 3 else None})
    return lines


def test_what_was_acknowledged_is_stored_once(notes: list[dict[str, Any]]) -> None:
    assert report_losses(notes, 0) == 0


def test_a_lost_a_doubled_a_moved_and_a_changed_reaction_are_seen(notes: list[dict[str, Any]]) -> None:
    assert report_losses([*notes, {**notes[0], "said": [1, 2]}], 0) == 1  # acknowledged, and not there
    assert report_losses(notes[1:], 0) == 1  # there, and never acknowledged
    assert report_losses([notes[1], notes[0], notes[2]], 0) == 1  # in another order
    assert report_losses([*notes[:2], {**notes[2], "event": notes[2]["event"] + 1}], 0) == 1  # another id
