"""The database backend `nostrade_site.sqlite3`."""

from __future__ import annotations

import re
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from django.db.backends.sqlite3 import base

from nostrade_site.sqlite3.line import line

WRITES = re.compile(r"\s*(insert|update|delete|replace)\b", re.IGNORECASE)


class Cursor(base.SQLiteCursorWrapper):
    """A cursor whose statements that write without a transaction wait in line."""

    def execute(self, query: str, params: Any = None) -> Any:
        with self._turn(query):
            return super().execute(query, params)

    def executemany(self, query: str, param_list: Any) -> Any:
        with self._turn(query):
            return super().executemany(query, param_list)

    def _turn(self, query: str) -> AbstractContextManager[None]:
        if line.places is None or self.connection.in_transaction or not WRITES.match(query):
            return nullcontext()
        return line.turn(self.connection)


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's, with a line before the lock."""

    def create_cursor(self, name: str | None = None) -> Any:
        return self.connection.cursor(factory=Cursor)

    def _start_transaction_under_autocommit(self) -> None:
        if line.places is None:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]  # untyped
            return
        with line.turn(self.connection):
            super()._start_transaction_under_autocommit()  # type: ignore[misc]
