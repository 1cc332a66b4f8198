"""The controls where no form is: kept for next time, and asked for by programs."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from catalog.models import Genre
from catalog.tests.factories import FranchiseFactory, ItemFactory
from feedback.guests import is_guest
from recommender import serving
from recommender.controls import Controls
from recommender.feed import feed_for
from recommender.models import Checkpoint, Preferences, carry_over_preferences, keep_controls
from recommender.tests.fixtures import ROMANCES

FEED, KEEP = reverse("recommender:feed"), reverse("recommender:keep")
API = "/api/v1/recommendations/"


def test_keeping_stores_the_view_for_everybody_and_makes_a_guest(live: Checkpoint, client: Client) -> None:
    response = client.post(KEEP, {"view": "in=Romance&variety=2&mood=cry"})
    assert (response.status_code, response["Location"]) == (303, f"{FEED}?mood=cry")
    preferences = Preferences.objects.get()
    assert is_guest(preferences.user)
    assert preferences.controls == "in=Romance&variety=2"
    page = client.get(FEED).context["page"]
    assert {card.item.pk for card in page.cards} <= set(ROMANCES)
    assert page.order.view.is_kept
    client.get(f"{FEED}?type=TV")  # somebody else's link
    assert Preferences.objects.get().controls == "in=Romance&variety=2"
    client.post(KEEP, {"view": "tuned=1"})
    assert Preferences.objects.get().controls == ""


@pytest.mark.parametrize("view", ["", "nonsense", "in=Nonsense&score=99", "%00%FF"])
def test_keeping_nonsense_keeps_nothing(live: Checkpoint, client: Client, view: str) -> None:
    assert client.post(KEEP, {"view": view}).status_code == 303
    assert Preferences.objects.get().controls == ""


def test_keeping_refuses_what_no_form_sends(live: Checkpoint, client: Client) -> None:
    assert client.get(KEEP).status_code == 405
    response = client.post(KEEP, {"view": "in=" + "A" * 3000})
    assert response.status_code == 400
    assert "too long to keep" in response.content.decode()
    assert not Preferences.objects.exists()


def test_changing_preferences_leaves_the_kept_view(live: Checkpoint, ann: User, client: Client) -> None:
    keep_controls(ann, "in=Romance")
    client.force_login(ann)
    client.post(reverse("recommender:preferences"), {"show_adult": "on", "teaches": "on"})
    assert Preferences.objects.get().controls == "in=Romance"


def test_the_api_takes_the_same_filters(live: Checkpoint, client: Client) -> None:
    answer = client.get(f"{API}?k=5&in=Romance&variety=2").json()
    assert len(answer["results"]) == 5
    assert {row["anime_id"] for row in answer["results"]} <= set(ROMANCES)


def test_the_api_says_where_in_its_series_a_title_stands(db, client: Client) -> None:
    show = FranchiseFactory()
    first, _ = ItemFactory(franchise=show, year=2000), ItemFactory(franchise=show, year=2001)
    (row,) = client.get(f"{API}?k=5").json()["results"]
    assert (row["anime_id"], row["series"]) == (first.pk, "Start here · 2 entries")


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("in=Nonsense", "There is no in=“nonsense”: choose a genre of the catalogue."),
        ("score=12", "Write score as a number from 1 to 10, not “12”."),
        ("variety=7", "Write variety as a whole number from 0 to 4, not “7”."),
        ("like=424242", "There is no title like=424242 here: search for one by name."),
        ("near=1&near=424242", "There is no title near=“424242” here: search for one by name."),
        ("mood=rage", "There is no mood=“rage”: choose of laugh, cry, "),
    ],
)
def test_the_api_refuses_nonsense_with_a_sentence(
    live: Checkpoint, client: Client, query: str, sentence: str
) -> None:
    response = client.get(f"{API}?{query}")
    assert response.status_code == 400
    assert sentence in response.content.decode()


def test_a_guest_takes_the_kept_view_along(db, ann: User) -> None:
    ben = User.objects.create_user("ben")
    keep_controls(ann, "in=Romance")
    carry_over_preferences(ann, ben)
    assert Preferences.objects.get(user=ben).controls == "in=Romance"


@pytest.mark.parametrize(
    ("guests", "members", "after"),
    [
        (("in=Romance", 3, True), ("variety=2", 0, False), ("in=Romance", 3, False)),  # who was here last
        (("", 1, False), ("variety=2", 0, True), ("variety=2", 0, True)),  # who set nothing overrules nothing
        (("in=Romance", 1, False), ("", 2, True), ("in=Romance", 2, True)),
    ],
)
def test_where_both_chose_the_feed_opens_as_it_just_did(
    ann: User, guests: tuple[str, int, bool], members: tuple[str, int, bool], after: tuple[str, int, bool]
) -> None:
    ben, names = User.objects.create_user("ben"), ("controls", "wildcards", "show_adult")
    Preferences.objects.create(user=ann, **dict(zip(names, guests, strict=True)))
    Preferences.objects.create(user=ben, **dict(zip(names, members, strict=True)))
    carry_over_preferences(ann, ben)
    assert Preferences.objects.filter(user=ben).values_list(*names).get() == after


def test_a_genre_that_is_gone_is_no_longer_kept(live: Checkpoint, ann: User) -> None:
    keep_controls(ann, "in=Romance&variety=2")
    Genre.objects.get(name="Romance").delete()
    serving.forget()
    assert feed_for(ann).order.view.kept == Controls(variety=2)
