"""Deleting an account: at once, completely, and for good."""

from __future__ import annotations

from collections.abc import Iterator

from django.contrib.admin.models import LogEntry
from django.contrib.auth import SESSION_KEY, get_user_model
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.db import transaction

AT_A_TIME = 500


def delete_account(user_id: int) -> None:
    """Delete a person with all that refers to them, and their sessions on every device, in one transaction.

    The next training run reads the log as it then is, and so learns nothing of them.
    """
    keys = list(_sessions_of(user_id))  # before the transaction: it reads everybody's, which takes its time
    people = get_user_model()._default_manager.filter(pk=user_id)
    with transaction.atomic():
        # Nothing may refer to the account any more, or what came after we looked would stop its deletion.
        list(people.select_for_update().values_list("pk"))
        Session.objects.filter(pk__in=keys).delete()
        person = ContentType.objects.get_for_model(get_user_model())
        # What the admin noted about them goes on saying what was done, and no more to whom.
        noted = LogEntry.objects.filter(content_type=person, object_id=str(user_id))
        noted.update(object_repr=f"Person {user_id}")
        people.delete()


def _sessions_of(user_id: int) -> Iterator[str]:
    """Yield the keys of a person's sessions; who they belong to stands only inside."""
    for session in Session.objects.iterator(AT_A_TIME):
        if session.get_decoded().get(SESSION_KEY) == str(user_id):
            yield session.pk
