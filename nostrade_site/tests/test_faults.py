"""What the site keeps and how it recovers when its processes are killed and its database goes away."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
import redis
from django.conf import settings

from nostrade_site import environment
from nostrade_site.tests.hostile import HostileUploads
from nostrade_site.tests.site import Site, eventually, free_port
from nostrade_site.tests.slow_clients import SlowClients, large_file
from nostrade_site.tests.traffic import Traffic

pytestmark = [
    pytest.mark.faults,
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="finds its processes in /proc"),
]
DATABASE_URL, REDIS_URL = os.environ.get("DATABASE_URL", ""), settings.REDIS_URL
PEOPLE = 10
WORDS_EACH = int(os.environ.get("FAULT_REACTIONS", "5000")) // PEOPLE
LOCKED = 4.0  # seconds; longer than a caller waits for one answer
LOOP = 900.0  # seconds until a retraining run must have ended: of all processes it yields the most


class Storage:
    """The site's database, asked directly: it must not be the site that says what the site has stored."""

    def __init__(self, site: Site) -> None:
        self.path = site.folder / "db.sqlite3"

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        with self._connection() as connection:
            return list(connection.execute(query).fetchall())

    def interrupt(self) -> None:
        """Cut every connection (PostgreSQL), or keep every writer out for a while (SQLite)."""
        if DATABASE_URL:
            self.ask(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            return
        code = (
            "import sqlite3, time; database = sqlite3.connect({path!r}, timeout=30, isolation_level=None);"
            " database.execute('BEGIN EXCLUSIVE'); time.sleep({seconds}); database.rollback()"
        )
        command = [sys.executable, "-c", code.format(path=str(self.path), seconds=LOCKED)]
        subprocess.run(command, check=True)

    @contextlib.contextmanager
    def _connection(self) -> Iterator[Any]:
        if DATABASE_URL:
            address = environment.database(default=self.path)
            names = {"host": "HOST", "port": "PORT", "dbname": "NAME", "user": "USER", "password": "PASSWORD"}
            mine = {ours: address[theirs] or None for ours, theirs in names.items()}
            with psycopg.connect(**mine, autocommit=True) as connection:
                yield connection
        else:
            with contextlib.closing(sqlite3.connect(self.path, timeout=30)) as connection:
                yield connection


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = Site(tmp_path_factory.mktemp("faults") / "var", free_port())
    site.environ |= {"API_WRITE_RATE": "1000000/min", "WEB_CONCURRENCY": "2"}
    site.start().wait_until_ready()
    yield site
    site.stop()


@pytest.fixture(scope="module")
def storage(site: Site) -> Storage:
    return Storage(site)


def kill(pids: list[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):  # it ended with the one before
            os.kill(pid, signal.SIGKILL)


def kill_web_worker(site: Site) -> None:
    _, *workers = site.processes("gunicorn")
    kill(workers[:1])
    assert eventually(lambda: len(set(site.processes("gunicorn")) - {workers[0]}) == 3), site.log


def kill_trainer(site: Site) -> None:
    trainer = site.processes("trainer@")
    kill(trainer)
    assert eventually(lambda: set(site.processes("trainer@")) - set(trainer)), site.log


def kill_broker(site: Site) -> None:
    """Kill the embedded broker; of a server that is not ours to kill, cut every connection."""
    if REDIS_URL:
        redis.Redis.from_url(REDIS_URL).client_kill_filter(_type="normal", skipme=True)
        return
    [server] = site.processes("valkey-server")
    kill([server])
    assert eventually(lambda: site.processes("valkey-server") not in ([], [server])), site.log


def start_training(site: Site, storage: Storage) -> None:
    """Have the trainer's process begin a run, and return in the middle of it."""
    assert eventually(lambda: site.processes("trainer@")), site.log
    site.shell("from recommender.tasks import retrain; retrain.delay()")
    assert eventually(lambda: training(storage), LOOP), site.log


def training(storage: Storage) -> list[tuple[Any, ...]]:
    return storage.ask("SELECT version FROM recommender_checkpoint WHERE state = 'training'")


def break_parts(site: Site, storage: Storage, traffic: Traffic) -> None:
    """Kill a web worker, the trainer and the broker, and take the database away, while people react."""
    traffic.begin(0)
    kill_web_worker(site)
    traffic.finish(0)

    start_training(site, storage)
    traffic.begin(1)
    assert training(storage), "the run ended before it could be killed"
    kill_trainer(site)
    traffic.finish(1)

    traffic.begin(2)
    kill_broker(site)
    traffic.finish(2)

    traffic.begin(3)
    storage.interrupt()
    traffic.finish(3)


def test_no_reaction_is_lost_or_doubled_whatever_is_killed(site: Site, storage: Storage) -> None:
    [[last_event]] = storage.ask("SELECT coalesce(max(id), 0) FROM feedback_event")
    traffic = Traffic(site, PEOPLE, WORDS_EACH, phases=4)
    slow = SlowClients(site.port, large_file(site.folder / "static"))
    with slow, HostileUploads(site.port, traffic.people[0].session):
        break_parts(site, storage, traffic)
    print(f"{traffic.acknowledged} acknowledged; before that {dict(traffic.troubles)}")  # noqa: T201

    stored: dict[int, list[tuple[int, int, str]]] = {person.user_id: [] for person in traffic.people}
    names = {1: "dislike", 2: "like", 3: "love"}
    columns = "user_id, id, item_id, feedback_type"
    rows = storage.ask(f"SELECT {columns} FROM feedback_event WHERE id > {last_event} ORDER BY id")  # noqa: S608
    for user_id, pk, item_id, feedback_type in rows:
        stored[user_id].append((pk, item_id, names[feedback_type]))  # KeyError: nobody said that
    for person in traffic.people:
        assert [pk for pk, *_ in stored[person.user_id]] == person.told
        assert [(item_id, word) for _, item_id, word in stored[person.user_id]] == person.words
    assert len(rows) == PEOPLE * WORDS_EACH


def test_the_site_answers_afterwards(site: Site) -> None:
    def healthy() -> bool:
        status, body = site.get("/healthz")
        return status == 200 and json.loads(body)["status"] == "ok"

    assert eventually(healthy), site.get("/healthz")
    assert site.get("/")[0] == 200
    words = ["gunicorn", "worker@", "trainer@", "nostrade_site beat"]
    assert eventually(lambda: all(site.processes(word) for word in words)), site.log


def test_the_run_whose_worker_was_killed_is_taken_over_and_ends(site: Site, storage: Storage) -> None:
    site.shell("from recommender.tasks import retrain_when_due; retrain_when_due.delay()")  # not in 5 minutes
    ended = "SELECT state FROM recommender_checkpoint WHERE attempts > 1 AND state <> 'training'"
    assert eventually(lambda: storage.ask(ended), LOOP), site.log
    assert storage.ask(ended) != [("failed",)], site.log
