"""Reactions that a program sends again under the same key."""

import uuid
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from catalog.tests.factories import ItemFactory
from feedback import receipts, tasks
from feedback.models import Event, FeedbackType, Receipt
from feedback.tests.factories import UserFactory

pytestmark = pytest.mark.django_db
EVENTS = reverse("api:events")


@pytest.fixture
def member(client):
    user = UserFactory()
    client.force_login(user)
    return user


def post(client, item, reaction, key):
    data = {"anime_id": item.pk, "feedback_type": reaction}
    return client.post(EVENTS, data, content_type="application/json", headers={"Idempotency-Key": key})


def test_it_works(client, member):
    item, key = ItemFactory(), str(uuid.uuid4())
    first = post(client, item, "like", key)
    again = post(client, item, "like", key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert Event.objects.count() == Receipt.objects.count() == 1


def test_a_repetition_is_answered_as_the_first_time_whatever_was_said_since(client, member):
    item = ItemFactory()
    first = post(client, item, "like", "a").json()
    post(client, item, "love", "b")
    assert post(client, item, "like", "a").json() == first
    Event.objects.retract(member, item.pk)
    assert post(client, item, "like", "a").json() == first
    assert Event.objects.of(member).standing().count() == 0


def test_without_a_key_the_same_word_said_later_counts_anew(client, member):
    item = ItemFactory()
    for reaction in ("like", "love", "like"):
        client.post(EVENTS, {"anime_id": item.pk, "feedback_type": reaction}, content_type="application/json")
    assert Event.objects.count() == 3
    assert not Receipt.objects.exists()


def test_another_key_for_what_already_stands_answers_with_it(client, member):
    item = ItemFactory()
    assert len({post(client, item, "like", key).json()["id"] for key in ("a", "b", "a")}) == 1
    assert Receipt.objects.count() == 2


def test_a_key_is_ones_own(client, member):
    item = ItemFactory()
    Event.objects.record(UserFactory(), ItemFactory(), FeedbackType.LOVE, key="a")
    assert post(client, item, "like", "a").status_code == 201
    assert Event.objects.of(member).get().item == item


def test_it_rejects_a_key_that_came_with_another_reaction(client, member):
    item, other = ItemFactory.create_batch(2)
    post(client, item, "like", "a")
    for response in (post(client, item, "love", "a"), post(client, other, "like", "a")):
        assert response.status_code == 422
        assert "send a new key" in response.json()["detail"]
    assert Event.objects.count() == 1


@pytest.mark.parametrize("key", ["", "x" * 101, "two words", "schlüssel", "tab\tbed"])
def test_it_rejects_what_is_no_key(client, member, key):
    response = post(client, ItemFactory(), "like", key)
    assert response.status_code == 400
    [error] = response.json()["errors"]
    assert error["field"] == "Idempotency-Key"
    assert "1 to 100 visible ASCII characters" in error["detail"]
    assert not Event.objects.exists()


@pytest.mark.parametrize("key", ["!", "~" * 100, '"8e03978e-40d5-43dd-bc93-6894a57f9324"'])
def test_any_visible_characters_are_a_key(client, member, key):
    assert post(client, ItemFactory(), "like", key).status_code == 201
    assert Receipt.objects.get().key == key


def test_a_reaction_that_was_refused_leaves_the_key_free(client, member):
    item = ItemFactory()
    assert post(client, ItemFactory(is_hidden=True), "like", "a").status_code == 400
    assert post(client, item, "like", "a").status_code == 201


def test_the_schema_describes_the_header(client):
    paths = client.get(reverse("api:schema"), {"format": "json"}).json()["paths"]
    [parameter] = paths[EVENTS]["post"]["parameters"]
    assert (parameter["name"], parameter["in"]) == ("Idempotency-Key", "header")
    assert not parameter.get("required")
    assert {"201", "400", "422"} <= paths[EVENTS]["post"]["responses"].keys()


def test_old_receipts_go_and_their_keys_are_free_again(client, member, settings, monkeypatch):
    monkeypatch.setattr(receipts, "PRUNE_CHUNK", 2)
    settings.RECEIPT_DAYS = 3
    old, new = ItemFactory.create_batch(2)
    for number in range(5):
        Event.objects.record(member, old, FeedbackType.LIKE, key=f"old{number}")
    Receipt.objects.update(created_at=timezone.now() - timedelta(days=3, minutes=1))
    Event.objects.record(member, new, FeedbackType.LIKE, key="new")

    assert tasks.prune_receipts() == 5

    assert Receipt.objects.get().key == "new"
    assert Event.objects.count() == 2
    assert post(client, new, "love", "old1").status_code == 201
