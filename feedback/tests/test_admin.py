"""The admin shows the log and changes nothing in it."""

import pytest
from django.urls import reverse

from catalog.tests.factories import ItemFactory
from feedback.models import Dismissal, Event, FeedbackType, Saved
from feedback.tests.factories import EventFactory, SavedFactory, UserFactory

EVENTS = reverse("admin:feedback_event_changelist")


def test_it_works(admin_client):
    event = EventFactory(item__name="Cowboy Bebop", feedback_type=FeedbackType.LOVE)
    Event.objects.undo(event)

    page = admin_client.get(EVENTS, {"q": "Cowboy", "feedback_type__exact": 3})

    assert page.status_code == 200
    assert list(page.context["cl"].queryset) == [event]
    assert admin_client.get(reverse("admin:feedback_event_change", args=[event.pk])).status_code == 200


def test_guests_have_short_names_and_titles_are_called_so(admin_client):
    guest = UserFactory(username="guest-0123456789abcdef0123")
    guest.set_unusable_password()
    guest.save()
    EventFactory(user=guest)
    EventFactory(user=UserFactory(username="guest-of-honour-in-this-house", password="x"))

    page = admin_client.get(EVENTS).text

    assert "guest-012345…" in page
    assert "guest-0123456789abcdef0123" not in page
    assert "guest-of-honour-in-this-house" in page
    assert "column-title" in page
    assert "column-person" in page


def test_the_number_of_queries_does_not_grow(admin_client, django_assert_max_num_queries):
    for _ in range(10):
        EventFactory()

    with django_assert_max_num_queries(10):
        admin_client.get(EVENTS)


def test_it_rejects_adding_changing_and_deleting_events(admin_client):
    event = EventFactory()
    delete = reverse("admin:feedback_event_delete", args=[event.pk])
    change = reverse("admin:feedback_event_change", args=[event.pk])

    assert admin_client.get(reverse("admin:feedback_event_add")).status_code == 403
    assert admin_client.post(change, {"feedback_type": 1}).status_code == 403
    assert admin_client.post(delete, {"post": "yes"}).status_code == 403
    action = {"action": "delete_selected", "_selected_action": [event.pk], "post": "yes"}
    admin_client.post(EVENTS, action)

    assert Event.objects.get().feedback_type == event.feedback_type


@pytest.mark.parametrize("table", ["saved", "dismissal"])
def test_nobody_saves_or_dismisses_in_somebody_else_s_name(admin_client, table):
    person, item = UserFactory(), ItemFactory()
    row = {
        "saved": lambda: SavedFactory(user=person, item=item),
        "dismissal": lambda: Dismissal.objects.dismiss(person, item, Dismissal.Kind.SEEN),
    }[table]()
    args, form = [row.pk], {"user": person.pk, "item": ItemFactory().pk, "kind": "seen"}
    add, change, delete = (
        reverse(f"admin:feedback_{table}_{page}", args=args if page != "add" else [])
        for page in ("add", "change", "delete")
    )

    assert "_save" not in (page := admin_client.get(change)).text
    assert page.status_code == 200
    assert admin_client.post(add, form).status_code == 403
    assert admin_client.post(change, form).status_code == 403
    assert [each.item for each in type(row).objects.all()] == [item]
    assert admin_client.post(delete, {"post": "yes"}).status_code == 302
    assert not type(row).objects.exists()


@pytest.mark.parametrize("many", [False, True])
def test_deleting_an_account_deletes_its_events(admin_client, many):
    user = UserFactory()
    Event.objects.undo(Event.objects.record(user, ItemFactory(), FeedbackType.LOVE))

    if many:
        action = {"action": "delete_selected", "_selected_action": [user.pk], "post": "yes"}
        admin_client.post(reverse("admin:auth_user_changelist"), action)
    else:
        admin_client.post(reverse("admin:auth_user_delete", args=[user.pk]), {"post": "yes"})

    assert not Event.objects.exists()
    assert not type(user).objects.filter(pk=user.pk).exists()


def test_saved_titles_are_listed(admin_client):
    saved = SavedFactory()

    page = admin_client.get(reverse("admin:feedback_saved_changelist"))

    assert list(page.context["cl"].queryset) == [saved]
    assert Saved.objects.count() == 1
