"""Errors of the API: one form for all, and nothing hostile gets further than a 4xx."""

import base64
import gzip
import json
import re

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


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "", "nonsense", "/", "a/b; x*=none''%41"])
@pytest.mark.parametrize(
    "url", ["/api/v1/items/", "/api/v1/items/9/", "/api/v1/recommendations/", "/api/v1/nothing/"]
)
def test_what_cannot_be_answered_with_is_refused(client, url, accept):
    response = client.get(url, headers={"Accept": accept})

    assert (response.status_code, response["Content-Type"]) == (406, "application/problem+json")
    assert "Accept application/json, or leave out" in response.json()["detail"]


@pytest.mark.parametrize(
    "url", ["/api/v1/items/?format=xml", "/api/v1/schema/?format=%00", "/api/v1/score/?format=api"]
)
def test_so_is_a_format_that_there_is_not(client, url):
    response = client.get(url)

    assert (response.status_code, response["Content-Type"]) == (406, "application/problem+json")
    assert "leave out `Accept` and `format`" in response.json()["detail"]


@pytest.mark.parametrize(
    "condition", [{"If-Match": '"x"'}, {"If-Unmodified-Since": "Sat, 29 Oct 1994 19:43:31 GMT"}]
)
@pytest.mark.parametrize("url", ["/api/v1/items/", "/api/v1/items/1/"])
def test_a_condition_that_does_not_hold_is_a_problem(client, url, condition):
    ItemFactory(anime_id=1)
    response = client.get(url, headers=condition)

    assert (response.status_code, response["Content-Type"]) == (412, "application/problem+json")
    assert "ask without them" in response.json()["detail"]
    assert client.get(url, headers={"If-Match": client.get(url)["ETag"]}).status_code == 200


@pytest.mark.parametrize("method", ["options", "trace", "head", "patch", "delete"])
def test_nothing_is_promised_where_nothing_is(client, method):
    assert getattr(client, method)("/api/v1/nothing/").status_code == 404


@pytest.mark.parametrize("url", ["/api/v1/recommendations/", "/api/v1/me/export/", "/api/v1/me/"])
def test_whatever_is_read_can_be_asked_for_its_head(client, member, url):
    response = client.head(url)

    assert response.status_code == 200
    assert b"".join(response) == b""


@pytest.mark.parametrize(
    "query", ["k=", "k=%20", "k=1_0", "k=%2B5", "k=5%20", "k=%D9%A3", "k=1.0", "tuned=", "tuned=1_0"]
)
def test_a_number_in_an_address_is_digits(client, query):
    assert client.get(f"/api/v1/recommendations/?{query}").status_code == 400


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
        ("[" * 30_000 + "]" * 30_000, 400),
        ("[" * 100_000 + "]" * 100_000, 413),
        ('{"anime_id": NaN}', 400),
        ('{"anime_id": "\\ud800", "feedback_type": "love"}', 400),
        ('{"anime_id": 1e400, "feedback_type": "love"}', 400),
        ('{"anime_id": ' + "9" * 4000 + ', "feedback_type": "love"}', 400),
        ('{"anime_id": "\\u0000", "feedback_type": "love"}', 400),
        ('{"anime_id": [1], "feedback_type": {"a": 1}}', 400),
        (json.dumps({"anime_id": 1, "feedback_type": "x" * 2**20}), 413),
    ],
)
def test_hostile_bodies_are_refused(client, member, body, status):
    ItemFactory(anime_id=1)

    response = client.post(EVENTS, body, content_type="application/json")

    assert response.status_code == status
    assert response["Content-Type"] == "application/problem+json"


LOVE = '{"anime_id": 1, "feedback_type": "love"}'


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("{", "no JSON: Expecting property name enclosed in double quotes at line 1, column 2."),
        (LOVE * 2, "no JSON: Extra data"),
        (b"\xff\xfe", "not UTF-8 at byte 0: send JSON in UTF-8."),
        (LOVE.encode("utf-16"), "not UTF-8"),
        ("[]", "Send a JSON object"),
        ("null", "Send a JSON object"),
        ("5", "Send a JSON object"),
        ('{"anime_id": NaN}', "NaN is no number in JSON"),
        ('{"anime_id": -Infinity}', "-Infinity is no number in JSON"),
        ('{"anime_id": ' + "9" * 5000 + "}", "more digits than anything that is asked for"),
        ('{"anime_id": 1, "anime_id": 2}', 'The name "anime_id" is there more than once'),
        ('{"\\ud800": 1, "\\ud800": 2}', 'The name "\\ud800" is there more than once'),
        ('{"anime_id": "1", "feedback_type": 1}', "anime_id: Send a title's number."),
    ],
)
def test_bodies_are_refused_with_what_to_do(client, member, body, sentence):
    response = client.post(EVENTS, body, content_type="application/json")

    assert (response.status_code, response["Content-Type"]) == (400, "application/problem+json")
    assert sentence in response.json()["detail"]
    assert not re.search("sys|dict|codec|pk value", response.json()["detail"])


def test_a_packed_body_is_refused_by_its_header(client, member):
    packed = gzip.compress(LOVE.encode())
    response = client.post(
        EVENTS, packed, content_type="application/json", headers={"Content-Encoding": "gzip"}
    )

    assert response.status_code == 415
    assert "without Content-Encoding" in response.json()["detail"]


def test_a_byte_order_mark_is_no_fault(client, member):
    ItemFactory(anime_id=1)

    response = client.post(EVENTS, b"\xef\xbb\xbf" + LOVE.encode(), content_type="application/json")

    assert response.status_code == 201


def test_a_number_in_a_body_is_a_number(client):
    response = client.post("/api/v1/score/", {"history": [], "k": "5"}, content_type="application/json")

    assert response.status_code == 400
    assert response.json()["errors"][0]["field"] == "k"
