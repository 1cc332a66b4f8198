"""Who trains: one at a time, taken over from the dead, never by two."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from feedback.models import Event, ListImport
from recommender import runs
from recommender.due import why_retrain
from recommender.models import Checkpoint
from recommender.runs import CannotRetrain, RunLost, claim, holder
from recommender.tests.fixtures import ROMANCES, say

State = Checkpoint.State


@pytest.fixture
def parent(db) -> Checkpoint:
    return Checkpoint.objects.create(version="parent", state=State.ACTIVE, last_event_id=7)


@pytest.fixture
def dead_pid() -> int:
    """The number of a process that really ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def die(run: runs.Run, pid: int) -> None:
    Checkpoint.objects.filter(pk=run.checkpoint.pk).update(holder=f"{socket.gethostname()}:{pid}")


def test_it_works(parent: Checkpoint) -> None:
    run = claim(parent, 9, "nightly")
    assert (run.checkpoint.state, run.checkpoint.holder) == (State.TRAINING, holder())
    assert (run.preset, run.checkpoint.last_event_id) == ("nightly", 9)
    run.folder.mkdir(parents=True)
    run.finish(State.REJECTED, "No better.")
    assert (run.checkpoint.state, run.checkpoint.verdict) == (State.REJECTED, "No better.")
    assert not run.folder.exists()


def test_a_living_run_keeps_its_place(parent: Checkpoint) -> None:
    run = claim(parent, 9, "nightly")
    with pytest.raises(CannotRetrain, match=f"{run.checkpoint}, by {holder()}"):
        claim(parent, 9, "nightly")


def test_a_dead_process_is_taken_over_at_once(parent: Checkpoint, dead_pid: int) -> None:
    lost = claim(parent, 9, "tiny")
    lost.folder.mkdir(parents=True)
    die(lost, dead_pid)
    assert "died" in why_retrain()
    run = claim(parent, 12, "nightly")
    assert (run.checkpoint, run.checkpoint.holder) == (lost.checkpoint, holder())
    assert (run.preset, run.checkpoint.last_event_id, run.checkpoint.attempts) == ("tiny", 9, 2)
    assert run.folder.exists()
    assert why_retrain() == ""


def test_a_silent_run_of_another_host_is_taken_over(parent: Checkpoint) -> None:
    lost = claim(parent, 9, "nightly").checkpoint
    late = timezone.now() - runs.SILENCE
    Checkpoint.objects.filter(pk=lost.pk).update(
        holder="elsewhere:1", heartbeat_at=late + timedelta(minutes=1)
    )
    with pytest.raises(CannotRetrain, match="elsewhere"):
        claim(parent, 9, "nightly")
    Checkpoint.objects.filter(pk=lost.pk).update(heartbeat_at=late - timedelta(seconds=1))
    assert claim(parent, 9, "nightly").checkpoint == lost


def test_a_clock_that_was_set_back_blocks_nothing(parent: Checkpoint, monkeypatch) -> None:
    """The dead are taken over all the same, and the living sign by the new time."""
    with time_machine.travel(timezone.now() + timedelta(days=2), tick=False):
        lost = claim(parent, 9, "nightly").checkpoint
        Checkpoint.objects.filter(pk=lost.pk).update(holder="elsewhere:1")
    run = claim(parent, 9, "nightly")
    assert (run.checkpoint, run.checkpoint.attempts) == (lost, 2)
    with time_machine.travel(timezone.now() - timedelta(days=30)):
        monkeypatch.setattr(runs, "SIGN_SECONDS", 0.0)
        run.sign()
        with pytest.raises(CannotRetrain):
            claim(parent, 9, "nightly")
        run.finish(State.REJECTED, "No better.")
        assert claim(parent, 9, "nightly").checkpoint.version != lost.version


@pytest.mark.django_db(transaction=True)
def test_two_schedulers_at_once_begin_one_run(parent: Checkpoint) -> None:
    outcomes: list[str] = []
    ready = threading.Barrier(6)

    def schedule() -> None:
        try:
            ready.wait()
            outcomes.append(claim(parent, 9, "nightly").checkpoint.version)
        except CannotRetrain as refusal:
            outcomes.append(str(refusal))
        finally:
            connection.close()

    threads = [threading.Thread(target=schedule) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (version,) = Checkpoint.objects.filter(state=State.TRAINING).values_list("version", flat=True)
    assert outcomes.count(version) == 1
    assert sum("wait until it has ended" in said for said in outcomes) == 5


def test_a_run_that_died_too_often_fails_and_another_begins(parent: Checkpoint, dead_pid: int) -> None:
    lost = claim(parent, 9, "nightly")
    die(lost, dead_pid)
    Checkpoint.objects.filter(pk=lost.checkpoint.pk).update(attempts=runs.MAX_ATTEMPTS)
    run = claim(parent, 12, "nightly")
    lost.checkpoint.refresh_from_db()
    assert lost.checkpoint.state == State.FAILED
    assert "died 3 times" in lost.checkpoint.verdict
    assert run.checkpoint != lost.checkpoint


def test_whoever_lost_a_run_stops_and_changes_nothing(parent: Checkpoint, monkeypatch) -> None:
    lost = claim(parent, 9, "nightly")
    monkeypatch.setattr(runs, "SIGN_SECONDS", 0.0)
    lost.sign()
    die(lost, os.getppid())
    with pytest.raises(RunLost):
        lost.sign()
    with pytest.raises(RunLost):
        lost.finish(State.CANDIDATE, "Mine!")
    lost.checkpoint.refresh_from_db()
    assert lost.checkpoint.state == State.TRAINING


def test_signs_of_life_are_written(parent: Checkpoint, monkeypatch) -> None:
    run = claim(parent, 9, "nightly")
    before = run.checkpoint.heartbeat_at
    run.sign()  # too early to cost a query
    monkeypatch.setattr(runs, "SIGN_SECONDS", 0.0)
    run.sign()
    run.checkpoint.refresh_from_db()
    assert run.checkpoint.heartbeat_at > before


def test_an_interrupted_run_waits_for_the_next_worker(parent: Checkpoint) -> None:
    run = claim(parent, 9, "nightly")
    run.let_go()
    again = claim(parent, 9, "nightly").checkpoint
    assert (again, again.attempts) == (run.checkpoint, 1)


def test_a_list_that_was_brought_waits_for_the_night(live: Checkpoint, ann, settings) -> None:
    settings.RETRAIN_AFTER_EVENTS = 1
    brought = ListImport.objects.create(user=ann, source="csv", scale="out of 10", total=1, state="done")
    Event.objects.create(user=ann, item_id=ROMANCES[0], feedback_type=3, list_import=brought)
    assert why_retrain() == ""
    say(ann, ROMANCES[1])
    assert why_retrain() == "1 new events or more since the last run."


def test_enough_news_is_a_reason_once(live: Checkpoint, ann, settings) -> None:
    settings.RETRAIN_AFTER_EVENTS = 3
    say(ann, ROMANCES[0])
    say(ann, ROMANCES[1])
    assert why_retrain() == ""
    newest = say(ann, ROMANCES[2])
    assert why_retrain() == "3 new events or more since the last run."
    Checkpoint.objects.create(version="judged", state=State.REJECTED, last_event_id=newest.pk)
    assert why_retrain() == ""
