"""Whoever speaks about a duplicate in the very moment in which it is merged is heard, on PostgreSQL.

On SQLite a merge and a writer cannot be under way at the same time: the second waits for the first to end.
"""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth import get_user_model
from django.db import connection, connections, transaction
from django.utils import timezone

from catalog.models import Item
from catalog.tests.factories import ItemFactory
from feedback.guests import hand_over
from feedback.history import history_of
from feedback.lists import importing
from feedback.lists.rows import Row
from feedback.models import Dismissal, Event, FeedbackType, ListImport, Saved
from feedback.tests.factories import EventFactory, SavedFactory, UserFactory
from recommender import ignoring, impressions
from recommender.merging import merge
from recommender.models import Ignored, Impression

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="a matter of PostgreSQL: make test-engines"),
]
LIKE, LOVE = FeedbackType.LIKE, FeedbackType.LOVE
KEPT, GONE = 1, 2
WRITERS = 8


@pytest.fixture
def pair():
    return [ItemFactory(anime_id=KEPT), ItemFactory(anime_id=GONE)]


@pytest.fixture
def person():
    return UserFactory()


@pytest.fixture
def gone(pair):
    """The duplicate as a request has found it."""
    return pair[1]


def a_list(person, **facts):
    rows = [Row(anime_id=GONE, item_id=GONE, **facts).as_json()]
    state = ListImport.State.WRITING
    return ListImport.objects.create(user=person, source="csv", scale="", rows=rows, total=1, state=state)


def reacts(person, gone):
    return lambda: Event.objects.record(person, gone, LOVE, key="key"), Event


def reacts_to_many(person, gone):
    return lambda: Event.objects.record_many(person, [(gone, LIKE), (gone, LOVE)]), Event


def takes_back(person, gone):
    Event.objects.record(person, gone, LOVE)
    return lambda: Event.objects.retract(person, GONE), Event


def undoes(person, gone):
    said = Event.objects.record(person, gone, LOVE)
    return lambda: Event.objects.undo(said), Event


def restores(person, gone):
    lost = Event.objects.undo(Event.objects.record(person, gone, LOVE))
    return lambda: Event.objects.undo(lost), Event


def saves(person, gone):
    return lambda: Saved.objects.keep(person, gone), Saved


def dismisses(person, gone):
    return lambda: Dismissal.objects.dismiss(person, gone, Dismissal.Kind.SEEN), Dismissal


def ignores(person, gone):
    Event.objects.record(person, gone, LOVE)
    return lambda: ignoring.ignore(person, GONE), Ignored


def is_shown(person, gone):
    showing = impressions.Showing(person.pk, "v", 0, (GONE,), timezone.now())
    return lambda: impressions.save([showing]), Impression


def brings_a_reaction(person, gone):
    brought = a_list(person, score=9.0)
    return lambda: importing.carry_on(brought.pk), Event


def brings_a_saved_title(person, gone):
    brought = a_list(person, is_saved=True)
    return lambda: importing.carry_on(brought.pk), Saved


def takes_a_list_back(person, gone):
    brought = a_list(person, score=9.0)
    importing.carry_on(brought.pk)
    importing.ask_back(brought)
    return lambda: importing.carry_on(brought.pk), Event


def logs_in(person, gone):
    guest = UserFactory(guest=True)
    EventFactory(user=guest, item=gone)
    SavedFactory(user=guest, item=gone)
    return lambda: hand_over(guest, person), Event


WRITING = [
    reacts, reacts_to_many, takes_back, undoes, restores, saves, dismisses, ignores, is_shown,
    brings_a_reaction, brings_a_saved_title, takes_a_list_back, logs_in,
]  # fmt: skip


def in_thread(pool, call):
    def alone():
        try:
            return call()
        finally:
            connections.close_all()

    return pool.submit(alone)


def wait_until_somebody_waits():
    """Return once a transaction waits for another one's lock."""
    until = time.monotonic() + 20
    with connection.cursor() as cursor:
        while time.monotonic() < until:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return
            time.sleep(0.01)
    raise AssertionError("Nobody waited: nothing was raced.")


@pytest.mark.parametrize("writing", WRITING)
def test_who_comes_in_the_middle_of_a_merge_speaks_about_the_title_that_stays(pair, person, gone, writing):
    write, table = writing(person, gone)

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            merge(pair, keep=KEPT)
            writer = in_thread(pool, write)
            wait_until_somebody_waits()
        writer.result()

    rows = table.objects.of(person)
    assert {row.item_id for row in rows} == {KEPT}
    standing = {takes_back: [], undoes: [], takes_a_list_back: []}.get(writing, [KEPT])
    if table is Event:
        assert [said.anime_id for said in history_of(person).reactions] == standing


@pytest.mark.parametrize("writing", [each for each in WRITING if each is not is_shown])
def test_a_merge_waits_for_who_came_first_and_takes_along_what_they_said(pair, person, gone, writing):
    write, table = writing(person, gone)
    written, may_end = threading.Event(), threading.Event()

    def slowly():
        with transaction.atomic():
            write()
            written.set()
            assert may_end.wait(30)

    with ThreadPoolExecutor(2) as pool:
        writer = in_thread(pool, slowly)
        assert written.wait(30)
        merging = in_thread(pool, lambda: merge(pair, keep=KEPT))
        wait_until_somebody_waits()
        may_end.set()
        writer.result()
        merging.result()

    assert {row.item_id for row in table.objects.of(person)} == {KEPT}


def test_nothing_is_lost_where_many_speak_while_titles_are_merged_one_after_another():
    titles = [ItemFactory(anime_id=pk) for pk in range(1, 9)]
    people = UserFactory.create_batch(WRITERS)
    begin = threading.Barrier(WRITERS + 1)

    def speak(number):
        begin.wait(30)
        for title in [*titles, *reversed(titles)]:
            Event.objects.record(people[number], title, LIKE if number % 2 else LOVE)
            Saved.objects.keep(people[number], title)
            Dismissal.objects.dismiss(people[number], title, Dismissal.Kind.SEEN)
        return Event.objects.record_many(people[number], [(title, LOVE) for title in titles])

    def merge_all():
        begin.wait(30)
        for title in titles[1:]:
            merge(list(Item.objects.filter(pk__in=[1, title.pk])), keep=1)

    with ThreadPoolExecutor(WRITERS + 1) as pool:
        working = [in_thread(pool, lambda n=n: speak(n)) for n in range(WRITERS)]
        merging = in_thread(pool, merge_all)
        for each in (*working, merging):
            each.result()

    assert [item.pk for item in Item.objects.all()] == [1]
    for person in get_user_model().objects.all():
        assert [(said.anime_id, said.feedback_type) for said in history_of(person).reactions] == [(1, LOVE)]
        assert Saved.objects.of(person).count() == Dismissal.objects.of(person).count() == 1
