"""Ignoring a cause: the reaction stays, the recommendations forget it, and it comes back."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.test import Client
from django.urls import reverse

from feedback.history import history_of
from feedback.models import Event, FeedbackType
from feedback.tests.factories import UserFactory
from recommender import ignoring
from recommender.feed import feed_for
from recommender.models import Checkpoint, Ignored, carry_over_ignored
from recommender.order import Order
from recommender.tests.fixtures import say


def url(name: str, anime_id: int) -> str:
    return reverse(f"recommender:{name}", args=[anime_id])


@pytest.fixture
def member(live: Checkpoint, ann: User, client: Client) -> User:
    """Ann loves three romances and a battle."""
    for anime_id in (10, 11, 12, 45):
        say(ann, anime_id)
    client.force_login(ann)
    return ann


def test_it_works(member: User, client: Client) -> None:
    unseen = User.objects.create_user("unseen")
    for anime_id in (10, 11, 12):
        say(unseen, anime_id)
    response = client.post(url("ignore", 45), {"next": "/preferences/"})
    assert (response.status_code, response.url) == (303, "/preferences/")
    theirs, as_if = Order.of(member), Order.of(unseen)
    never_said = [pk for pk in as_if.slice(0, 80) if pk != 45]
    assert theirs.slice(0, 80) == never_said
    assert 45 not in theirs.slice(0, 80)
    assert feed_for(member).known == 3
    assert 45 in history_of(member).anime_ids


def test_what_is_ignored_is_no_reason(member: User) -> None:
    ignoring.ignore(member, 45)
    causes = {cause.pk for card in feed_for(member).cards for cause in card.reason.causes}
    assert causes
    assert 45 not in causes


def test_a_card_offers_it_for_each_title_that_it_names(member: User, client: Client) -> None:
    response = client.get("/")
    page = response.content.decode()
    cards = response.context["page"].cards
    named = [cause for card in cards for cause in card.reason.causes]
    assert named
    for cause in {*named}:
        times = sum(cause == each for each in named)
        assert page.count(f'formaction="{url("ignore", cause.pk)}"') == times
        assert page.count(f"Don’t count {cause} for my recommendations") == times
    first = next(card.reason.causes[0] for card in cards if card.reason.causes)
    answer = client.post(url("ignore", first.pk), {"next": response.context["page"].here}, follow=True)
    again = answer.context["page"]
    assert first not in [cause for card in again.cards for cause in card.reason.causes]
    assert url("count", first.pk) in answer.content.decode()


def test_a_card_without_a_cause_offers_nothing(live: Checkpoint, client: Client) -> None:
    assert "formaction" not in client.get("/").content.decode()


def test_the_undo_of_the_notice_brings_it_back(member: User, client: Client) -> None:
    before = Order.of(member).slice(0, 60)
    page = client.post(url("ignore", 45), {"next": "/"}, follow=True).content.decode()
    assert "Not counted: No 045 Show" in page
    assert f'action="{url("count", 45)}"' in page
    client.post(url("count", 45), {"next": "/"})
    assert Order.of(member).slice(0, 60) == before
    assert not Ignored.objects.exists()


def test_chips_and_my_activity_show_it(member: User, client: Client) -> None:
    assert "Not counted" not in client.get("/").content.decode()
    ignoring.ignore(member, 45)
    for address in ("/", "/preferences/", "/activity/"):
        page = client.get(address).content.decode()
        assert page.count("Not counted") == 1
        assert url("count", 45) in page


def test_a_chip_goes_with_its_reaction(member: User, client: Client) -> None:
    ignoring.ignore(member, 45)
    Event.objects.retract(member, 45)
    assert "Not counted" not in client.get("/").content.decode()


def test_twice_is_once(member: User, client: Client) -> None:
    for _ in range(2):
        assert client.post(url("ignore", 45)).status_code == 303
    assert Ignored.objects.count() == 1
    for _ in range(2):
        assert client.post(url("count", 45)).status_code == 303
    assert not Ignored.objects.exists()


@pytest.mark.parametrize("anime_id", [20, 999_999, 10**9 * 3])
def test_it_rejects_what_was_never_said(member: User, client: Client, anime_id: int) -> None:
    response = client.post(url("ignore", anime_id), headers={"HX-Request": "true"})
    assert response.status_code == 404
    assert response.content.decode().startswith("You said nothing about this title")
    assert not Ignored.objects.exists()


def test_it_is_only_posted_and_needs_somebody(live: Checkpoint, client: Client) -> None:
    assert client.get(url("ignore", 10)).status_code == 405
    assert client.post(url("ignore", 10)).status_code == 404
    assert client.post(url("count", 10)).status_code == 303
    assert not User.objects.exists()


def test_ignoring_everything_leaves_popular_titles(member: User) -> None:
    for anime_id in (10, 11, 12, 45):
        ignoring.ignore(member, anime_id)
    page = feed_for(member)
    assert (page.is_personal, page.known) == (False, 0)
    assert not {10, 11, 12, 45} & {card.item.pk for card in page.cards}


def test_nobody_else_is_concerned(member: User) -> None:
    other = UserFactory()
    say(other, 45)
    say(other, 46)
    before = Order.of(other).slice(0, 40)
    ignoring.ignore(member, 45)
    assert Order.of(other).slice(0, 40) == before
    assert Ignored.objects.of(AnonymousUser()).count() == 0


def test_a_guest_takes_it_along(live: Checkpoint, db) -> None:
    guest, member = UserFactory(guest=True), UserFactory()
    for anime_id in (10, 11):
        say(guest, anime_id)
        ignoring.ignore(guest, anime_id)
    say(member, 11, FeedbackType.DISLIKE)
    carry_over_ignored(guest, member)
    carry_over_ignored(guest, member)
    assert [row.item_id for row in Ignored.objects.of(member)] == [10]


def test_it_goes_with_the_account(member: User) -> None:
    ignoring.ignore(member, 45)
    member.delete()
    assert not Ignored.objects.exists()


@pytest.mark.parametrize(("name", "status"), [("ignore", 404), ("count", 303)])
def test_a_number_too_large_for_the_database_is_an_unknown_title(
    member: User, client: Client, name: str, status: int
) -> None:
    assert client.post(url(name, 10**22)).status_code == status
