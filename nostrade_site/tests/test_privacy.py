"""Which pages caches may keep."""

import pytest
from django.urls import reverse

from catalog.tests.factories import ItemFactory

pytestmark = pytest.mark.django_db
PAGES = ("recommender:feed", "recommender:start", "catalog:search", "feedback:saved", "feedback:activity")


@pytest.mark.parametrize("name", PAGES)
def test_pages_about_a_person_are_private(client, name):
    response = client.get(reverse(name))
    assert "Cookie" in response["Vary"]
    assert response["Cache-Control"] == "private, no-cache"


def test_a_drawn_poster_is_for_everybody(client):
    response = client.get(reverse("catalog:poster", args=[ItemFactory().pk]))
    assert "public" in response["Cache-Control"]
    assert "Cookie" not in response.get("Vary", "")
    assert not response.cookies
