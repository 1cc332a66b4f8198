"""`/healthz` (alive) and `/readyz` (ready), for probes and people; no secrets, and cheap.

What restarts a process asks the first: a process that still serves pages must live. What sends people to
one of several processes, or watches an installation, asks the second, which wants all of it to work. Neither
waits for what it asks about (`asking.py`) or uses a connection that requests use.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from redis import RedisError

from nostrade_site import board
from nostrade_site.asking import SILENT, Question, answers
from nostrade_site.broker_client import broker_client
from nostrade_site.outages import NO_SPACE, Trouble, damage_was_seen, trouble_of
from recommender import serving

OK = "ok"
DAMAGED = "is damaged: set it aside and run `manage.py restore`"
DAMAGED_IN_PART = "is damaged in part: set it aside and run `manage.py restore`"
BUSY = "waits for another writer"
FULL = "no space left for the database"
WITHOUT_BROKER = f"{SILENT}: nothing is retrained or pruned until it does"
DAMAGE_COUNTS = 600.0  # seconds since a request met it
# Reads the first page of the file, where there is one; `SELECT 1` would not even open it.
READ = {"sqlite": "SELECT count(*) FROM sqlite_master"}
# A row that nothing else writes, as it is: it travels all the way that a reaction does.
WRITE = "UPDATE django_migrations SET name = name WHERE id = (SELECT min(id) FROM django_migrations)"
SAMPLE = bytes(64 * 1024)


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """Answer 200 while pages can be served, `degraded` naming what is missing; 503 without the database."""
    report = _report(ALIVE)
    database = report["database"] in {OK, DAMAGED_IN_PART}
    well = all(report[name] == OK for name in (*ALIVE, "programs")) and not report["ranker"]["problem"]
    status = OK if well else "degraded" if database else "down"
    return JsonResponse({"status": status} | report, status=200 if database else 503)


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Answer 200 where database, disk, broker and ranker all serve; else 503, and what is missing."""
    report = _report(READY)
    missing = [name for name in READY if report[name] not in {OK, BUSY}]
    if report["ranker"]["version"] is None:
        missing.append("ranker")
    status = "not ready" if missing else "ready"
    return JsonResponse({"status": status, "missing": missing} | report, status=503 if missing else 200)


def _report(questions: dict[str, Question]) -> dict[str, Any]:
    """Ask each part once."""
    found, ranker = answers(questions), serving.status()
    if found["database"] == OK and damage_was_seen(DAMAGE_COUNTS):
        found["database"] = DAMAGED_IN_PART
    return found | {
        "programs": "; ".join(board.troubles()) or OK,  # those of `manage.py run`
        "ranker": {"version": ranker.version, "problem": ranker.problem},
        "process": os.getpid(),  # each process has a ranker of its own
    }


def database_state() -> str:
    return _asked_database(READ)


def writing_state() -> str:
    return _asked_database({}, WRITE)


def _asked_database(statements: dict[str, str], other: str = "SELECT 1") -> str:
    """Run a statement on a connection of its own and say how that went."""
    try:
        with _own_connection() as connection, connection.cursor() as cursor:
            cursor.execute(statements.get(connection.vendor, other))
    except (DatabaseError, InterfaceError) as error:
        said = {Trouble.BUSY: BUSY, Trouble.FULL: FULL, Trouble.DAMAGED: DAMAGED}
        return said.get(trouble_of(error) or Trouble.AWAY, SILENT)
    return OK


@contextmanager
def _own_connection() -> Iterator[BaseDatabaseWrapper]:
    """Connect for one question; it must not wait for the locks of others."""
    own = connections.create_connection("default")
    patience = {"timeout": 0.3} if own.vendor == "sqlite" else {"connect_timeout": 2}
    own.settings_dict = own.settings_dict | {"OPTIONS": own.settings_dict["OPTIONS"] | patience}
    try:
        yield own
    finally:
        own.close()


def disk_state() -> str:
    """Write into the data folder and say how that went."""
    try:
        with tempfile.TemporaryFile(dir=settings.DATA_DIR, buffering=0) as file:
            file.write(SAMPLE)
    except OSError as error:
        if error.errno in NO_SPACE:
            return "no space left on NOSTRADE_DATA_DIR"
        return f"NOSTRADE_DATA_DIR cannot be written: {error.strerror}"
    return OK


def broker_state() -> str:
    return OK if broker_answers() else WITHOUT_BROKER


def broker_answers() -> bool:
    client = broker_client()
    try:
        return bool(client.ping())
    except (RedisError, OSError):
        return False
    finally:
        client.close()


ALIVE = {
    "database": Question(database_state, keeps=1.0),
    "disk": Question(disk_state, keeps=5.0),
    "broker": Question(broker_state, keeps=1.0),
}
READY = ALIVE | {"writing": Question(writing_state, keeps=5.0)}
