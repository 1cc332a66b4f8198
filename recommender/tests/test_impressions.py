"""What people were shown: noted without slowing a page down, and what followed it."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import DataError, OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from catalog.models import Item
from feedback.models import Event, FeedbackType, ListImport
from recommender import impressions, outcomes
from recommender.feed import PAGE_SIZE
from recommender.impressions import Log, Showing
from recommender.models import Checkpoint, Impression
from recommender.tasks import link_impressions, prune_impressions
from recommender.tests.fixtures import NEWCOMERS, say
from recommender.tests.test_serving import wait_until

FEED = reverse("recommender:feed")
HTMX = {"HX-Request": "true"}


def shown(user: User, *anime_ids: int, start: int = 0, version: str = "first") -> Showing:
    return Showing(user.pk, version, start, anime_ids, timezone.now())


def impress(user: User, anime_id: int, ago: timedelta = timedelta(), **fields: object) -> Impression:
    moment = timezone.now() - ago
    return Impression.objects.create(
        user=user,
        item_id=anime_id,
        position=1,
        day=moment.date(),
        shown_at=moment,
        **{"version": "first"} | fields,
    )


def test_it_works(live: Checkpoint, ann: User, client: Client) -> None:
    say(ann, 1)
    client.force_login(ann)
    cards = client.get(FEED, {"page": 2}).context["page"].cards
    rows = list(Impression.objects.order_by("position"))
    assert [row.item_id for row in rows] == [card.item.pk for card in cards]
    assert [row.position for row in rows] == list(range(PAGE_SIZE + 1, 2 * PAGE_SIZE + 1))
    first = rows[0]
    assert (first.user, first.version, first.slot, first.propensity) == (ann, "first", "ranked", 1.0)
    assert (first.day, first.event) == (timezone.localdate(), None)
    assert timezone.now() - first.shown_at < timedelta(minutes=1)


def test_popular_titles_say_so(live: Checkpoint, ann: User, client: Client) -> None:
    client.force_login(ann)
    client.get(FEED)
    assert set(Impression.objects.values_list("version", "slot")) == {("", "popular")}
    assert Impression.objects.count() == PAGE_SIZE


def test_fragments_count_and_the_same_day_counts_once(live: Checkpoint, ann: User, client: Client) -> None:
    say(ann, 1)
    client.force_login(ann)
    client.get(FEED)
    first = set(Impression.objects.values_list("pk", "shown_at"))
    client.get(FEED, {"shown": 40}, headers=HTMX)
    assert Impression.objects.count() == 40
    assert first < set(Impression.objects.values_list("pk", "shown_at"))
    assert set(Impression.objects.values_list("position", flat=True)) == set(range(1, 41))


def test_a_visitor_leaves_no_trace(live: Checkpoint, client: Client) -> None:
    client.get(FEED)
    assert not Impression.objects.exists()


@pytest.mark.parametrize(
    "headers", [{"Sec-Purpose": "prefetch;prerender"}, {"Purpose": "prefetch"}, {"X-Moz": "prefetch"}]
)
def test_what_nobody_sees_does_not_count(
    live: Checkpoint, ann: User, client: Client, headers: dict[str, str]
) -> None:
    client.force_login(ann)
    assert client.get(FEED, headers=headers).status_code == 200
    assert client.head(FEED).status_code == 200
    assert not Impression.objects.exists()


def test_a_page_only_appends_where_a_thread_writes(
    live: Checkpoint, ann: User, client: Client, log: Log
) -> None:
    say(ann, 1)
    client.force_login(ann)
    client.get(FEED)
    with CaptureQueriesContext(connection) as queries:
        client.get(FEED)
    assert [query for query in queries if not query["sql"].startswith("SELECT")] == []
    assert len(log) == 2
    assert not Impression.objects.exists()
    log.write()
    assert Impression.objects.count() == PAGE_SIZE


@pytest.mark.django_db(transaction=True)
def test_the_thread_writes_by_itself_and_at_the_end(ann: User, catalogue: None, monkeypatch) -> None:
    monkeypatch.setattr(impressions, "WRITE_SECONDS", 0.02)
    log = Log()
    log.start()
    log.add(shown(ann, 1, 2))
    wait_until(lambda: Impression.objects.count() == 2)
    monkeypatch.setattr(impressions, "WRITE_SECONDS", 3600)
    wait_until(lambda: not log._due.is_set())
    log.add(shown(ann, 3))
    log.stop()
    assert Impression.objects.count() == 3


@pytest.mark.django_db(transaction=True)
def test_what_the_thread_wrote_today_is_not_sent_again(
    ann: User, catalogue: None, log: Log, monkeypatch
) -> None:
    sent: list[int] = []
    insert = impressions._insert

    def noting(rows: Iterable[Impression]) -> None:
        sent.extend(row.item_id for row in rows)
        insert(rows)

    monkeypatch.setattr(impressions, "_insert", noting)
    monkeypatch.setattr(impressions, "BATCH", 1)
    for anime_ids in ((1, 2, 3), (2, 3, 4), (1, 2, 3)):
        log.add(shown(ann, *anime_ids))
        wait_until(lambda: not len(log))
    log.add(shown(ann, 5))
    wait_until(lambda: Impression.objects.count() == 5)
    assert sorted(sent) == [1, 2, 3, 4, 5]
    assert Impression.objects.count() == 5


@pytest.mark.django_db(transaction=True)
def test_a_full_batch_is_written_before_its_time(ann: User, catalogue: None, log: Log, monkeypatch) -> None:
    monkeypatch.setattr(impressions, "BATCH", 3)
    for anime_id in (1, 2, 3):
        log.add(shown(ann, anime_id))
    wait_until(lambda: Impression.objects.count() == 3)


def test_an_outage_drops_the_oldest_says_so_once_and_breaks_no_page(
    live: Checkpoint, ann: User, client: Client, monkeypatch, caplog
) -> None:
    client.force_login(ann)
    monkeypatch.setattr(impressions, "MAX_WAITING", 2)

    def down(*args: object) -> None:
        raise OperationalError("connection refused")

    with monkeypatch.context() as outage, caplog.at_level(logging.WARNING, logger=impressions.__name__):
        outage.setattr(impressions, "save", down)
        for page in (1, 2, 3, 1):
            assert client.get(FEED, {"page": page}).status_code == 200
    assert [record.getMessage() for record in caplog.records] == [
        "The database does not answer, impressions wait for it: connection refused",
        "More than 2 pages wait to be logged: the oldest are dropped",
    ]
    with caplog.at_level(logging.INFO, logger=impressions.__name__):
        client.get(FEED, {"page": 1})
    assert "those of 3 pages were lost" in caplog.text
    assert set(Impression.objects.values_list("position", flat=True)) == set(range(1, PAGE_SIZE + 1))


@pytest.mark.django_db(transaction=True)
def test_who_or_what_was_deleted_meanwhile_costs_nobody_else_theirs(ann: User, catalogue: None) -> None:
    ben = User.objects.create_user("ben")
    showings = [shown(ann, 1, 2), shown(ben, 1, 2)]
    Item.objects.get(pk=2).delete()
    ben.delete()
    impressions.save(showings)
    assert list(Impression.objects.values_list("user", "item")) == [(ann.pk, 1)]


def test_what_can_never_be_written_holds_up_nothing(
    ann: User, catalogue: None, log: Log, caplog, monkeypatch
) -> None:
    def refuse(*args: object) -> None:
        raise DataError("value out of range")

    log.add(shown(ann, 1))
    with monkeypatch.context() as refusal, caplog.at_level(logging.ERROR, logger=impressions.__name__):
        refusal.setattr(impressions, "save", refuse)
        log.write()
    assert "1 pages cannot be written and are dropped" in caplog.text
    log.add(shown(ann, 2))
    log.write()
    assert Impression.objects.get().item_id == 2


def test_a_fork_begins_anew(ann: User, log: Log) -> None:
    log.add(shown(ann, 1))
    child = os.fork()
    if child == 0:
        fresh = impressions._log
        os._exit(0 if len(fresh) == 0 and fresh._thread is None else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert len(log) == 1


def test_impressions_go_with_the_account(ann: User, catalogue: None) -> None:
    impress(ann, 1)
    ann.delete()
    assert not Impression.objects.exists()


def test_what_followed_is_the_first_reaction_within_a_day(ann: User, catalogue: None) -> None:
    long_ago = impress(ann, 1, timedelta(hours=30))
    before = impress(ann, 1, timedelta(minutes=5), version="second")
    other = impress(ann, 2, timedelta(minutes=5))
    first = say(ann, 1, FeedbackType.LIKE)
    say(ann, 1, FeedbackType.LOVE)
    after = impress(ann, 1, -timedelta(minutes=1))
    assert link_impressions(1) == 1
    events = {row.pk: row.event for row in Impression.objects.all()}
    assert events == {long_ago.pk: None, before.pk: first, other.pk: None, after.pk: None}
    assert link_impressions(1) == 0


def test_the_window_ends_after_a_day(ann: User, catalogue: None) -> None:
    within = impress(ann, 1, timedelta(hours=23, minutes=59))
    impress(ann, 2, timedelta(hours=24, minutes=1))
    say(ann, 1)
    say(ann, 2)
    assert outcomes.link(2) == 1
    within.refresh_from_db()
    assert within.event is not None


def test_an_undo_is_followed(ann: User, catalogue: None) -> None:
    row = impress(ann, 1, timedelta(minutes=5))
    say(ann, 1, FeedbackType.DISLIKE)
    love = say(ann, 1, FeedbackType.LOVE)
    outcomes.link(1)
    Event.objects.undo(Event.objects.get(feedback_type=FeedbackType.DISLIKE))
    assert outcomes.link(1) == 1
    row.refresh_from_db()
    assert row.event == love
    Event.objects.undo(love)
    assert outcomes.link(1) == 1
    row.refresh_from_db()
    assert row.event is None


def test_another_persons_reaction_does_not_count(ann: User, catalogue: None) -> None:
    impress(ann, 1, timedelta(minutes=5))
    say(User.objects.create_user("ben"), 1)
    assert outcomes.link(1) == 0


def test_a_list_that_was_brought_is_no_answer(ann: User, catalogue: None) -> None:
    impress(ann, 1, timedelta(minutes=5))
    brought = ListImport.objects.create(user=ann, source="csv", total=1)
    Event.objects.create(user=ann, item_id=1, feedback_type=FeedbackType.LOVE, list_import=brought)
    assert outcomes.link(1) == 0


def test_links_are_written_in_chunks(ann: User, catalogue: None, monkeypatch) -> None:
    monkeypatch.setattr(outcomes, "CHUNK", 2)
    for anime_id in range(1, 6):
        impress(ann, anime_id, timedelta(minutes=5))
        say(ann, anime_id)
    with CaptureQueriesContext(connection) as queries:
        assert outcomes.link(1) == 5
    assert sum(query["sql"].startswith("UPDATE") for query in queries) == 3
    assert not Impression.objects.filter(event=None).exists()


def test_old_impressions_are_pruned_in_chunks(ann: User, catalogue: None, settings, monkeypatch) -> None:
    monkeypatch.setattr(outcomes, "CHUNK", 2)
    settings.IMPRESSION_DAYS = 10
    for anime_id in range(1, 6):
        impress(ann, anime_id, timedelta(days=11))
    kept = impress(ann, 1, timedelta(days=10))
    assert prune_impressions() == 5
    assert list(Impression.objects.all()) == [kept]


def test_a_guest_who_logs_in_keeps_what_they_were_shown(live: Checkpoint, ann: User, client: Client) -> None:
    client.post(reverse("feedback:react", args=[1]), {"feedback_type": "3"})
    client.get(FEED)
    guest = User.objects.get(username__startswith="guest-")
    impress(guest, 1, timedelta(minutes=5))
    outcomes.link(1)
    titles = set(Impression.objects.of(guest).values_list("item", flat=True))
    twice = impress(ann, min(titles - {1}))
    client.post(reverse("account_login"), {"login": "ann", "password": "secret"})
    assert not User.objects.filter(pk=guest.pk).exists()
    assert set(Impression.objects.of(ann).values_list("item", flat=True)) == titles
    assert Impression.objects.get(item=twice.item_id) == twice
    assert outcomes.link(1) == 1
    assert Impression.objects.get(item=1).event == Event.objects.get(user=ann)


def test_a_guest_who_signs_up_keeps_what_they_were_shown(live: Checkpoint, client: Client) -> None:
    client.post(reverse("feedback:react", args=[NEWCOMERS[0]]), {"feedback_type": "3"})
    client.get(FEED)
    client.post(reverse("account_signup"), {"username": "zoro", "password1": "three-swords-style"})
    assert Impression.objects.of(User.objects.get(username="zoro")).count() == PAGE_SIZE
