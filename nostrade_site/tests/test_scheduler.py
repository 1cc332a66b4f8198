"""The scheduler beside a clock that was ahead, and beside a broker that refuses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import redis
from celery.schedules import crontab, schedule
from django.core.cache import cache
from django.utils import timezone
from redbeat.decoder import RedBeatJSONDecoder, RedBeatJSONEncoder
from redbeat.schedulers import RedBeatSchedulerEntry, ensure_conf, get_redis
from redis.exceptions import LockError

from nostrade_site import doctor
from nostrade_site.broker import running_broker
from nostrade_site.celery import app
from nostrade_site.findings import Level
from nostrade_site.scheduler import Scheduler
from nostrade_site.tests.site import ROOT, eventually

TASK = "nostrade_site.tasks.clear_sessions"
SCHEDULES = [schedule(300, app=app), crontab(hour="3", minute="30", app=app)]


@contextmanager
def entry(plan: schedule, name: str = "entry-of-a-test") -> Iterator[RedBeatSchedulerEntry]:
    ensure_conf(app)
    saved = RedBeatSchedulerEntry(name, TASK, plan, app=app).save()
    try:
        yield saved
    finally:
        saved.delete()


def due_in(saved: RedBeatSchedulerEntry) -> float:
    """Return the seconds until the broker's schedule has it due."""
    return float(get_redis(app).zscore(app.redbeat_conf.schedule_key, saved.key)) - timezone.now().timestamp()


@pytest.mark.usefixtures("broker")
@pytest.mark.parametrize("plan", SCHEDULES)
def test_what_began_in_the_future_is_due_by_the_clock_of_now(plan) -> None:
    with entry(plan) as saved:
        saved.reschedule(timezone.now() + timedelta(days=10))
        assert due_in(saved) > 10 * 86400  # twice over, with an interval
        Scheduler(app, lazy=True).reset_future()
        assert due_in(saved) <= 86400
        again = RedBeatSchedulerEntry.from_key(saved.key, app=app)
        assert again.last_run_at <= timezone.now()


@pytest.mark.usefixtures("broker")
def test_a_due_time_that_only_a_clock_ahead_could_set_is_set_right() -> None:
    with entry(SCHEDULES[0]) as saved:
        key = app.redbeat_conf.schedule_key
        get_redis(app).zadd(key, {saved.key: (timezone.now() + timedelta(days=10)).timestamp()})
        Scheduler(app, lazy=True).reset_future()
        assert due_in(saved) <= 300


@pytest.mark.usefixtures("broker")
def test_what_is_as_it_should_be_is_left_alone() -> None:
    with entry(SCHEDULES[1]) as saved:
        began = timezone.now() - timedelta(hours=1)
        saved.reschedule(began)
        before = due_in(saved)
        cache.set("kept", 1)
        Scheduler(app, lazy=True).reset_future()
        assert abs(due_in(saved) - before) < 60
        assert RedBeatSchedulerEntry.from_key(saved.key, app=app).last_run_at == began
        assert cache.get("kept") == 1


@pytest.mark.usefixtures("broker")
def test_limits_counted_by_a_clock_that_was_ahead_are_forgotten() -> None:
    with entry(SCHEDULES[0]) as saved:
        saved.reschedule(timezone.now() + timedelta(days=10))
        cache.set("throttle", [(timezone.now() + timedelta(days=10)).timestamp()])
        Scheduler(app, lazy=True).reset_future()
    assert cache.get("throttle") is None


@pytest.mark.usefixtures("broker")
def test_doctor_fails_on_it() -> None:
    with entry(SCHEDULES[0], doctor.BEAT_TASK) as saved:
        saved.reschedule(timezone.now() + timedelta(days=10))
        found = doctor.beat()
        assert found.level is Level.FAIL
        assert "yet to come" in found.said


@pytest.mark.usefixtures("broker")
def test_a_lock_left_behind_by_a_clock_that_was_ahead_ends_when_it_should(monkeypatch) -> None:
    ensure_conf(app)
    monkeypatch.setattr(app.redbeat_conf, "lock_key", "redbeat:lock-of-a-test")
    client = get_redis(app)
    client.set("redbeat:lock-of-a-test", "somebody", ex=86400)
    Scheduler(app, lazy=True)._shorten_lock()
    assert 0 < client.ttl("redbeat:lock-of-a-test") <= 150
    client.delete("redbeat:lock-of-a-test")


@pytest.mark.usefixtures("broker")
def test_who_lost_the_lock_ends_and_does_not_go_on_beside_another(monkeypatch) -> None:
    ensure_conf(app)
    monkeypatch.setattr(app.redbeat_conf, "lock_key", "redbeat:lock-of-a-test")
    scheduler = Scheduler(app, lazy=True)
    scheduler.lock = get_redis(app).lock("redbeat:lock-of-a-test", timeout=60)
    assert scheduler.lock.acquire()
    get_redis(app).delete("redbeat:lock-of-a-test")
    with pytest.raises(LockError):
        scheduler.tick()


@contextmanager
def beat(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """Run the real scheduler on the broker of a folder."""
    log = folder / "beat.log"
    mine = {"NOSTRADE_DATA_DIR": str(folder), "DJANGO_SETTINGS_MODULE": "nostrade_site.settings"}
    command = [sys.executable, "-m", "celery", "--quiet", "-A", "nostrade_site", "beat"]
    environ = os.environ | mine | {"REDIS_URL": "", "DATABASE_URL": ""}
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=output, stderr=output)
    try:
        yield process, log
    finally:
        process.terminate()
        process.wait(60)


def last_run(client: redis.Redis, name: str = "retrain-when-due") -> datetime | None:
    meta = client.hget(f"redbeat:{name}", "meta")
    found = json.loads(meta, cls=RedBeatJSONDecoder)["last_run_at"] if meta else None
    return found if isinstance(found, datetime) else None


def test_beat_waits_for_a_broker_that_refuses_and_sets_the_future_right(tmp_path_factory) -> None:
    """A full disk makes the broker refuse every write: beat once ended, and with it the site."""
    folder = tmp_path_factory.mktemp("b")
    socket_path = folder / "broker" / "valkey.sock"
    with running_broker(socket_path, folder / "broker"):
        client = redis.Redis(unix_socket_path=str(socket_path))
        meta = {"last_run_at": timezone.now() + timedelta(days=10), "total_run_count": 1}
        client.hset("redbeat:retrain-when-due", "meta", json.dumps(meta, cls=RedBeatJSONEncoder))
        definition = {"name": "retrain-when-due", "task": TASK, "schedule": schedule(300, app=app)}
        client.hset("redbeat:retrain-when-due", "definition", json.dumps(definition, cls=RedBeatJSONEncoder))
        client.config_set("min-replicas-to-write", 1)
        with beat(folder) as (process, log):
            assert eventually(lambda: "does not take the schedule" in log.read_text()), log.read_text()
            assert process.poll() is None
            client.config_set("min-replicas-to-write", 0)
            assert eventually(lambda: client.exists("redbeat:retrain-nightly")), log.read_text()
            assert eventually(lambda: (at := last_run(client)) and at <= timezone.now()), log.read_text()
            assert process.poll() is None
