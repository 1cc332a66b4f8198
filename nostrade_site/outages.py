"""Requests that the database, or the disk, left half-way: a sentence says why, where Django would say 500."""

from __future__ import annotations

import errno
import logging
import shutil
import sqlite3
import time
from collections.abc import Callable
from enum import StrEnum

from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from nostrade_site.problems import problem_response

logger = logging.getLogger(__name__)

SENTENCE = "The site cannot reach its database just now. Please try again in a moment."
FULL = "The site's disk is full, so nothing can be saved just now. Please try again later."
DAMAGED = "The site's database is damaged. Whoever runs the site has to bring a backup back."
SOON, LATER = "2", "120"  # seconds
NO_SPACE = {errno.ENOSPC, errno.EDQUOT}
SCARCE = 128 * 1024  # bytes free, below which a failed write is taken for one that found no room
_damage_seen: list[float] = []  # when, on the monotonic clock


class Trouble(StrEnum):
    """What is wrong with a database, as far as its errors tell."""

    AWAY = "away"
    BUSY = "busy"  # another writer holds the lock
    FULL = "full"
    DAMAGED = "damaged"


SENTENCES = {Trouble.FULL: FULL, Trouble.DAMAGED: DAMAGED}
SQLITE = {
    sqlite3.SQLITE_FULL: Trouble.FULL,
    sqlite3.SQLITE_CORRUPT: Trouble.DAMAGED,
    sqlite3.SQLITE_NOTADB: Trouble.DAMAGED,
    sqlite3.SQLITE_BUSY: Trouble.BUSY,
    sqlite3.SQLITE_LOCKED: Trouble.BUSY,
}
UNSURE = {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN}  # a full disk is one of their causes
POSTGRES = {  # SQLSTATE
    "53100": Trouble.FULL,
    "55P03": Trouble.BUSY,
    "XX001": Trouble.DAMAGED,
    "XX002": Trouble.DAMAGED,
}


def trouble_of(error: BaseException) -> Trouble | None:
    """Say what an error tells of the database or the disk; None where it is about neither."""
    if isinstance(error, OSError):
        return Trouble.FULL if error.errno in NO_SPACE else None
    if not isinstance(error, DatabaseError | InterfaceError):
        return None
    cause = error.__cause__ or error
    code = getattr(cause, "sqlite_errorcode", 0) & 0xFF  # the rest is detail
    if code in UNSURE and disk_is_full():
        return Trouble.FULL
    found = SQLITE.get(code) or POSTGRES.get(getattr(cause, "sqlstate", None) or "")
    if found is None and isinstance(error, OperationalError | InterfaceError):
        return Trouble.AWAY
    return found


def disk_is_full() -> bool:
    return shutil.disk_usage(settings.DATA_DIR).free < SCARCE


def answer(request: HttpRequest, error: BaseException) -> HttpResponse | None:
    """Return a 503 that says what is wrong; None where it is neither the database nor the disk."""
    trouble = trouble_of(error)
    if trouble is None:
        return None
    if trouble is Trouble.DAMAGED:
        _damage_seen[:] = [time.monotonic()]
    logger.error("No answer to %s %s", request.method, request.path, exc_info=error)
    sentence = SENTENCES.get(trouble, SENTENCE)
    headers = {"Retry-After": LATER if trouble in SENTENCES else SOON, "Cache-Control": "no-store"}
    if request.path.startswith("/api/"):
        return problem_response(503, sentence, headers)
    return HttpResponse(sentence, status=503, headers=headers, content_type="text/plain; charset=utf-8")


def damage_was_seen(within: float) -> bool:
    """Tell whether a request of this process has met damage in the last `within` seconds."""
    return any(time.monotonic() - at < within for at in _damage_seen)


class DatabaseOutageMiddleware:
    """Answer 503 where the database went away, stayed locked or is damaged, or the disk is full."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        return answer(request, exception)
