"""Whatever names a person is exported, deleted with them, and taken along by a guest: no table is forgotten.

The tables are found by introspection over all apps. A new one fails here until it is covered, or named with
the reason why it is not.
"""

from __future__ import annotations

import json
from base64 import b64encode

import pytest
from allauth.account.models import EmailAddress
from django.apps import apps
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group, Permission, User
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.test import Client
from django.urls import reverse

from catalog.tests.factories import ItemFactory
from feedback.models import Dismissal, Event, FeedbackType, LastNetwork, ListImport, Saved
from feedback.teaching import let_teach
from feedback.tests.factories import PASSWORD, UserFactory
from nostrade_site.accounts.deleting import delete_account
from nostrade_site.accounts.identity import take_name
from nostrade_site.tokens.models import ApiToken
from recommender.models import Ignored, Impression, Preferences

pytestmark = pytest.mark.django_db

NOT_EXPORTED = {
    "auth.User_groups": "what the operator lets their staff do, not what is known of a person",
    "auth.User_user_permissions": "the same",
}
NOT_CARRIED_OVER = {
    "account.EmailAddress": "only members have one",
    "admin.LogEntry": "only staff has one",
    "auth.User_groups": "only staff has one",
    "auth.User_user_permissions": "only staff has one",
    "nostrade_site.AccountName": "only members have one",
    "tokens.ApiToken": "only members may make one",
    "feedback.Receipt": "a program that sends a guest's reaction again after the log-in changes nothing",
}


def personal() -> dict[str, tuple[type[models.Model], str]]:
    """Return each table with a column that refers to an account, and that column's name."""
    return {
        model._meta.label: (model, column.name)
        for model in apps.get_models(include_auto_created=True)
        for column in model._meta.concrete_fields
        if column.related_model is User
    }


def rows(user_id: int) -> dict[str, int]:
    """Count the rows that refer to an account, by table."""
    counts = {
        label: model._base_manager.filter(**{column: user_id}).count()
        for label, (model, column) in personal().items()
    }
    return {label: count for label, count in counts.items() if count}


def fill(user: User) -> User:
    """Say, save, hide, set and bring something, so that every table that visitors write to has a row."""
    said, item = ItemFactory.create_batch(2)
    event = Event.objects.record(user, said, FeedbackType.LOVE, key="k")
    brought = ListImport.objects.create(user=user, state="reading", file=b"title\nTrigun\n", total=0)
    Saved.objects.create(user=user, item=item, list_import=brought)
    Dismissal.objects.dismiss(user, item, Dismissal.Kind.SEEN)
    let_teach(user, allowed=False)
    LastNetwork.objects.note(user, "198.51.100.1")
    Preferences.objects.create(user=user, controls="variety=2")
    Ignored.objects.create(user=user, item=said)
    shown = {"day": "2026-01-01", "shown_at": "2026-01-01T00:00Z"}
    Impression.objects.create(user=user, item=said, position=1, event=event, **shown)
    return user


@pytest.fixture
def member() -> User:
    """Return somebody with a row in every table there is."""
    user = fill(UserFactory(username="zoro", email="zoro@example.com"))
    EmailAddress.objects.create(user=user, email=user.email)
    take_name(user)
    ApiToken.objects.create(user=user, label="script", digest="secret-digest")
    kind = ContentType.objects.get_for_model(User)
    LogEntry.objects.create(user=user, content_type=kind, object_repr="x", action_flag=CHANGE)
    user.groups.add(Group.objects.create(name="curators"))
    user.user_permissions.add(Permission.objects.first())
    return user


def test_the_member_of_these_tests_has_a_row_in_every_table(member: User) -> None:
    assert rows(member.pk).keys() == personal().keys()
    assert NOT_EXPORTED.keys() | NOT_CARRIED_OVER.keys() <= personal().keys()


def test_it_is_all_exported(member: User, client: Client) -> None:
    client.force_login(member)
    response = client.get(reverse("feedback:export_json"))
    text = b"".join(response.streaming_content).decode()
    everything = json.loads(text)
    names = {"feedback.Event": "reactions"}
    missing = [
        label
        for label, (model, _) in personal().items()
        if label not in NOT_EXPORTED
        and len(everything.get(names.get(label, str(model._meta.verbose_name_plural)), []))
        != rows(member.pk)[label]
    ]
    assert missing == []
    assert b64encode(b"title\nTrigun\n").decode() in text  # a file that waits to be read
    assert "secret-digest" not in text
    assert member.password not in text


def test_it_is_all_deleted(member: User) -> None:
    delete_account(member.pk)
    assert rows(member.pk) == {}


def test_a_guest_who_logs_in_takes_it_all_along(client: Client) -> None:
    guest, member = fill(UserFactory(guest=True)), UserFactory(username="nami")
    had = rows(guest.pk)
    client.force_login(guest)
    client.post(reverse("account_login"), {"login": "nami", "password": PASSWORD})
    assert had.keys() == personal().keys() - NOT_CARRIED_OVER.keys() | {"feedback.Receipt"}
    assert rows(member.pk) == {label: n for label, n in had.items() if label not in NOT_CARRIED_OVER}
    assert rows(guest.pk) == {}


def test_a_guest_who_signs_up_takes_it_all_along(client: Client) -> None:
    guest = fill(UserFactory(guest=True))
    had = rows(guest.pk)
    client.force_login(guest)
    client.post(reverse("account_signup"), {"username": "nami", "password1": PASSWORD, "password2": PASSWORD})
    assert User.objects.get().username == "nami"
    now = rows(guest.pk)
    assert {label: now.get(label, 0) for label in had} == had
