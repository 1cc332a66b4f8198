"""From the log to a training file."""

import os
from datetime import UTC, datetime, timedelta
from io import StringIO

import pandas as pd
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog.tests.factories import ItemFactory
from feedback import exporting
from feedback.exporting import ExportError, Extent, export_events, pseudonym_of
from feedback.history import history_of
from feedback.models import Event, FeedbackType
from feedback.teaching import let_teach
from feedback.tests.factories import EventFactory, UserFactory

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def test_it_works(tmp_path):
    users, items = UserFactory.create_batch(3), ItemFactory.create_batch(4)
    for position, item in enumerate(items):
        for place, user in enumerate(users, start=1):
            Event.objects.record(user, item, FeedbackType(1 + (position + place) % 3))
    Event.objects.record(users[0], items[0], FeedbackType.DISLIKE)
    Event.objects.record(users[0], items[0], FeedbackType.LOVE)
    Event.objects.undo(Event.objects.record(users[1], items[1], FeedbackType.LOVE))
    Event.objects.retract(users[2], items[2].pk)
    path = tmp_path / "events.csv"

    count = export_events(path)

    table = pd.read_csv(path)
    assert list(table.columns) == ["user_id", "anime_id", "feedback", "timestamp"]
    assert count == len(table) == 11
    moments = pd.to_datetime(table["timestamp"], format="ISO8601", utc=True)
    for user in users:
        mine = table["user_id"] == pseudonym_of(user.pk)
        assert list(zip(table[mine]["anime_id"], table[mine]["feedback"], moments[mine], strict=True)) == [
            (reaction.anime_id, reaction.feedback_type.name.lower(), pd.Timestamp(reaction.when))
            for reaction in history_of(user).reactions
        ]


def test_names_are_stable_and_not_ids(tmp_path):
    event = EventFactory()
    first, second = tmp_path / "first.csv", tmp_path / "second.csv"

    export_events(first)
    export_events(second)

    assert first.read_text() == second.read_text()
    name = pd.read_csv(first)["user_id"][0]
    assert name.startswith("site-")
    assert event.user.username not in first.read_text()
    assert name != pseudonym_of(event.user_id + 1)


def test_it_keeps_what_was_said_since_a_moment(tmp_path):
    user = UserFactory()
    changed, old, new = ItemFactory.create_batch(3)
    EventFactory(user=user, item=changed, timestamp=NOON - timedelta(days=9))
    EventFactory(user=user, item=old, timestamp=NOON - timedelta(seconds=1))
    EventFactory(user=user, item=new, timestamp=NOON)
    EventFactory(user=user, item=changed, timestamp=NOON + timedelta(days=1), feedback_type=FeedbackType.LOVE)
    path = tmp_path / "events.csv"

    assert export_events(path, Extent(since=NOON)) == 2

    table = pd.read_csv(path)
    assert list(zip(table["anime_id"], table["feedback"], strict=True)) == [
        (new.pk, "like"),
        (changed.pk, "love"),
    ]


def test_accounts_switched_off_do_not_teach(tmp_path):
    EventFactory(user__is_active=False)

    assert export_events(tmp_path / "events.csv") == 0


def test_an_empty_log_is_a_file_with_a_header(tmp_path):
    path = tmp_path / "events.csv"

    assert export_events(path) == 0

    assert path.read_text() == "user_id,anime_id,feedback,timestamp\n"


def test_it_reads_the_log_in_one_query(tmp_path):
    for _ in range(5):
        EventFactory()

    with CaptureQueriesContext(connection) as captured:
        export_events(tmp_path / "events.csv")

    assert len(captured) == 1


def test_a_failure_leaves_the_older_file_and_no_scraps(tmp_path, monkeypatch):
    path = tmp_path / "events.csv"
    path.write_text("older")
    EventFactory()

    def full_disk(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(ExportError, match="No space left on device"):
        export_events(path)

    monkeypatch.setattr(exporting, "pseudonym_of", lambda user_id: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        export_events(path)

    assert [file.read_text() for file in tmp_path.iterdir()] == ["older"]


def test_the_command_works(tmp_path):
    EventFactory(timestamp=NOON)
    path, out = tmp_path / "events.csv", StringIO()

    call_command("export_events", str(path), since="2026-05-01T14:00:00+02:00", stdout=out)
    assert out.getvalue() == f"{path}: 1 reactions.\n"

    call_command("export_events", str(path), since="2026-05-02")
    assert len(pd.read_csv(path)) == 0


def test_the_command_rejects_what_it_cannot_do(tmp_path):
    with pytest.raises(CommandError, match="folder that exists"):
        call_command("export_events", str(tmp_path / "nowhere" / "events.csv"))
    with pytest.raises(CommandError, match="writing failed"):
        call_command("export_events", str(tmp_path))
    with pytest.raises(CommandError, match="is not a time"):
        call_command("export_events", str(tmp_path / "events.csv"), since="yesterday")


def test_people_who_opted_out_do_not_teach_until_they_opt_in(tmp_path):
    event = EventFactory()
    EventFactory()
    path = tmp_path / "events.csv"

    let_teach(event.user, allowed=False)
    assert export_events(path) == 1
    assert pseudonym_of(event.user_id) not in path.read_text()

    let_teach(event.user, allowed=True)
    assert export_events(path) == 2


def test_a_deleted_account_does_not_teach(tmp_path):
    event = EventFactory()
    event.user.delete()

    assert export_events(tmp_path / "events.csv") == 0


def test_it_keeps_to_the_people_and_the_events_asked_for(tmp_path, monkeypatch):
    monkeypatch.setattr(exporting, "PEOPLE_AT_A_TIME", 2)
    events = EventFactory.create_batch(5)
    path = tmp_path / "events.csv"
    people = [event.user_id for event in events[:4]]

    assert export_events(path, Extent(people=people, until=events[2].pk)) == 3

    assert list(pd.read_csv(path)["user_id"]) == [pseudonym_of(user) for user in people[:3]]
