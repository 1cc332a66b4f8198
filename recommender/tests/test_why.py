"""Why a title stands where it does: causes, what speaks against it, what is near, how far to trust it."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.test import Client
from django.urls import reverse

from catalog.models import Item
from feedback.models import FeedbackType
from recommender import ignoring
from recommender.models import Checkpoint, Preferences
from recommender.order import Order
from recommender.tests.fixtures import ADULT, HIDDEN, NEWCOMERS, say
from recommender.why import Why, why


@pytest.fixture
def member(live: Checkpoint, ann: User, client: Client) -> User:
    """Ann loves three romances and dislikes two battles."""
    for anime_id in (10, 11, 12):
        say(ann, anime_id)
    for anime_id in (40, 41):
        say(ann, anime_id, FeedbackType.DISLIKE)
    client.force_login(ann)
    return ann


def page_of(anime_id: int) -> str:
    return reverse("recommender:why", args=[anime_id])


def asked(user: User | AnonymousUser, anime_id: int) -> Why:
    return why(user, Item.objects.get(pk=anime_id))


def test_it_works(member: User, client: Client) -> None:
    top = Order.of(member).slice(0, 1)[0]
    found = asked(member, top)
    assert found.standing.place == 1
    assert found.raised_by
    assert {cause.item.pk for cause in found.raised_by} <= {10, 11, 12}
    assert [cause.drop for cause in found.raised_by] == sorted(
        (cause.drop for cause in found.raised_by), reverse=True
    )
    assert found.raised_by[0].share == 100
    assert found.genres[0].name == "Romance"
    assert found.near[0].item.pk in {10, 11, 12}
    assert found.checkpoint == Checkpoint.objects.get()
    page = client.get(page_of(top)).content.decode()
    assert "What speaks for it" in page
    assert "You loved" in page
    assert "<code>first</code>" in page


def test_the_dislikes_that_speak_against_a_title_are_named(member: User) -> None:
    found = asked(member, 50)
    assert {cause.item.pk for cause in found.lowered_by} & {40, 41}
    assert all(cause.drop < 0 for cause in found.lowered_by)
    assert "less likely with it" in found.lowered_by[0].effect


def test_the_card_and_the_page_name_the_same_causes(member: User) -> None:
    response = Client()
    response.force_login(member)
    for card in response.get("/").context["page"].cards[:5]:
        stated = {cause.item.pk for cause in asked(member, card.item.pk).raised_by if cause.is_stated}
        assert stated == {item.pk for item in card.reason.causes}


def test_a_title_with_a_reaction_is_explained_as_if_it_had_none(member: User) -> None:
    found = asked(member, 10)
    assert found.reaction is not None
    assert found.standing.place is None
    assert found.would_stand
    assert found.would_stand < 31
    assert 10 not in {cause.item.pk for cause in found.raised_by}


def test_what_is_ignored_speaks_neither_way(member: User) -> None:
    ignoring.ignore(member, 40)
    ignoring.ignore(member, 10)
    found = asked(member, 45)
    assert not {10, 40} & {cause.item.pk for cause in (*found.raised_by, *found.lowered_by)}
    assert 10 not in {near.item.pk for near in found.near}


def test_how_faithful_reasons_are_is_said(member: User, client: Client) -> None:
    checkpoint = Checkpoint.objects.get()
    figures = {"rate": 0.968, "low": 0.95, "high": 0.98, "people": 90, "reasons": 400}
    figures |= {"drop": 0.5, "random_drop": 0.1, "source": "held out"}
    assert "of 100 cases" not in client.get(page_of(20)).content.decode()
    checkpoint.metrics["faithfulness"] = figures
    checkpoint.save()
    assert "In 97 of 100 cases" in client.get(page_of(20)).content.decode()


def test_a_visitor_and_a_title_the_model_does_not_know(live: Checkpoint, client: Client) -> None:
    page = client.get(page_of(20)).content.decode()
    assert "Nothing personal, yet" in page
    found = asked(AnonymousUser(), NEWCOMERS[0])
    assert (found.raised_by, found.near, found.checkpoint) == ((), (), None)
    assert client.get(page_of(NEWCOMERS[0])).status_code == 200


def test_without_a_model_there_is_a_page_all_the_same(catalogue: None, ann: User, client: Client) -> None:
    say(ann, 10)
    client.force_login(ann)
    for anime_id in (10, 20):
        assert client.get(page_of(anime_id)).status_code == 200


@pytest.mark.parametrize("anime_id", [HIDDEN, 999_999, ADULT])
def test_it_rejects_titles_out_of_sight(member: User, client: Client, anime_id: int) -> None:
    response = client.get(page_of(anime_id))
    assert response.status_code == 404
    assert "035 Show" not in response.content.decode()


def test_an_adult_title_has_a_page_where_it_is_switched_on(member: User, client: Client) -> None:
    Preferences.objects.create(user=member, show_adult=True)
    assert client.get(page_of(ADULT)).status_code == 200


def test_the_dialog_gets_the_words_alone(member: User, client: Client) -> None:
    response = client.get(page_of(20), headers={"HX-Request": "true", "HX-Target": "why"})
    words = response.content.decode()
    assert "<html" not in words
    assert 'hx-target="#feed"' in words
    assert "HX-Target" in response.headers["Vary"]


def test_every_card_leads_there(member: User, client: Client) -> None:
    response = client.get("/")
    page = response.content.decode()
    assert all(page_of(card.item.pk) in page for card in response.context["page"].cards)


def test_query_count_does_not_depend_on_the_history(
    member: User, client: Client, django_assert_max_num_queries
) -> None:
    for anime_id in range(13, 30):
        say(member, anime_id)
    asked(member, 30)
    with django_assert_max_num_queries(15):
        asked(member, 30)
