"""Which pages caches may keep, and which not even the reader's own browser."""

import pytest
from django.test import Client
from django.urls import resolve, reverse

from catalog.tests.factories import ItemFactory
from feedback.tests.factories import UserFactory
from nostrade_site.tests.routes import addresses
from nostrade_site.tokens.models import ApiToken

pytestmark = pytest.mark.django_db
PAGES = ("recommender:feed", "recommender:start", "catalog:search", "feedback:saved", "feedback:activity")


@pytest.mark.parametrize("name", PAGES)
def test_pages_about_a_person_are_private(client, name):
    response = client.get(reverse(name))
    assert "Cookie" in response["Vary"]
    assert response["Cache-Control"] == "private, no-cache"


# What is the same for everybody, or says nothing of who asks: titles by their ids, for one.
THE_SAME_FOR_ALL = {
    "catalog:poster",
    "healthz",
    "readyz",
    "metrics",
    "recommender:map_points",
    "admin:jsi18n",
}


def kept(answer):
    """Say whether a browser may store an answer that has something to show."""
    return answer.status_code == 200 and "no-store" not in answer.get("Cache-Control", "")


@pytest.mark.parametrize("kind", ["member", "guest", "curator"])
def test_no_browser_stores_what_is_somebodys(client, kind):
    """Every address of the site: after logging out, Back and the disk have nothing of it."""
    ItemFactory(anime_id=1)
    is_curator = kind == "curator"
    client.force_login(UserFactory(guest=kind == "guest", is_staff=is_curator, is_superuser=is_curator))
    seen = {url: client.get(url) for url in addresses() if resolve(url).view_name not in THE_SAME_FOR_ALL}
    assert sum(answer.status_code == 200 for answer in seen.values()) > 30
    assert [url for url, answer in seen.items() if kept(answer)] == []


def test_nor_fragments_nor_refusals_nor_what_a_token_reads(client):
    member, item = UserFactory(), ItemFactory()
    secret = ApiToken(label="t").issue(member)
    read = Client().get("/api/v1/me/", headers={"Authorization": f"Bearer {secret}"})
    client.force_login(member)
    fragment = client.get("/", headers={"HX-Request": "true", "HX-Target": "feed"})
    refusal = client.post(reverse("feedback:react", args=[item.pk]), {"feedback_type": "9"})
    for answer in (read, fragment, refusal, client.get("/nowhere/")):
        assert answer["Cache-Control"] == "private, no-store"


def test_the_answer_that_begins_a_session_is_somebodys(client):
    answer = client.post(reverse("feedback:react", args=[ItemFactory().pk]), {"feedback_type": "3"})
    assert "sessionid" in answer.cookies
    assert answer["Cache-Control"] == "private, no-store"


def test_a_drawn_poster_is_for_everybody(client):
    response = client.get(reverse("catalog:poster", args=[ItemFactory().pk]))
    assert "public" in response["Cache-Control"]
    assert "Cookie" not in response.get("Vary", "")
    assert not response.cookies
