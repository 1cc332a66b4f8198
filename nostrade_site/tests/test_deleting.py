"""Deleting an account: confirmed, complete, at once, and out of training."""

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse

from catalog.tests.factories import ItemFactory
from feedback.exporting import export_events
from feedback.lists.importing import carry_on
from feedback.models import Event, FeedbackType, ListImport, Receipt, Saved
from feedback.teaching import let_teach
from feedback.tests.factories import PASSWORD, EventFactory, UserFactory
from recommender.models import Impression, Preferences

pytestmark = pytest.mark.django_db
User = get_user_model()
DELETE, REAUTHENTICATE = reverse("account_delete"), reverse("account_reauthenticate")


@pytest.fixture
def member(client):
    """A member with a row in every table, logged in here and on another device."""
    user = UserFactory(username="zoro")
    bystander = EventFactory(user__username="nami")
    Client().force_login(bystander.user)
    for browser in (client, Client()):
        browser.force_login(user)
    brought = ListImport.objects.create(user=user, source="csv", scale="out of 10", total=0, state="writing")
    event = EventFactory(user=user, list_import=brought)
    Event.objects.undo(event)
    Event.objects.record(user, ItemFactory(), FeedbackType.LOVE, key="k")
    Saved.objects.create(user=user, item=ItemFactory(), list_import=brought)
    Preferences.objects.create(user=user, show_adult=True)
    let_teach(user, allowed=False)
    Impression.objects.create(
        user=user, item=event.item, position=1, day="2026-01-01", shown_at="2026-01-01T00:00Z", event=event
    )
    return user


def traces(user_id):
    """Count what refers to a person, in every table of every app."""
    found = {}
    for model in apps.get_models():
        for column in model._meta.concrete_fields:
            if column.related_model is User:
                count = model._default_manager.filter(**{column.name: user_id}).count()
                found |= {model.__name__: count} if count else {}
    return found


def test_it_works(client, member):
    page = client.get(DELETE).content.decode()
    assert "1 reaction with their history, and 1 saved title" in page
    assert reverse("feedback:export_json") in page
    assert {"Event", "Saved", "Receipt", "Preferences", "Impression", "ListImport"} <= traces(
        member.pk
    ).keys()
    assert Session.objects.count() == 3

    asked = client.post(DELETE)
    assert asked["Location"].startswith(REAUTHENTICATE)
    assert User.objects.filter(pk=member.pk).exists()
    done = client.post(asked["Location"], {"password": PASSWORD})

    assert (done.status_code, done["Location"]) == (303, "/")
    assert not User.objects.filter(pk=member.pk).exists()
    assert traces(member.pk) == {}
    assert not Receipt.objects.exists()
    assert Session.objects.count() <= 2  # the bystander's, and a visitor's new one
    home = client.get("/")
    assert not home.context["user"].is_authenticated
    assert "Nothing about you is left here" in home.content.decode()
    assert User.objects.get().username == "nami"
    assert Event.objects.count() == 1


def test_a_wrong_password_deletes_nothing(client, member):
    asked = client.post(DELETE)
    assert client.post(asked["Location"], {"password": "wrong"}).status_code == 200
    assert User.objects.filter(pk=member.pk).exists()
    assert client.get("/").context["user"] == member


def test_a_guest_confirms_without_a_password(client):
    client.post(reverse("feedback:react", args=[ItemFactory().pk]), {"feedback_type": "3"})
    assert "Delete everything about me" in client.get(DELETE).content.decode()
    assert client.post(DELETE).status_code == 303
    assert not User.objects.exists()
    assert not Event.objects.exists()
    assert not Session.objects.filter(pk=client.session.session_key).exists()


def test_deleting_requires_login(client):
    assert client.get(DELETE)["Location"] == f"{reverse('account_login')}?next={DELETE}"
    assert client.post(DELETE)["Location"] == "/"  # also of the second press, when the account is gone
    assert "Nothing was deleted now" in client.get("/").content.decode()


def test_deleting_requires_the_forms_token():
    client = Client(enforce_csrf_checks=True)
    client.force_login(UserFactory(guest=True))
    assert client.post(DELETE).status_code == 403
    assert User.objects.count() == 1


def test_the_next_training_run_learns_nothing_of_them(client, tmp_path):
    client.post(reverse("feedback:react", args=[ItemFactory().pk]), {"feedback_type": "3"})
    path = tmp_path / "events.csv"
    assert export_events(path) == 1
    client.post(DELETE)
    assert export_events(path) == 0


def test_an_import_that_is_under_way_ends_without_a_trace(client, member):
    pk = ListImport.objects.get().pk
    client.post(client.post(DELETE)["Location"], {"password": PASSWORD})
    carry_on(pk)
    assert traces(member.pk) == {}


def test_the_privacy_page_tells_what_is_set(client, settings):
    settings.IMPRESSION_DAYS, settings.GUEST_IDLE_DAYS, settings.LIST_DAYS = 123, 45, 6
    page = client.get(reverse("privacy")).content.decode()
    assert all(f"{days} days" in page for days in (123, 45, 6))
    assert "asks nobody but this site" in page
    settings.POSTER_HOSTS = ["https://img.example"]
    assert "https://img.example, which therefore sees" in client.get(reverse("privacy")).content.decode()
    assert reverse("privacy") in client.get("/").content.decode()
