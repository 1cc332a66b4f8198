"""The examples of docs/api.md, executed in order: each answers with the status and the shape it shows."""

import json
import re

import pytest
from django.conf import settings
from django.test import Client

from catalog.tests.factories import ItemFactory
from feedback.tests.factories import UserFactory
from nostrade_site.tokens.models import ApiToken

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_ranker")]
TEXT = (settings.BASE_DIR / "docs" / "api.md").read_text()


def messages():
    """Yield the parts of each message: first line, headers, body."""
    for block in re.findall(r"```http\n(.*?)```", TEXT, re.DOTALL):
        head, _, body = block.partition("\n\n")
        first, *lines = head.strip().splitlines()
        yield first, dict(line.split(": ", 1) for line in lines), body.strip()


def shape(value):
    """Reduce an answer to its names and types; what may be null is what it is elsewhere."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [shape(inner) for inner in value]
    return type(value).__name__


def test_it_works():
    for anime_id in range(1, 9):
        ItemFactory(anime_id=anime_id)
    secret = ApiToken(label="docs", writes=True, scores=True).issue(UserFactory())
    parts, done = [*messages()], 0

    for asked, shown in zip(parts[::2], parts[1::2], strict=True):
        method, path = asked[0].split()
        headers = {name: value.replace("$TOKEN", secret) for name, value in asked[1].items()}
        content_type = headers.pop("Content-Type", "")
        answer = Client().generic(method, path, asked[2], content_type=content_type, headers=headers)
        body = answer.getvalue().decode()

        assert answer.status_code == int(shown[0].split()[1]), (asked, body)
        assert shown[1].get("Content-Type", answer["Content-Type"]) == answer["Content-Type"]
        if answer["Content-Type"] == "application/x-ndjson":
            for line, expected in zip(body.splitlines(), shown[2].splitlines(), strict=True):
                assert shape(json.loads(line)) == shape(json.loads(expected))
        else:
            assert shape(json.loads(body)) == shape(json.loads(shown[2])), asked
        if answer.status_code >= 400:
            assert json.loads(body) == json.loads(shown[2])
        done += 1
    assert done == 10


def test_every_route_is_named():
    schema = Client().get("/api/v1/schema/", {"format": "json"}).json()
    for path in schema["paths"]:
        stem = path.split("{")[0].removeprefix("/api/v1/")
        assert stem in TEXT, path


def test_no_other_site_is_let_in_unless_it_is_named(settings):
    origin = {"Origin": "https://app.example.com"}
    assert "Access-Control-Allow-Origin" not in Client().get("/api/v1/items/", headers=origin)

    settings.CORS_ALLOWED_ORIGINS = ["https://app.example.com"]
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}

    answer = Client().options("/api/v1/events/", headers=origin | asked)
    assert answer["Access-Control-Allow-Origin"] == "https://app.example.com"
    assert "authorization" in answer["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Credentials" not in answer
    answer = Client().get("/api/v1/items/", headers=origin)
    readable = set(answer["Access-Control-Expose-Headers"].split(", "))
    assert readable == {"ETag", "Retry-After", "X-Request-ID"}
    assert "X-Request-ID" in answer
    assert "Access-Control-Allow-Origin" not in Client().get("/privacy/", headers=origin)
    elsewhere = {"Origin": "https://evil.example.com"}
    assert "Access-Control-Allow-Origin" not in Client().get("/api/v1/items/", headers=elsewhere)


@pytest.mark.parametrize("url", ["/api/v1/items/", "/api/v1/events/", "/api/v1/saved/", "/api/v1/items/1/"])
def test_what_did_not_change_is_not_sent_again(client, url):
    item = ItemFactory(anime_id=1)
    user = UserFactory()
    client.force_login(user)
    client.post("/api/v1/events/", {"anime_id": 1, "feedback_type": 3}, content_type="application/json")
    user.saved.create(item=item)
    first = client.get(url)

    again = client.get(url, headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")

    item.name = "Renamed"
    item.save()
    user.saved.create(item=ItemFactory())
    client.post("/api/v1/events/", {"anime_id": 1, "feedback_type": 1}, content_type="application/json")
    assert client.get(url, headers={"If-None-Match": first["ETag"]}).status_code == 200
