"""Two threads, two connections, one person: what doubled clicks do to the log."""

import contextlib
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections

from catalog.tests.factories import ItemFactory
from feedback.guests import hand_over
from feedback.history import history_of
from feedback.models import Event, FeedbackType, KeyReusedError
from feedback.tests.factories import UserFactory

WRITERS = 6


@pytest.fixture
def person(transactional_db):
    return UserFactory()


@pytest.fixture
def together(tmp_path, monkeypatch, person):
    """Run calls in threads, at once, each with a database connection of its own.

    Threads cannot share SQLite's in-memory test database as processes share a file: they work on a copy.
    """
    copy = tmp_path / "copy.sqlite3"

    def run(call, writers=WRITERS):
        barrier = threading.Barrier(writers)

        def work(number):
            try:
                barrier.wait(timeout=30)
                return call(number)
            finally:
                connections.close_all()

        with monkeypatch.context() as patch, ThreadPoolExecutor(writers) as pool:
            if connection.vendor == "sqlite":
                if not copy.exists():
                    _copy_to(copy)
                patch.setitem(connection.settings_dict, "NAME", str(copy))
            return list(pool.map(work, range(writers)))

    return run


def _copy_to(path):
    """Copy the test database, and switch the copy to WAL before anybody else opens it.

    An installation's file is switched by `migrate`, alone. Several connections that switch it at once would
    be told "database is locked" at once, however long they are willing to wait.
    """
    connection.cursor().execute("VACUUM INTO %s", [str(path)])
    with contextlib.closing(sqlite3.connect(path)) as alone:
        assert alone.execute("PRAGMA journal_mode=WAL").fetchone() == ("wal",)


@pytest.fixture
def afterwards(together):
    """Evaluate a query where the threads have written."""
    return lambda query: together(lambda _: query(), writers=1)[0]


def test_the_same_reaction_at_once_logs_once(together, afterwards, person):
    item = ItemFactory()

    events = together(lambda number: Event.objects.record(person, item, FeedbackType.LOVE).pk)

    assert len(set(events)) == 1
    assert afterwards(Event.objects.count) == 1


def test_different_reactions_at_once_all_get_in(together, afterwards, person):
    items = ItemFactory.create_batch(WRITERS)

    together(lambda number: Event.objects.record(person, items[number], FeedbackType.LIKE))

    assert afterwards(lambda: Event.objects.of(person).current().count()) == WRITERS


def test_a_key_sent_twice_at_once_logs_once(together, afterwards, person):
    item = ItemFactory()
    Event.objects.record(person, item, FeedbackType.LIKE)

    def alternate(number):
        """Send one key and, in between, other reactions: only the key keeps the repetitions out."""
        if number % 2:
            return Event.objects.record(person, item, FeedbackType.DISLIKE, key=f"other{number}").pk
        return Event.objects.record(person, item, FeedbackType.LOVE, key="once").pk

    ids = together(alternate)

    assert len(set(ids[::2])) == 1
    assert afterwards(lambda: Event.objects.filter(feedback_type=FeedbackType.LOVE).count()) == 1


def test_a_key_sent_at_once_with_different_reactions_takes_the_first(together, afterwards, person):
    items = ItemFactory.create_batch(WRITERS)

    def send(number):
        try:
            return Event.objects.record(person, items[number], FeedbackType.LIKE, key="once").item_id
        except KeyReusedError:
            return None

    taken = [item_id for item_id in together(send) if item_id is not None]

    assert taken == afterwards(lambda: [event.item_id for event in Event.objects.all()])
    assert len(taken) == 1


def test_undoing_at_once_retracts_once(together, afterwards, person):
    love = Event.objects.record(person, ItemFactory(), FeedbackType.LOVE)

    retractions = together(lambda number: Event.objects.undo(love).pk)

    assert len(set(retractions)) == 1
    assert afterwards(Event.objects.count) == 2


def test_taking_back_at_once_retracts_once(together, afterwards, person):
    item = ItemFactory()
    Event.objects.record(person, item, FeedbackType.LOVE)

    retractions = together(lambda number: Event.objects.retract(person, item.pk))

    assert sorted(len(mine) for mine in retractions) == [0] * (WRITERS - 1) + [1]
    assert afterwards(Event.objects.count) == 2


def test_a_doubled_log_in_hands_over_once(together, afterwards, person):
    guest = UserFactory(guest=True)
    Event.objects.record(guest, ItemFactory(), FeedbackType.LOVE)

    together(lambda number: hand_over(guest, person), writers=2)

    assert afterwards(lambda: [reaction.label for reaction in history_of(person).reactions]) == ["Loved"]
    assert afterwards(Event.objects.count) == 1
