"""The REST API of reactions and saved titles."""

import pytest
from django.test import Client
from django.urls import reverse

from catalog.tests.factories import GenreFactory, ItemFactory
from feedback.history import history_of
from feedback.models import Event, FeedbackType, Saved
from feedback.tests.factories import EventFactory, SavedFactory, UserFactory

pytestmark = pytest.mark.django_db
EVENTS, SAVED = reverse("api:events"), reverse("api:saved-list")


@pytest.fixture
def member(client):
    user = UserFactory()
    client.force_login(user)
    return user


def post(client, **data):
    return client.post(EVENTS, data, content_type="application/json")


def test_it_works(client, member):
    item = ItemFactory()

    response = post(client, anime_id=item.pk, feedback_type="love")

    assert response.status_code == 201
    event = Event.objects.get()
    assert response.json() == {
        "id": event.pk,
        "anime_id": item.pk,
        "feedback_type": "love",
        "timestamp": event.timestamp.isoformat().replace("+00:00", "Z"),
    }
    assert event.user == member
    assert client.get(EVENTS).json()["results"] == [response.json()]


@pytest.mark.parametrize("feedback_type", ["dislike", 1])
def test_a_reaction_is_a_word_or_a_number(client, member, feedback_type):
    assert (
        post(client, anime_id=ItemFactory().pk, feedback_type=feedback_type).json()["feedback_type"]
        == "dislike"
    )


def test_saying_the_same_again_logs_once(client, member):
    item = ItemFactory()

    ids = {post(client, anime_id=item.pk, feedback_type=3).json()["id"] for _ in range(2)}

    assert len(ids) == Event.objects.count() == 1


def test_the_list_is_ones_own_one_a_title_newest_first(client, member):
    first, second = ItemFactory.create_batch(2)
    Event.objects.record(member, first, FeedbackType.LIKE)
    Event.objects.record(member, second, FeedbackType.LIKE)
    Event.objects.record(member, first, FeedbackType.LOVE)
    EventFactory()

    results = client.get(EVENTS).json()["results"]

    assert [(row["anime_id"], row["feedback_type"]) for row in results] == [
        (first.pk, "love"),
        (second.pk, "like"),
    ]


@pytest.mark.parametrize(("url", "factory", "queries"), [(EVENTS, EventFactory, 4), (SAVED, SavedFactory, 3)])
def test_lists_are_paged_at_constant_cost(client, member, url, factory, queries, django_assert_num_queries):
    made = factory.create_batch(60, user=member)

    with django_assert_num_queries(queries):  # session, person, page; of events the history
        page = client.get(url).json()
    rest = client.get(page["next"]).json()

    listed = [row["anime_id"] for row in page["results"] + rest["results"]]
    assert listed == [row.item_id for row in reversed(made)]
    assert len(page["results"]) == 50


@pytest.mark.parametrize(
    ("data", "field", "sentence"),
    [
        ({"feedback_type": "love"}, "anime_id", "required"),
        ({"anime_id": 10**30, "feedback_type": "love"}, "anime_id", "There is no title"),
        ({"anime_id": "x", "feedback_type": "love"}, "anime_id", "a title's number"),
        ({"anime_id": 1}, "feedback_type", "required"),
        ({"anime_id": 1, "feedback_type": "adore"}, "feedback_type", "Send dislike, like or love"),
        ({"anime_id": 1, "feedback_type": 0}, "feedback_type", "DELETE its event"),
        ({"anime_id": 1, "feedback_type": True}, "feedback_type", "Send dislike, like or love"),
        ({"anime_id": 1, "feedback_type": []}, "feedback_type", "Send dislike, like or love"),
        ({"anime_id": 1, "feedback_type": None}, "feedback_type", "null"),
    ],
)
def test_it_rejects_what_is_no_reaction(client, member, data, field, sentence):
    ItemFactory(anime_id=1)

    response = post(client, **data)

    assert response.status_code == 400
    assert response["Content-Type"] == "application/problem+json"
    assert [error["field"] for error in response.json()["errors"]] == [field]
    assert sentence in response.json()["errors"][0]["detail"]
    assert not Event.objects.exists()


def test_it_rejects_what_is_no_json(client, member):
    assert client.post(EVENTS, "{", content_type="application/json").status_code == 400
    assert client.post(EVENTS, {"anime_id": 1}).status_code == 415


def test_it_rejects_titles_that_are_not_on_show(client, member):
    adult, hidden = ItemFactory(genres=[GenreFactory(is_adult=True)]), ItemFactory(is_hidden=True)

    for item in (adult, hidden):
        assert post(client, anime_id=item.pk, feedback_type=3).status_code == 400
        assert client.put(reverse("api:saved", args=[item.pk])).status_code == 404
    assert not Event.objects.exists()
    assert not Saved.objects.exists()


def test_the_acting_person_is_the_one_logged_in(client, member):
    other = UserFactory()

    post(client, anime_id=ItemFactory().pk, feedback_type=3, user=other.pk, user_id=other.pk)

    assert Event.objects.get().user == member


def test_deleting_takes_back_what_was_said_about_the_title(client, member):
    item = ItemFactory()
    Event.objects.record(member, item, FeedbackType.LIKE)
    url = reverse("api:event", args=[Event.objects.record(member, item, FeedbackType.LOVE).pk])

    assert [client.delete(url).status_code for _ in range(2)] == [204, 204]

    assert len(history_of(member)) == 0
    assert Event.objects.count() == 4


def test_deleting_what_no_longer_stands_leaves_the_newer_word(client, member):
    item = ItemFactory()
    old = Event.objects.record(member, item, FeedbackType.LIKE)
    Event.objects.record(member, item, FeedbackType.LOVE)

    assert client.delete(reverse("api:event", args=[old.pk])).status_code == 204

    assert [reaction.label for reaction in history_of(member).reactions] == ["Loved"]


def test_deleting_rejects_other_peoples_events_and_retractions(client, member):
    theirs = EventFactory()
    retraction = Event.objects.undo(EventFactory(user=member))

    for pk in (theirs.pk, retraction.pk, 10**30):
        assert client.delete(reverse("api:event", args=[pk])).status_code == 404
    assert len(history_of(theirs.user)) == 1


def test_titles_are_saved_and_let_go(client, member):
    item = ItemFactory()
    url = reverse("api:saved", args=[item.pk])

    assert [client.put(url).status_code for _ in range(2)] == [201, 200]
    assert [row["anime_id"] for row in client.get(SAVED).json()["results"]] == [item.pk]

    assert [client.delete(url).status_code for _ in range(2)] == [204, 204]
    assert not Saved.objects.exists()


def test_letting_go_leaves_other_peoples_titles_alone(client, member):
    saved = SavedFactory()

    client.delete(reverse("api:saved", args=[saved.item_id]))

    assert client.get(SAVED).json()["results"] == []
    assert Saved.objects.get() == saved


def test_it_requires_login(client):
    event, saved = EventFactory(), SavedFactory()

    assert client.get(EVENTS).status_code == 401
    assert client.get(SAVED).status_code == 401
    assert post(client, anime_id=event.item_id, feedback_type=1).status_code == 401
    assert client.delete(reverse("api:event", args=[event.pk])).status_code == 401
    assert client.put(reverse("api:saved", args=[saved.item_id])).status_code == 401
    assert client.delete(reverse("api:saved", args=[saved.item_id])).status_code == 401


def test_it_rejects_writes_without_a_csrf_token():
    client = Client(enforce_csrf_checks=True)
    event = EventFactory()
    client.force_login(event.user)

    assert post(client, anime_id=event.item_id, feedback_type=1).status_code == 403
    assert client.delete(reverse("api:event", args=[event.pk])).status_code == 403
    assert len(history_of(event.user)) == 1
