"""Limits of the API: one for each scope, for tokens and browsers alike, that says when to come again."""

import pytest
from django.test import Client

from catalog.tests.factories import ItemFactory
from feedback.tests.factories import UserFactory
from nostrade_site.throttling import ScopeThrottle
from nostrade_site.tokens.models import ApiToken

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_ranker")]
READ, WRITE, SCORE = "/api/v1/me/", "/api/v1/saved/1/", "/api/v1/score/"
JSON = "application/json"


@pytest.fixture(autouse=True)
def rates(monkeypatch):
    """Let each scope and each visitor ask a few times a minute."""
    ItemFactory(anime_id=1)
    for scope, rate in {"read": "3/min", "write": "2/min", "score": "1/min", "anon": "2/min"}.items():
        monkeypatch.setitem(ScopeThrottle.THROTTLE_RATES, scope, rate)


def ask(client, url):
    if url == SCORE:
        return client.post(url, {"history": []}, content_type=JSON)
    return client.put(url) if url == WRITE else client.get(url)


def logged_in(user):
    client = Client()
    client.force_login(user)
    return client


def with_token(user):
    secret = ApiToken(label="t", reads=True, writes=True, scores=True).issue(user)
    return Client(headers={"Authorization": f"Bearer {secret}"})


@pytest.mark.parametrize("kind", [logged_in, with_token])
@pytest.mark.parametrize(("url", "often"), [(READ, 3), (WRITE, 2), (SCORE, 1)])
def test_it_works(kind, url, often):
    client = kind(UserFactory())

    answers = [ask(client, url) for _ in range(often + 1)]

    assert all(answer.status_code < 300 for answer in answers[:-1])
    assert answers[-1].status_code == 429
    assert answers[-1]["Content-Type"] == "application/problem+json"
    assert 0 < int(answers[-1]["Retry-After"]) <= 60
    others = {READ, WRITE, SCORE} - {url}
    assert all(ask(client, other).status_code < 300 for other in others)


def test_a_second_token_is_no_second_allowance_and_others_are_not_touched():
    user = UserFactory()
    assert ask(with_token(user), SCORE).status_code == 200
    assert ask(with_token(user), SCORE).status_code == 429
    assert ask(logged_in(user), SCORE).status_code == 429
    assert ask(with_token(UserFactory()), SCORE).status_code == 200


def test_visitors_are_counted_by_address_whatever_they_say_it_is(client):
    asked = [
        client.get("/api/v1/items/", headers={"X-Forwarded-For": f"203.0.113.{n}"}).status_code
        for n in range(3)
    ]
    assert asked == [200, 200, 429]
    assert client.get("/api/v1/items/", REMOTE_ADDR="198.51.100.7").status_code == 200


def test_visitors_may_try_scoring_less_often_than_they_may_ask(client):
    assert ask(client, SCORE).status_code == 200
    assert ask(client, SCORE).status_code == 429
