"""Errors of the API: one form for all, and nothing hostile gets further than a 4xx."""

import json

import pytest
from django.urls import reverse

from catalog.tests.factories import ItemFactory
from feedback.tests.factories import UserFactory

pytestmark = pytest.mark.django_db
EVENTS = reverse("api:events")


@pytest.fixture
def member(client):
    user = UserFactory()
    client.force_login(user)
    return user


def test_it_works(client, member):
    response = client.post(EVENTS, {"feedback_type": "adore"}, content_type="application/json")

    assert response["Content-Type"] == "application/problem+json"
    body = response.json()
    assert {name: body[name] for name in ("type", "title", "status")} == {
        "type": "about:blank",
        "title": "Bad Request",
        "status": 400,
    }
    assert [error["field"] for error in body["errors"]] == ["anime_id", "feedback_type"]
    assert "Send dislike, like or love" in body["detail"]


@pytest.mark.parametrize(
    ("method", "url", "status", "remedy"),
    [
        ("get", EVENTS, 401, "/tokens/"),
        ("put", "/api/v1/items/", 405, "Use GET"),
        ("get", "/api/v1/items/9/", 404, "No Item"),
        ("get", "/api/v1/nothing/", 404, "/api/v1/schema/"),
        ("post", "/api/v1/events", 404, "ends with a slash"),
    ],
)
def test_each_error_says_what_to_do(client, method, url, status, remedy):
    response = getattr(client, method)(url)

    assert (response.status_code, response["Content-Type"]) == (status, "application/problem+json")
    assert response.json()["status"] == status
    assert remedy in response.json()["detail"]


def test_limits_say_when_to_come_again(client, monkeypatch):
    monkeypatch.setattr("rest_framework.throttling.AnonRateThrottle.rate", "1/min", raising=False)

    client.get("/api/v1/items/")
    response = client.get("/api/v1/items/")

    assert response.status_code == 429
    assert 0 < int(response["Retry-After"]) <= 60
    assert response.json()["title"] == "Too Many Requests"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("{", 400),
        ("[" * 100_000 + "]" * 100_000, 400),
        ('{"anime_id": NaN}', 400),
        ('{"anime_id": "\\ud800", "feedback_type": "love"}', 400),
        ('{"anime_id": 1e400, "feedback_type": "love"}', 400),
        ('{"anime_id": "\\u0000", "feedback_type": "love"}', 400),
        ('{"anime_id": [1], "feedback_type": {"a": 1}}', 400),
        (b"\xff\xfe", 400),
        ("[]", 400),
        ("null", 400),
        (json.dumps({"anime_id": 1, "feedback_type": "x" * 2**20}), 413),
    ],
)
def test_hostile_bodies_are_refused(client, member, body, status):
    ItemFactory(anime_id=1)

    response = client.post(EVENTS, body, content_type="application/json")

    assert response.status_code == status
    assert response["Content-Type"] == "application/problem+json"
