"""Why not ...?: any title's place, and the exact rule that holds it back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from catalog.models import Franchise, Item
from feedback.models import FeedbackType
from recommender import serving
from recommender.fading import PATIENCE
from recommender.models import Checkpoint, Impression
from recommender.order import Order
from recommender.standing import Places, Standing
from recommender.tests.fixtures import ADULT, HIDDEN, NEWCOMERS, say

WHY_NOT = reverse("recommender:why_not")


@pytest.fixture
def member(live: Checkpoint, ann: User, client: Client) -> User:
    for anime_id in (10, 11, 12):
        say(ann, anime_id)
    client.force_login(ann)
    return ann


def standing(user: User, anime_id: int) -> Standing:
    return Places(Order.of(user)).standing(Item.objects.get(pk=anime_id))


def rules(found: Standing) -> list[str]:
    return [hold.rule for hold in found.holds]


def test_it_works(member: User, client: Client) -> None:
    order = Order.of(member).slice(0, 57)
    for place in (1, 7, 40):
        found = standing(member, order[place - 1])
        assert (found.place, found.holds) == (place, ())
    page = client.get(WHY_NOT, {"q": "No 020 Show"}).content.decode()
    assert f"<strong>{order.index(20) + 1}</strong>" in page


def test_a_reaction_holds_a_title_back_until_it_is_taken_back(member: User, client: Client) -> None:
    found = standing(member, 10)
    assert (rules(found), found.place, found.is_out) == (["Already answered"], None, True)
    assert "You loved it already" in found.holds[0].sentence
    remedy = found.holds[0].remedy
    client.post(remedy.url, {**dict(remedy.fields), "next": WHY_NOT})
    assert standing(member, 10).place


def test_the_page_offers_the_remedy(member: User, client: Client) -> None:
    say(member, 13, FeedbackType.DISLIKE)
    page = client.get(WHY_NOT, {"q": "No 013 Show"}).content.decode()
    assert "You disliked it already" in page
    assert "Take it back" in page
    assert f'action="{reverse("feedback:react", args=[13])}"' in page


def test_what_the_model_does_not_know_is_said(member: User) -> None:
    found = standing(member, NEWCOMERS[0])
    assert rules(found) == ["Unknown to the model"]
    assert found.by_model is None
    assert not found.is_out


def test_a_title_that_faded_says_how_far(member: User) -> None:
    best = Order.of(member).slice(0, 1)[0]
    for days in range(1, PATIENCE + 3):
        when = timezone.now() - timedelta(days=days)
        Impression.objects.create(
            user=member, item_id=best, position=1, day=when.date(), shown_at=when, version="first"
        )
    found = standing(member, best)
    assert rules(found) == ["Shown and ignored"]
    assert f"on {PATIENCE + 2} days" in found.holds[0].sentence
    assert (found.by_model, found.place) == (1, 41)


def test_a_rule_of_the_feed_names_what_comes_first(member: User) -> None:
    first, second = sorted(Order.of(member).slice(0, 2))
    show = Franchise.objects.create(name="One long show")
    for item in Item.objects.filter(pk__in=[first, second]):
        item.franchise = show
        item.save()
    serving.forget()
    found = standing(member, second)
    assert (rules(found), found.place, found.is_out) == (["The start first"], None, True)
    assert Item.objects.get(pk=first).name in found.holds[0].sentence
    assert rules(standing(member, first)) == []


def test_titles_out_of_sight_are_not_found(member: User, client: Client) -> None:
    for anime_id in (HIDDEN, ADULT):
        found = client.get(WHY_NOT, {"q": f"No {anime_id:03} Show"}).context["rows"]
        assert anime_id not in [item.pk for item, _ in found]


@pytest.mark.parametrize("query", ["", "   ", "zzzzzzzz", "<script>", "x" * 5000, "\x00"])
def test_any_query_gets_a_page(member: User, client: Client, query: str) -> None:
    response = client.get(WHY_NOT, {"q": query})
    assert response.status_code == 200
    assert "<script>alert" not in response.content.decode()


def test_a_visitor_gets_places_by_popularity(live: Checkpoint, client: Client) -> None:
    page = client.get(WHY_NOT, {"q": "No 003 Show"}).content.decode()
    assert "Place <strong>3</strong>" in page
    assert "Nothing personal yet" in page


def test_htmx_gets_the_fragment(member: User, client: Client) -> None:
    response = client.get(WHY_NOT, {"q": "No 020"}, headers={"HX-Request": "true", "HX-Target": "why-not"})
    assert "<html" not in response.content.decode()
    assert "HX-Target" in response.headers["Vary"]
