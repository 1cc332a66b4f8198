"""The map: drawn once for each checkpoint, in the background; its points, marks and words."""

from __future__ import annotations

from collections.abc import Collection

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.core.management import call_command
from django.http import HttpResponse, QueryDict
from django.test import Client
from django.urls import reverse

from feedback.models import FeedbackType
from recommender import ignoring
from recommender.mapping import draw_missing
from recommender.models import Checkpoint, Map, Preferences
from recommender.moods import MOST_NEAR
from recommender.order import Order
from recommender.serving import get_ranker
from recommender.tests.fixtures import ADULT, BATTLES, HIDDEN, ROMANCES, STRANGERS, Promote, say

MAP = reverse("recommender:map")
POINTS = reverse("recommender:map_points", args=["first"])
REGION = reverse("recommender:map_region", args=["first"])


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


def box_of(drawn: Map, anime_ids: Collection[int]) -> str:
    """Return the smallest rectangle of the t-SNE around some titles."""
    places = [drawn.points["ids"].index(pk) for pk in anime_ids]
    xs, ys = zip(*(drawn.points["tsne"][place] for place in places), strict=True)
    return ",".join(map(str, (min(xs), min(ys), max(xs), max(ys))))


def near_of(response: HttpResponse) -> list[int]:
    return [int(pk) for pk in QueryDict(response["Location"].partition("?")[2]).getlist("near")]


def test_a_region_steers_the_feed_there(drawn: Map, ann: User, client: Client) -> None:
    for anime_id in (10, 11, 12):
        say(ann, anime_id)
    client.force_login(ann)
    romances = sum(card.item.pk in ROMANCES for card in client.get("/").context["page"].cards)
    battles = [40, 41, 42]
    answer = client.get(REGION, {"layout": "tsne", "box": box_of(drawn, battles)})
    near = near_of(answer)
    assert answer.status_code == 302
    assert 0 < len(near) <= MOST_NEAR
    steered = client.get(answer["Location"])
    cards = steered.context["page"].cards
    assert {*near} - {10, 11, 12} <= {card.item.pk for card in cards[: MOST_NEAR + 2]}
    assert sum(card.item.pk in ROMANCES for card in cards) < romances
    assert 'id="mood-near" href="/"' in steered.content.decode()  # the way back


def test_a_region_is_one_of_what_the_reader_may_see(drawn: Map, ann: User, client: Client) -> None:
    box = box_of(drawn, [ADULT])
    assert client.get(REGION, {"box": box}).status_code == 404
    Preferences.objects.create(user=ann, show_adult=True)
    client.force_login(ann)
    assert near_of(client.get(REGION, {"box": box})) == [ADULT]


def test_a_visitor_is_led_there_by_the_model_too(drawn: Map) -> None:
    order = Order.of(AnonymousUser(), QueryDict("near=40"))
    assert order.live is None
    ranker = get_ranker().ranker
    nearest = [ranker.item_ids[place] for place in ranker.likeness([40])[:, 0].argsort()[::-1]]
    on_show = [pk for pk in nearest if pk not in {HIDDEN, ADULT, *STRANGERS}]
    assert order.slice(0, 5) == on_show[:5]


def test_a_large_region_is_stood_for_from_all_over_it(drawn: Map, client: Client) -> None:
    near = near_of(client.get(REGION, {"layout": "pca", "box": "-1,-1,1,1"}))
    assert len(near) == len({*near}) == MOST_NEAR
    assert {*near} & {*ROMANCES}
    assert {*near} & {*BATTLES}


@pytest.mark.parametrize(
    ("asked", "status", "sentence"),
    [
        ({"box": "2,2,3,3"}, 404, "No title stands there."),
        ({"box": "nan,0,1,1"}, 404, "No title stands there."),
        ({"box": "1,2,3"}, 400, "Say the rectangle as box=left,low,right,high"),
        ({"box": "a,b,c,d"}, 400, "Say the rectangle as box=left,low,right,high"),
        ({}, 400, "Say the rectangle as box=left,low,right,high"),
        ({"box": "0,0,1,1", "layout": "ids"}, 400, "The layout is one of tsne, pca."),
    ],
)
def test_no_region_is_refused_with_a_sentence(
    drawn: Map, client: Client, asked: dict[str, str], status: int, sentence: str
) -> None:
    answer = client.get(REGION, asked)
    assert answer.status_code == status
    assert sentence in answer.content.decode()


def test_the_sky_is_divided_for_who_does_not_draw(drawn: Map, client: Client) -> None:
    response = client.get(MAP)
    regions = response.context["regions"]
    assert sum(region.size for region in regions) == len(ROMANCES) + len(BATTLES) - 2
    assert not {HIDDEN, ADULT, *STRANGERS} & {pk for region in regions for pk in region.near}
    for region in regions:
        assert f'href="/?{region.query.replace("&", "&amp;")}"' in response.content.decode()
    assert regions == client.get(MAP).context["regions"]


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
