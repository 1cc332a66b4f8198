"""A short run of made-up requests; `make test-api` sends twenty thousand to a site that really runs."""

import json

import pytest
from django.urls import reverse
from rest_framework.response import Response

from catalog.models import Genre, Item
from feedback.api import EventDetail
from feedback.tests.factories import UserFactory
from nostrade_site.tests.fuzzing import fuzz, narrowed
from nostrade_site.throttling import ScopeThrottle
from nostrade_site.tokens.models import ApiToken

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_ranker")]


@pytest.fixture
def run(live, live_server, client, monkeypatch, tmp_path):
    """Return how to fuzz the site of this test."""
    for scope in ScopeThrottle.THROTTLE_RATES:
        monkeypatch.setitem(ScopeThrottle.THROTTLE_RATES, scope, "1000000/s")
    token = ApiToken(label="fuzz", reads=True, writes=True, scores=True).issue(UserFactory())
    document = client.get(reverse("api:schema"), {"format": "json"}).json()
    known = {
        "titles": [*Item.objects.visible().values_list("pk", flat=True)[:8]],
        "genres": [*Genre.objects.visible().values_list("name", flat=True)],
    }
    Item.objects.exclude(pk__in=known["titles"]).update(is_hidden=True)

    def run(*options):
        return fuzz(live_server.url, token, narrowed(document, **known), tmp_path, "--seed", "1", *options)

    return run


def test_it_works(run):
    found = run("-n", "3", "--no-shrink")

    assert found["exit"] == 0, found["text"]
    assert found["operations"]["tested"] == found["operations"]["total"] == 20
    assert found["test_cases"]["generated"] > 800
    accepted = {
        operation: sum(phase["accepted"] for phase in phases.values())
        for operation, phases in found["valid_rates"].items()
    }
    refused = {operation for operation, count in accepted.items() if not count}
    # Whoever has no event cannot retract one, and a password is not guessed.
    assert refused <= {"DELETE /api/v1/events/{event_id}/", "DELETE /api/v1/me/"}, json.dumps(accepted)


def test_what_is_not_documented_is_found(run, monkeypatch):
    monkeypatch.setattr(EventDetail, "delete", lambda *_, **__: Response({"teapot": True}, status=418))

    found = run("-n", "1", "--include-operation-id", "retract", "--phases", "coverage")

    assert found["exit"] == 1
    assert "UndefinedStatusCode" in {failure["type"] for failure in found["failures"]}
