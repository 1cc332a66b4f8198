"""Errors of the API: one form for all, and nothing hostile gets further than a 4xx."""

import base64
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
        ("get", "/api/v1/items/9/", 404, "There is no title 9"),
        ("get", "/api/v1/nothing/", 404, "/api/v1/schema/"),
        ("post", "/api/v1/events", 404, "ends with a slash"),
    ],
)
def test_each_error_says_what_to_do(client, method, url, status, remedy):
    response = getattr(client, method)(url)

    assert (response.status_code, response["Content-Type"]) == (status, "application/problem+json")
    assert response.json()["status"] == status
    assert remedy in response.json()["detail"]


@pytest.mark.parametrize(
    ("url", "headers", "status", "remedy"),
    [
        ("/api/v2/items/", {}, 404, "/api/v1/schema/"),
        ("/api/", {}, 404, "/api/v1/schema/"),
        ("/api/v1/items/", {"Host": "evil.example"}, 400, "check its headers"),
    ],
)
def test_where_no_view_is_reached_it_is_a_problem_too(client, url, headers, status, remedy):
    response = client.get(url, headers=headers)

    assert (response.status_code, response["Content-Type"]) == (status, "application/problem+json")
    assert remedy in response.json()["detail"]


def test_people_still_get_a_page(client):
    response = client.get("/no/such/page/")

    assert response.status_code == 404
    assert response["Content-Type"].startswith("text/html")


def test_our_own_mistakes_are_a_problem_that_gives_nothing_away(client, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError("secret")

    monkeypatch.setattr("catalog.api.shows_adult", broken)
    client.raise_request_exception = False
    response = client.get("/api/v1/items/")

    assert (response.status_code, response["Content-Type"]) == (500, "application/problem+json")
    assert "secret" not in response.content.decode()


def test_a_form_too_large_for_django_is_a_problem_too(client, member):
    client.handler.enforce_csrf_checks = True

    response = client.post(EVENTS, "a=" + "x" * 3_000_000, content_type="application/x-www-form-urlencoded")

    assert response["Content-Type"] == "application/problem+json"
    assert response.status_code in (400, 403)


@pytest.mark.parametrize(
    "url", [EVENTS, "/api/v1/saved/1/", "/api/v1/dismissals/1/seen/", "/api/v1/me/", "/api/v1/items/1/"]
)
def test_options_says_what_an_address_takes(client, member, url):
    response = client.options(url)

    assert response.status_code == 200
    assert set(response.json()["methods"]) == set(response["Allow"].split(", "))
    assert response.json()["described_at"] == "/api/v1/schema/"


def made_up(text):
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize("url", [EVENTS, "/api/v1/saved/", "/api/v1/dismissals/", "/api/v1/checkpoints/"])
@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "!",
        "garbage",
        "é",
        "\0",
        made_up("p=garbage"),
        made_up("p=2026-13-45"),
        made_up("p=2026-01-01"),
        made_up("p=0001-01-01T00:00:00%2B23:59"),
        made_up("o=-1"),
        made_up("p=\0"),
    ],
)
def test_a_cursor_that_no_page_gave_leads_nowhere(client, member, url, cursor):
    response = client.get(url, {"cursor": cursor})

    assert response.status_code == 404
    assert "follow `next`" in response.json()["detail"]


@pytest.mark.parametrize("query", ["genre=", "type=", "page=", "type=%20", "genre=Drama&genre="])
def test_a_parameter_without_a_value_is_refused(client, query):
    response = client.get(f"/api/v1/items/?{query}")

    assert response.status_code == 400
    assert "leave it out" in response.json()["detail"]


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
