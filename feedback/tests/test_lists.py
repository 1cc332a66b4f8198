"""My activity and Saved."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from catalog.tests.factories import GenreFactory, ItemFactory
from feedback.models import Dismissal, Event, FeedbackType, Saved
from feedback.tests.factories import EventFactory, SavedFactory, UserFactory

pytestmark = pytest.mark.django_db
ACTIVITY, SAVED = reverse("feedback:activity"), reverse("feedback:saved")


@pytest.fixture
def member(client):
    user = UserFactory()
    client.force_login(user)
    return user


def titles(response):
    return [row.item for row in response.context["page_obj"]]


def test_it_works(client, member):
    first, second, third = ItemFactory.create_batch(3)
    for item in (first, second, third):
        Event.objects.record(member, item, FeedbackType.LIKE)
    Event.objects.record(member, first, FeedbackType.LOVE)
    Event.objects.retract(member, second.pk)
    EventFactory()  # somebody else's

    response = client.get(ACTIVITY)

    assert response.status_code == 200
    assert titles(response) == [first, third]
    assert [row.label for row in response.context["page_obj"]] == ["Loved", "Liked"]
    assert first.name in response.content.decode()


def test_activity_keeps_one_kind(client, member):
    loved, liked = EventFactory(user=member, feedback_type=FeedbackType.LOVE), EventFactory(user=member)

    assert titles(client.get(ACTIVITY, {"kind": "love"})) == [loved.item]
    assert titles(client.get(ACTIVITY, {"kind": "like"})) == [liked.item]
    assert titles(client.get(ACTIVITY, {"kind": "dislike"})) == []


def test_activity_rejects_an_unknown_kind(client, member):
    response = client.get(ACTIVITY, {"kind": "<b>"})

    assert response.status_code == 400
    assert "choose love, like, dislike, saved, seen, not-now, franchise" in response.content.decode()
    assert "<b>" not in response.content.decode()


def test_activity_shows_titles_hidden_since(client, member):
    event = EventFactory(user=member, item__is_hidden=True)

    response = client.get(ACTIVITY)

    assert titles(response) == [event.item]


def test_saved_lists_the_newest_first_and_only_what_is_on_show(client, member):
    first, second = SavedFactory(user=member), SavedFactory(user=member)
    SavedFactory(user=member, item__is_hidden=True)
    SavedFactory(user=member, item=ItemFactory(genres=[GenreFactory(is_adult=True)]))
    SavedFactory()

    response = client.get(SAVED)

    assert titles(response) == [second.item, first.item]
    assert first.item.name in response.content.decode()


@pytest.mark.parametrize(("url", "factory"), [(ACTIVITY, EventFactory), (SAVED, SavedFactory)])
def test_lists_are_paged(client, member, url, factory):
    factory.create_batch(31, user=member)

    pages = [titles(client.get(url, {"page": page})) for page in (1, 2)]

    assert [len(page) for page in pages] == [30, 1]
    assert not set(pages[0]) & set(pages[1])
    assert titles(client.get(url, {"page": 99})) == pages[1]
    assert titles(client.get(url, {"page": "x"})) == pages[0]


@pytest.mark.parametrize(("url", "factory"), [(ACTIVITY, EventFactory), (SAVED, SavedFactory)])
def test_the_number_of_queries_does_not_grow(client, member, url, factory):
    def queries_for(rows):
        for _ in range(rows):
            factory(user=member, item=ItemFactory(genres=[GenreFactory()]))
        with CaptureQueriesContext(connection) as captured:
            assert client.get(url).status_code == 200
        return len(captured)

    assert queries_for(2) == queries_for(10) <= 9


@pytest.mark.parametrize("url", [ACTIVITY, SAVED])
def test_visitors_see_an_empty_list_and_stay_visitors(client, url, django_user_model):
    response = client.get(url)

    assert response.status_code == 200
    assert titles(response) == []
    assert not django_user_model.objects.exists()


def test_activity_lists_everything_with_counts(client, member):
    loved = EventFactory(user=member, feedback_type=FeedbackType.LOVE).item
    SavedFactory(user=member, item=loved)
    kinds = {}
    for kind in Dismissal.Kind:
        kinds[kind.value] = ItemFactory()
        Dismissal.objects.dismiss(member, kinds[kind.value], kind)

    response = client.get(ACTIVITY)

    assert [row.label for row in response.context["page_obj"]] == [
        "Franchise hidden", "Not now", "Seen", "Saved", "Loved",
    ]  # fmt: skip
    counts = {kind.name: count for kind, count in response.context["kinds"]}
    assert counts == dict.fromkeys(["love", "saved", "seen", "not-now", "franchise"], 1) | {
        "like": 0, "dislike": 0,
    }  # fmt: skip
    for kind, item in kinds.items():
        assert titles(client.get(ACTIVITY, {"kind": kind})) == [item]
    assert titles(client.get(ACTIVITY, {"kind": "saved"})) == [loved]
    until = Dismissal.objects.get(kind="not-now").until
    assert f"{until:%Y-%m-%d}" in client.get(ACTIVITY, {"kind": "not-now"}).content.decode()


def test_activity_is_searched_by_title(client, member):
    bebop, monster = ItemFactory(name="Cowboy Bebop"), ItemFactory(name="Monster")
    for item in (bebop, monster):
        EventFactory(user=member, item=item)
        SavedFactory(user=member, item=item)
    ItemFactory(name="Cowboy Bebop: Tengoku no Tobira")

    response = client.get(ACTIVITY, {"q": "BEBOP cow"})

    assert titles(response) == [bebop, bebop]
    assert response.context["total"] == 2
    assert titles(client.get(ACTIVITY, {"q": "bebop", "kind": "saved"})) == [bebop]
    nothing = client.get(ACTIVITY, {"q": "<script>"})
    assert titles(nothing) == []
    assert 'value="&lt;script&gt;"' in nothing.content.decode()


def test_every_entry_has_a_way_back(client, member):
    item = ItemFactory()
    Event.objects.record(member, item, FeedbackType.DISLIKE)
    Saved.objects.create(user=member, item=item)
    for kind in Dismissal.Kind:
        Dismissal.objects.dismiss(member, item, kind)

    page = client.get(ACTIVITY).content.decode()

    for field in ('name="feedback_type" value="0"', 'name="saved" value="0"'):
        assert field in page
    for kind in Dismissal.Kind.values:
        assert f'name="show" value="{kind}"' in page


def test_activity_costs_a_constant_number_of_queries(client, member):
    def queries_for(rows):
        for kind in Dismissal.Kind:
            for _ in range(rows):
                Dismissal.objects.dismiss(member, ItemFactory(genres=[GenreFactory()]), kind)
                SavedFactory(user=member, item=ItemFactory(genres=[GenreFactory()]))
        with CaptureQueriesContext(connection) as captured:
            assert client.get(ACTIVITY).status_code == 200
        return len(captured)

    assert queries_for(1) == queries_for(3) <= 9
