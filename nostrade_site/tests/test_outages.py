"""What a request is told that the database leaves half-way."""

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.urls import reverse

from catalog.tests.factories import ItemFactory
from feedback.models import Event, FeedbackType
from feedback.tests.factories import UserFactory

pytestmark = pytest.mark.django_db


def cut(execute, sql, params, many, context):
    """Lose the connection at the first look at the log or the catalogue."""
    if "feedback_event" in sql or "catalog_item" in sql:
        raise OperationalError("terminating connection due to administrator command")
    return execute(sql, params, many, context)


@pytest.fixture
def member(client: Client):
    user = UserFactory()
    client.force_login(user)
    return user


def test_the_api_says_when_to_come_again(client, member):
    data = {"anime_id": ItemFactory().pk, "feedback_type": "love"}
    with connection.execute_wrapper(cut):
        response = client.post(reverse("api:events"), data, content_type="application/json")
    assert (response.status_code, response.headers["Retry-After"]) == (503, "2")
    assert "try again" in response.json()["detail"]
    assert client.post(reverse("api:events"), data, content_type="application/json").status_code == 201


@pytest.mark.parametrize("name", ["catalog:search", "feedback:activity"])
def test_pages_say_so_in_a_sentence(client, member, name):
    Event.objects.record(member, ItemFactory(), FeedbackType.LOVE)
    with connection.execute_wrapper(cut):
        response = client.get(reverse(name))
    assert response.status_code == 503
    assert response.content.decode().endswith("Please try again in a moment.")
    assert "no-store" in response.headers["Cache-Control"]


def test_our_own_mistakes_are_not_hidden(client, monkeypatch):
    def broken(*args: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("catalog.views.shows_adult", broken)
    with pytest.raises(ZeroDivisionError):
        client.get(reverse("catalog:search"))
