"""Serving: the active checkpoint, swapped while running, and what happens when it cannot be used."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.db import OperationalError
from django.utils import timezone

from catalog.models import Item
from recommender import serving
from recommender.catalogue import catalogue_version
from recommender.feed import feed_for
from recommender.models import Checkpoint
from recommender.tests.fixtures import NEWCOMERS, STRANGERS, Promote, say

PATIENCE = 120.0  # seconds: only what would never happen takes so long


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"nothing happened within {PATIENCE:g} seconds"
        time.sleep(0.02)


def damage(checkpoint: Checkpoint) -> None:
    """Cut the weights short, as a full disk does."""
    weights = checkpoint.path / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])


def test_it_works(live: Checkpoint, django_assert_num_queries) -> None:
    ranker = serving.get_ranker()
    assert ranker is not None
    assert ranker.version == "first"
    assert ranker.strangers == set(STRANGERS)
    assert serving.status() == serving.Status("first", "")
    with django_assert_num_queries(0):
        assert serving.get_ranker() is ranker


def test_no_checkpoint_serves_popular_titles_and_says_so(catalogue: None, caplog) -> None:
    assert serving.get_ranker() is None
    assert "load_starter" in serving.status().problem
    assert not feed_for(AnonymousUser()).is_personal


def test_a_damaged_checkpoint_serves_popular_titles_and_is_logged_once(
    live: Checkpoint, ann: User, caplog, settings, monkeypatch
) -> None:
    damage(live)
    say(ann, 1)
    settings.CHECKPOINT_POLL_SECONDS = 0
    monkeypatch.setattr(serving, "RETRY_SECONDS", 0)
    with caplog.at_level(logging.ERROR, logger="recommender.serving"):
        for _ in range(3):
            page = feed_for(ann)
    assert not page.is_personal
    assert page.cards
    assert len(caplog.records) == 1
    problem = serving.status().problem
    assert caplog.records[0].getMessage() == problem
    assert "Checkpoint first does not load, popular titles are served" in problem
    assert str(settings.CHECKPOINT_DIR) not in problem


def test_a_missing_checkpoint_keeps_the_old_one(live: Checkpoint, promote: Promote, settings, caplog) -> None:
    settings.CHECKPOINT_POLL_SECONDS = 0
    assert serving.get_ranker() is not None
    second = promote("second")
    second.path.rename(second.path.with_name("elsewhere"))
    ranker = serving.get_ranker()
    assert ranker is not None
    assert ranker.version == "first"
    assert "second does not load, first keeps serving" in serving.status().problem


def test_a_repaired_checkpoint_is_picked_up(live: Checkpoint, settings, monkeypatch) -> None:
    settings.CHECKPOINT_POLL_SECONDS = 0
    elsewhere = live.path.with_name("elsewhere")
    live.path.rename(elsewhere)
    assert serving.get_ranker() is None
    elsewhere.rename(live.path)
    assert serving.get_ranker() is None  # not tried again at every request
    monkeypatch.setattr(serving, "RETRY_SECONDS", 0)
    assert serving.get_ranker() is not None
    assert serving.status().problem == ""


def test_a_checkpoint_of_another_catalogue_is_refused(live: Checkpoint) -> None:
    Item.objects.exclude(pk__in=NEWCOMERS).delete()
    assert serving.get_ranker() is None
    assert "no title of the catalogue" in serving.status().problem


def test_an_import_changes_what_may_be_ranked(live: Checkpoint, settings) -> None:
    settings.CHECKPOINT_POLL_SECONDS = 0
    before = serving.get_ranker()
    Item.objects.create(anime_id=STRANGERS[0], name="No stranger any more")
    after = serving.get_ranker()
    assert before is not None
    assert after is not None
    assert after.ranker is before.ranker
    assert after.strangers == {STRANGERS[1]}


def test_a_swap_reads_the_catalogue_again_only_where_it_changed(
    live: Checkpoint, promote: Promote, settings, django_assert_num_queries
) -> None:
    settings.CHECKPOINT_POLL_SECONDS = 0
    before = serving.get_ranker()
    second = promote("second")
    with django_assert_num_queries(3):  # which is active, and whether the catalogue is still the same
        after = serving.get_ranker()
    assert before is not None
    assert after is not None
    assert (after.version, after.series) == ("second", before.series)
    Item.objects.create(anime_id=STRANGERS[0], name="No stranger any more")
    second.roll_back()
    again = serving.get_ranker()
    assert again is not None
    assert (again.version, again.strangers) == ("first", {STRANGERS[1]})


def test_an_outage_of_the_database_keeps_the_ranker(live: Checkpoint, settings, monkeypatch) -> None:
    settings.CHECKPOINT_POLL_SECONDS = 0
    before = serving.get_ranker()

    def down(*args: object) -> None:
        raise OperationalError("connection refused")

    with monkeypatch.context() as outage:
        outage.setattr("recommender.models.checkpoints.CheckpointQuerySet.active", down)
        assert serving.get_ranker() is before
        assert "database does not answer" in serving.status().problem
    assert serving.get_ranker() is before
    assert serving.status().problem == ""


def test_a_fork_begins_anew(live: Checkpoint) -> None:
    assert serving.get_ranker() is not None
    child = os.fork()
    if child == 0:
        os._exit(0 if serving._watch.live is None else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert serving.get_ranker() is not None


@pytest.mark.django_db(transaction=True)
def test_a_running_process_swaps_by_itself(live: Checkpoint, promote: Promote, settings) -> None:
    second = promote("second")
    live.promote()
    settings.CHECKPOINT_POLL_SECONDS = 0.05
    serving.start()
    first = serving.get_ranker()
    assert first is not None
    assert first.version == "first"
    second.promote()
    wait_until(lambda: serving.status().version == "second")
    second.roll_back()
    wait_until(lambda: serving.status().version == "first")
    assert first.ranker.item_ids  # a request in flight finishes on the ranker it holds


def test_a_title_changed_by_a_clock_that_was_ahead_hides_no_later_change(live) -> None:
    first, second = Item.objects.order_by("pk")[:2]
    Item.objects.filter(pk=first.pk).update(updated_at=timezone.now() + timedelta(days=10))
    before = catalogue_version()
    second.name = "Renamed"
    second.save()
    assert catalogue_version() != before
