"""The API as a whole, and the recommendations in it."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from recommender.models import Preferences
from recommender.tests.fixtures import ADULT, HIDDEN, ROMANCES, say

pytestmark = pytest.mark.usefixtures("own_ranker")

URL = reverse("api:recommendations")


@pytest.fixture
def fan(ann: User, live: object, client: Client) -> Client:
    say(ann, 1)
    client.force_login(ann)
    return client


def test_it_works(fan: Client) -> None:
    response = fan.get(URL, {"k": 7})
    assert response.status_code == 200
    answer = response.json()
    assert answer["version"] == "first"
    assert len(answer["results"]) == 7
    best = answer["results"][0]
    assert best["anime_id"] in ROMANCES
    assert best["reason"] == "Because you loved No 001 Show"
    assert best["causes"] == [1]
    assert best["name"].startswith("No ")


@pytest.mark.usefixtures("live")
def test_a_visitor_gets_popular_titles(client: Client) -> None:
    answer = client.get(URL).json()
    assert answer["version"] is None
    assert [result["anime_id"] for result in answer["results"][:4]] == [1, 2, 3, 4]
    assert len(answer["results"]) == 20


def test_nothing_masked_is_recommended(fan: Client, ann: User) -> None:
    found = {result["anime_id"] for result in fan.get(URL, {"k": 100}).json()["results"]}
    assert not found & {1, HIDDEN, ADULT}
    Preferences.objects.create(user=ann, show_adult=True)
    assert ADULT in {result["anime_id"] for result in fan.get(URL, {"k": 100}).json()["results"]}


@pytest.mark.usefixtures("live")
@pytest.mark.parametrize("k", ["0", "-1", "101", "x", "1.5", "9" * 2000])
def test_it_rejects_another_k(client: Client, k: str) -> None:
    response = client.get(URL, {"k": k})
    assert response.status_code == 400
    assert [error["field"] for error in response.json()["errors"]] == ["k"]


def test_it_is_only_read(fan: Client) -> None:
    assert fan.post(URL).status_code == 405


def test_the_schema_describes_every_route(client: Client) -> None:
    response = client.get(reverse("api:schema"), {"format": "json"})
    assert response.status_code == 200
    paths = response.json()["paths"]
    names = {parameter["name"] for parameter in paths[URL]["get"]["parameters"]}
    filters = {"in", "out", "type", "from", "to", "score", "members"}
    assert names == {"k", *filters, "discovery", "variety", "mood", "like", "near", "tuned"}
    assert any("events" in path for path in paths)


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("/api/v1/items/?genre=%00", 400),
        ("/api/v1/items/?type=%00", 400),
        ("/api/v1/items/?search=%00", 200),
        ("/api/v1/items/?page=%00", 404),
        ("/api/v1/recommendations/?in=%00&mood=%00", 400),
        ("/api/v1/events/?cursor=%00", 404),
        ("/search/?q=%00&genre=%00&type=%00", 400),
    ],
)
def test_a_nul_is_refused_before_postgresql_does(fan: Client, url: str, status: int) -> None:
    assert fan.get(url).status_code == status
