"""Many reactions in one call of the API."""

import pytest
from django.urls import reverse

from catalog.tests.factories import GenreFactory, ItemFactory
from feedback.history import history_of
from feedback.models import Event, FeedbackType, Receipt
from feedback.tests.factories import UserFactory

pytestmark = pytest.mark.django_db
BATCH = reverse("api:event-batch")


@pytest.fixture
def member(client):
    user = UserFactory()
    client.force_login(user)
    return user


def said(*pairs):
    return [{"anime_id": item.pk, "feedback_type": word} for item, word in pairs]


def post(client, events, key=None):
    headers = {"Idempotency-Key": key} if key else {}
    return client.post(BATCH, {"events": events}, content_type="application/json", headers=headers)


def test_it_works(client, member):
    first, second = ItemFactory.create_batch(2)
    Event.objects.record(member, first, FeedbackType.LIKE)

    response = post(client, said((first, "love"), (second, "dislike"), (second, "dislike")))

    assert response.status_code == 201
    events = response.json()["events"]
    assert [(event["anime_id"], event["feedback_type"]) for event in events] == [
        (first.pk, "love"),
        (second.pk, "dislike"),
        (second.pk, "dislike"),
    ]
    assert events[1]["id"] == events[2]["id"]
    assert [reaction.anime_id for reaction in history_of(member).reactions] == [first.pk, second.pk]


def test_sent_again_it_is_logged_once_whatever_was_said_since(client, member):
    batch = said(*((item, "love") for item in ItemFactory.create_batch(12)))
    first = post(client, batch, "k").json()
    Event.objects.record(member, ItemFactory._meta.model.objects.first(), FeedbackType.DISLIKE)

    assert post(client, batch, "k").json() == first
    assert Event.objects.count() == 13
    assert Receipt.objects.count() == 12


def test_a_key_that_came_with_another_batch_is_refused(client, member):
    first, second = ItemFactory.create_batch(2)
    post(client, said((first, "love")), "k")

    for other in (said((second, "love")), said((first, "like")), said((first, "love"), (second, "love"))):
        response = post(client, other, "k")
        assert response.status_code == 422
        assert "new key" in response.json()["detail"]
    assert Event.objects.count() == 1


def test_all_or_nothing_and_the_place_is_named(client, member):
    adult = ItemFactory(genres=[GenreFactory(is_adult=True)])

    response = post(client, said((ItemFactory(), "love"), (adult, "love")))

    assert response.status_code == 400
    [error] = response.json()["errors"]
    assert error["field"] == "events.1.anime_id"
    assert "on show" in error["detail"]
    assert not Event.objects.exists()


@pytest.mark.parametrize(
    "events",
    [
        [],
        {},
        None,
        "x",
        [1],
        [[]],
        [{"anime_id": 10**30, "feedback_type": "love"}],
        [{"anime_id": -1, "feedback_type": "love"}],
        [{"anime_id": 1, "feedback_type": 0}],
        [{"anime_id": 1, "feedback_type": "love"}] * 501,
    ],
)
def test_it_rejects_what_is_no_batch(client, member, events):
    ItemFactory(anime_id=1)

    response = post(client, events)

    assert response.status_code == 400
    assert response.json()["errors"][0]["field"].startswith("events")
    assert not Event.objects.exists()


def test_five_hundred_cost_few_queries(client, member, django_assert_max_num_queries):
    batch = said(*((item, "love") for item in ItemFactory.create_batch(500)))

    with django_assert_max_num_queries(20):
        assert post(client, batch, "k").status_code == 201
    assert Event.objects.count() == 500
