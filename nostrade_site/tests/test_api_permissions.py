"""The permission matrix of the API: every route and method, for everybody who may come."""

import json
from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, reverse

from catalog.tests.factories import ItemFactory
from feedback.tests.factories import EventFactory, UserFactory
from nostrade_site import api_urls
from nostrade_site.tokens.models import ApiToken

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_ranker")]
ITEM, OTHER_ITEM = 7, 8

ROLES = ("anonymous", "guest", "other", "member", "read", "write", "score")  # tokens are the member's
OPEN = (200, 200, 200, 200, 200, 403, 403)
OWN = (401, 200, 200, 200, 200, 403, 403)
PUT = (401, 200, 200, 200, 403, 200, 403)
LET_GO = (401, 204, 204, 204, 403, 204, 403)
MADE = (401, 201, 201, 201, 403, 201, 403)

SAID = {"anime_id": OTHER_ITEM, "feedback_type": "like"}
BODIES = {
    "events": SAID,
    "event-batch": {"events": [SAID]},
    "score": {"history": [SAID]},
    "score-batch": {"histories": [[SAID]]},
}
MATRIX = {
    ("recommendations", "get"): OPEN,
    ("item-list", "get"): OPEN,
    ("item-detail", "get"): OPEN,
    ("similar", "get"): OPEN,
    ("checkpoints", "get"): OPEN,
    ("schema", "get"): OPEN,
    ("events", "get"): OWN,
    ("events", "post"): MADE,
    ("event-batch", "post"): MADE,
    ("event", "delete"): (401, 404, 404, 204, 403, 204, 403),
    ("saved-list", "get"): OWN,
    ("saved", "put"): (401, 201, 201, 201, 403, 200, 403),  # the token's owner has it already
    ("saved", "delete"): LET_GO,
    ("dismissals", "get"): OWN,
    ("dismissal", "put"): PUT,
    ("dismissal", "delete"): LET_GO,
    ("me", "get"): OWN,
    ("me", "delete"): (401, 204, 403, 403, 403, 403, 403),  # members send their password too
    ("export", "get"): OWN,
    ("score", "post"): (200, 200, 200, 200, 403, 403, 200),
    ("score-batch", "post"): (401, 403, 403, 403, 403, 403, 200),
}


def routes(patterns: list[URLPattern | URLResolver]) -> Iterator[tuple[str, str]]:
    """Yield the name and method of everything that the API answers to."""
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns)
        elif pattern.name != "nowhere":
            view = pattern.callback
            names = getattr(view, "actions", None) or [
                method for method in view.cls.http_method_names if hasattr(view.cls, method)
            ]
            for method in names:
                if method not in ("options", "head"):
                    yield pattern.name, method


@pytest.fixture
def clients():
    member, guest = UserFactory(), UserFactory(guest=True)
    ItemFactory(anime_id=OTHER_ITEM)
    event = EventFactory(user=member, item=ItemFactory(anime_id=ITEM))
    made = {"anonymous": Client()}
    for role, user in {"guest": guest, "other": UserFactory(), "member": member}.items():
        made[role] = Client()
        made[role].force_login(user)
    for role in ("read", "write", "score"):
        given = {"reads": role == "read", "writes": role == "write", "scores": role == "score"}
        secret = ApiToken(label=role, **given).issue(member)
        made[role] = Client(headers={"Authorization": f"Bearer {secret}"})
    return made, event.pk


def address(name, event_id):
    args = {
        "item-detail": [ITEM],
        "similar": [ITEM],
        "event": [event_id],
        "saved": [ITEM],
        "dismissal": [ITEM, "seen"],
    }
    return reverse(f"api:{name}", args=args.get(name))


def test_no_route_is_missing():
    assert sorted(routes(api_urls.urlpatterns)) == sorted(MATRIX)


@pytest.mark.parametrize(("name", "method"), MATRIX)
def test_who_may_do_what(clients, name, method):
    by_role, event_id = clients
    body = json.dumps(BODIES.get(name)) if name in BODIES else ""
    url, found = address(name, event_id), {}

    for role in ROLES:
        ask = getattr(by_role[role], method)
        response = ask(url) if method == "get" else ask(url, body, content_type="application/json")
        found[role] = response.status_code
        if response.status_code >= 400:
            assert response["Content-Type"] == "application/problem+json"
            assert response.json()["detail"]

    assert found == dict(zip(ROLES, MATRIX[name, method], strict=True))


def test_nobody_reads_what_is_anothers(clients):
    by_role, _ = clients

    for name in ("events", "saved-list", "dismissals"):
        assert by_role["other"].get(reverse(f"api:{name}")).json()["results"] == []
    assert by_role["read"].get(reverse("api:me")).json()["reactions"] == 1
    assert by_role["other"].get(reverse("api:me")).json()["reactions"] == 0
