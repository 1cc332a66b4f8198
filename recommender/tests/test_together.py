"""How many people liked or loved both a title and a cause of it, and when nothing is said."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from catalog.models import Item
from feedback.models import FeedbackType
from feedback.teaching import let_teach
from feedback.tests.factories import UserFactory
from recommender import together as module
from recommender.models import Checkpoint
from recommender.order import Order
from recommender.tests.fixtures import say
from recommender.together import FEWEST_PEOPLE, together


def counted(user: User | AnonymousUser, anime_id: int, *others: int) -> list[tuple[int, int, int | None]]:
    """Return each of the others of which something is said, how many people like both, and of how many."""
    items = Item.objects.in_bulk([anime_id, *others])
    said = together(user, items[anime_id], [items[other] for other in others])
    return [(both.item.pk, both.people, both.asked) for both in said]


@pytest.fixture
def crowd(catalogue: None) -> list[User]:
    """Just enough people to speak of like both 10 and 20; one of them likes 11 too."""
    people = [UserFactory() for _ in range(FEWEST_PEOPLE)]
    for number, person in enumerate(people):
        say(person, 10, FeedbackType.LIKE if number % 2 else FeedbackType.LOVE)
        say(person, 20)
    say(people[0], 11)
    return people


def test_it_works(crowd: list[User], ann: User) -> None:
    for person in (ann, AnonymousUser()):
        assert counted(person, 20, 10, 11) == [(10, FEWEST_PEOPLE, None)]
        assert counted(person, 20) == []
        assert counted(person, 30, 10) == []


def test_the_reader_is_not_counted(crowd: list[User]) -> None:
    assert counted(crowd[1], 20, 10) == []


def test_who_does_not_teach_is_not_counted(crowd: list[User], ann: User) -> None:
    let_teach(crowd[0], allowed=False)
    assert counted(ann, 20, 10) == []
    let_teach(crowd[0], allowed=True)
    assert counted(ann, 20, 10)
    crowd[1].is_active = False
    crowd[1].save()
    assert counted(ann, 20, 10) == []


@pytest.mark.parametrize("changed", [10, 20])
def test_a_changed_mind_is_nobody_in_common(crowd: list[User], ann: User, changed: int) -> None:
    say(crowd[0], changed, FeedbackType.LIKE)
    assert counted(ann, 20, 10) == [(10, FEWEST_PEOPLE, None)]
    say(crowd[0], changed, FeedbackType.DISLIKE)
    assert counted(ann, 20, 10) == []
    say(crowd[0], changed)
    assert counted(ann, 20, 10) == [(10, FEWEST_PEOPLE, None)]


def test_of_many_only_so_many_are_asked(
    crowd: list[User], ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        say(UserFactory(), 20)
    monkeypatch.setattr(module, "MOST_ASKED", 8)
    assert counted(ann, 20, 10) == [(10, FEWEST_PEOPLE, None)]
    say(UserFactory(), 20)
    assert counted(ann, 20, 10) == [(10, FEWEST_PEOPLE, 8)]
    let_teach(crowd[0], allowed=False)
    say(crowd[0], 20, FeedbackType.DISLIKE)
    say(UserFactory(), 10)
    assert counted(ann, 20, 10) == []


def test_the_number_of_queries_is_constant(crowd: list[User], ann: User) -> None:
    with CaptureQueriesContext(connection) as queries:
        counted(ann, 20, 10, 11, 12, 13)
    assert len(queries) == 4  # one of them fetches the titles


def test_the_page_says_of_how_many(
    live: Checkpoint, ann: User, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for anime_id in (10, 11, 12):
        say(ann, anime_id)
    client.force_login(ann)
    top = Order.of(ann).slice(0, 1)[0]
    for _ in range(FEWEST_PEOPLE + 1):
        person = UserFactory()
        say(person, 10)
        say(person, top)
    name, page = Item.objects.get(pk=10).name, reverse("recommender:why", args=[top])
    assert "6 people here liked or loved both it and" in client.get(page).content.decode()
    monkeypatch.setattr(module, "MOST_ASKED", FEWEST_PEOPLE)
    text = client.get(page).content.decode()
    assert "Of 5 people here who liked or loved it, 5 liked or loved" in text
    assert f"{name}</a> too." in text
