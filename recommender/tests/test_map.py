"""The map: drawn once for each checkpoint, in the background; its points, marks and words."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from feedback.models import FeedbackType
from recommender import ignoring
from recommender.mapping import draw_missing
from recommender.models import Checkpoint, Map, Preferences
from recommender.tests.fixtures import ADULT, BATTLES, HIDDEN, ROMANCES, STRANGERS, Promote, say

MAP = reverse("recommender:map")
POINTS = reverse("recommender:map_points", args=["first"])


@pytest.fixture
def drawn(live: Checkpoint) -> Map:
    list(draw_missing(steps=20))
    return Map.objects.get()


def test_it_works(drawn: Map, ann: User, client: Client) -> None:
    say(ann, 10)
    say(ann, 41, FeedbackType.DISLIKE)
    client.force_login(ann)
    response = client.get(MAP)
    page = response.content.decode()
    assert [(mark["id"], mark["said"]) for mark in response.context["marks"]] == [
        (10, "Loved"),
        (41, "Disliked"),
    ]
    assert POINTS in page
    assert "Near what you love" in page
    points = client.get(POINTS).json()
    columns = ("ids", "names", "years", "scores", "genres", "pca", "tsne")
    assert {len(points[name]) for name in columns} == {len(ROMANCES) + len(BATTLES) - 2}
    assert set(points["feedback"]) == {"Dislike", "Like", "Love", "Watched"}
    assert all(-1 <= value <= 1 for name in ("pca", "tsne") for point in points[name] for value in point)


def test_every_title_stands_where_it_was_drawn(drawn: Map, client: Client) -> None:
    points = client.get(POINTS).json()
    for layout in ("pca", "tsne"):
        stored = dict(zip(drawn.points["ids"], drawn.points[layout], strict=True))
        assert [stored[pk] for pk in points["ids"]] == points[layout]
    assert points["names"][points["ids"].index(10)] == "No 010 Show"
    assert points["genres"][points["ids"].index(10)] == ["Romance"]


def test_titles_out_of_sight_have_no_point(drawn: Map, ann: User, client: Client) -> None:
    assert not {HIDDEN, ADULT, *STRANGERS} & set(client.get(POINTS).json()["ids"])
    Preferences.objects.create(user=ann, show_adult=True)
    client.force_login(ann)
    response = client.get(POINTS)
    assert ADULT in response.json()["ids"]
    assert "private" in response.headers["Cache-Control"]


def test_causes_are_those_of_the_card(drawn: Map, ann: User, client: Client) -> None:
    for anime_id in (10, 11, 12):
        say(ann, anime_id)
    client.force_login(ann)
    card = client.get("/").context["page"].cards[0]
    address = reverse("recommender:map_causes", args=[card.item.pk])
    assert client.get(address).json()["causes"] == [item.pk for item in card.reason.causes]
    for cause in card.reason.causes:
        ignoring.ignore(ann, cause.pk)
    assert not set(client.get(address).json()["causes"]) & {item.pk for item in card.reason.causes}
    assert client.get(reverse("recommender:map_causes", args=[999_999])).json() == {"causes": []}


def test_each_checkpoint_is_drawn_once(drawn: Map, promote: Promote, capsys) -> None:
    call_command("draw_map")
    assert "has its map" in capsys.readouterr().out
    promote("second")
    assert [line for line in draw_missing(steps=5) if "second" in line]
    assert Map.objects.count() == 2
    Checkpoint.objects.get(version="first").delete()
    assert Map.objects.get().checkpoint.version == "second"


def test_before_it_is_drawn_the_page_says_so(live: Checkpoint, ann: User, client: Client) -> None:
    say(ann, 10)
    client.force_login(ann)
    page = client.get(MAP).content.decode()
    assert "The sky is being drawn" in page
    assert "Near what you love" in page
    assert client.get(POINTS).status_code == 404


def test_without_a_model_there_is_a_page(catalogue: None, client: Client) -> None:
    assert client.get(MAP).status_code == 200
    assert list(draw_missing()) == []


def test_query_count_is_constant(
    drawn: Map, ann: User, client: Client, django_assert_max_num_queries
) -> None:
    for anime_id in (10, 11, 12, 13, 40, 41):
        say(ann, anime_id)
    client.force_login(ann)
    client.get(MAP)
    with django_assert_max_num_queries(11):
        client.get(MAP)
    with django_assert_max_num_queries(6):
        client.get(POINTS)
