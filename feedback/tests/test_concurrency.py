"""Two threads, two connections, one person: what doubled clicks do to the log."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections
from django.db.models.deletion import Collector

from catalog.tests.factories import ItemFactory
from feedback.guests import hand_over
from feedback.history import history_of
from feedback.lists import importing
from feedback.lists.reading import ListFile
from feedback.lists.rows import Row, Status
from feedback.lists.scores import Scale
from feedback.models import Event, FeedbackType, ListImport, Saved
from feedback.tests.factories import UserFactory

WRITERS = 6


@pytest.fixture
def person(transactional_db):
    return UserFactory()


@pytest.fixture
def together(person):
    """Run calls in threads, at once, each with a database connection of its own."""

    def run(call, writers=WRITERS):
        barrier = threading.Barrier(writers)

        def work(number):
            try:
                barrier.wait(timeout=120)
                return call(number)
            finally:
                connections.close_all()

        with ThreadPoolExecutor(writers) as pool:
            return list(pool.map(work, range(writers)))

    return run


def test_the_same_reaction_at_once_logs_once(together, person):
    item = ItemFactory()

    events = together(lambda number: Event.objects.record(person, item, FeedbackType.LOVE).pk)

    assert len(set(events)) == 1
    assert Event.objects.count() == 1


def test_different_reactions_at_once_all_get_in(together, person):
    items = ItemFactory.create_batch(WRITERS)

    together(lambda number: Event.objects.record(person, items[number], FeedbackType.LIKE))

    assert len(history_of(person)) == WRITERS


def test_undoing_at_once_retracts_once(together, person):
    love = Event.objects.record(person, ItemFactory(), FeedbackType.LOVE)

    retractions = together(lambda number: Event.objects.undo(love).pk)

    assert len(set(retractions)) == 1
    assert Event.objects.count() == 2


def test_taking_back_at_once_retracts_once(together, person):
    item = ItemFactory()
    Event.objects.record(person, item, FeedbackType.LOVE)

    retractions = together(lambda number: Event.objects.retract(person, item.pk))

    assert sorted(len(mine) for mine in retractions) == [0] * (WRITERS - 1) + [1]
    assert Event.objects.count() == 2


def test_a_doubled_log_in_hands_over_once(together, person):
    guest = UserFactory(guest=True)
    Event.objects.record(guest, ItemFactory(), FeedbackType.LOVE)

    together(lambda number: hand_over(guest, person), writers=2)

    assert [reaction.label for reaction in history_of(person).reactions] == ["Loved"]
    assert Event.objects.count() == 1


@pytest.fixture
def brought(person, monkeypatch):
    """A list of 40 titles, waiting to be written four at a time."""
    monkeypatch.setattr(importing, "STEP", 4)
    items = ItemFactory.create_batch(40)
    rows = [Row(anime_id=item.pk, item_id=item.pk, score=9, is_saved=True) for item in items]
    return ListImport.objects.create(
        user=person, source="csv", scale="", rows=[row.as_json() for row in rows], total=40, state="writing"
    )


def test_workers_that_got_the_same_list_write_it_once(together, person, brought):
    other = ItemFactory()

    def work(number):
        if number:
            importing.carry_on(brought.pk)
        else:  # and meanwhile the person goes on clicking
            Event.objects.record(person, other, FeedbackType.DISLIKE)

    together(work)

    assert ListImport.objects.get().state == "done"
    assert Event.objects.filter(list_import=brought).count() == 40
    assert Event.objects.count() == 41
    assert Saved.objects.count() == 40

    together(lambda number: importing.ask_back(brought) or importing.carry_on(brought.pk))

    assert Event.objects.filter(list_import=brought).standing().count() == 0
    assert [reaction.label for reaction in history_of(person).reactions] == ["Disliked"]


def test_a_preview_confirmed_at_once_is_confirmed_once(together, brought):
    ListImport.objects.update(state="ready")
    assert sorted(together(lambda number: importing.confirm(brought, overrule=False))) == [False] * 5 + [True]


def test_logging_in_while_a_list_is_written_loses_none_of_it(together, person, brought):
    member = UserFactory()

    together(
        lambda number: hand_over(person, member) if number else importing.carry_on(brought.pk), writers=2
    )

    assert ListImport.objects.get().state == "done"
    assert len(history_of(member)) == 40
    assert Saved.objects.of(member).count() == 40


def test_a_list_is_not_discarded_while_it_is_confirmed(person, client, monkeypatch):
    """The confirmation comes after the look whether it may be discarded, and before it goes."""
    rows = [Row(anime_id=ItemFactory().pk, score=9.0, status=Status.COMPLETED)]
    kept = importing.take_in(person, ListFile(ListImport.Source.CSV, rows, Scale.TEN), "list.csv")
    importing.carry_on(kept.pk)
    confirmed, begun = threading.Event(), []

    def confirm():
        try:
            if importing.confirm(kept, overrule=False):
                importing.carry_on(kept.pk)
        finally:
            confirmed.set()
            connections.close_all()

    def delete(collector):
        if ListImport in collector.data:
            begun.append(threading.Thread(target=confirm))
            begun[0].start()
            confirmed.wait(2)  # where it has to wait itself, it comes too late
        return really_delete(collector)

    really_delete = Collector.delete
    monkeypatch.setattr(Collector, "delete", delete)
    client.force_login(person)
    client.post(f"{kept.get_absolute_url()}discard/")
    begun[0].join()

    assert not ListImport.objects.exists()
    assert not Event.objects.exists()
