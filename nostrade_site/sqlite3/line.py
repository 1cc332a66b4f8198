"""The line before SQLite's write lock: half of a web process's threads may wait long, the others turn away.

SQLite lets a writer wait for as long as its `timeout` says. Where somebody holds the lock for longer, all
threads would end up waiting, and nothing would be served, not even what only reads.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

SHORT = 0.5  # seconds; writers of a healthy site wait a hundredth of that


class Line:
    """Those of one process who wait for the lock."""

    def __init__(self) -> None:
        self.places: int | None = None  # who may wait long; everybody where it is not set
        self._since: dict[object, float] = {}
        self._lock = threading.Lock()

    @contextmanager
    def turn(self, connection: sqlite3.Connection) -> Iterator[None]:
        """Wait for the lock inside: long with a place, else briefly, or not at all while others are stuck."""
        place = object()
        if self._takes(place):
            try:
                yield
            finally:
                self._since.pop(place, None)
            return
        [long] = connection.execute("PRAGMA busy_timeout").fetchone()
        connection.execute(f"PRAGMA busy_timeout = {0 if self._is_stuck() else int(SHORT * 1000)}")
        try:
            yield
        finally:
            connection.execute(f"PRAGMA busy_timeout = {long}")

    def _takes(self, place: object) -> bool:
        with self._lock:
            if self.places is not None and len(self._since) >= self.places:
                return False
            self._since[place] = time.monotonic()
            return True

    def _is_stuck(self) -> bool:
        with self._lock:
            return bool(self._since) and time.monotonic() - min(self._since.values()) > SHORT


line = Line()
