"""Whether the SQLite file can be read: asked before anything is built on it, and of `manage.py doctor`."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from django.conf import settings
from django.db import connection

STATUS = 65  # to end with: EX_DATAERR of sysexits.h
# `PRAGMA quick_check` takes a second for 110 MB and cannot be stopped half-way: of a larger file the header
# and the tables' names alone are read, for which a start need not wait.
LARGEST = 500 * 2**20  # bytes
BAD = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def damage() -> str:
    """Say in a sentence that the database is damaged and what to do; nothing where no damage was found."""
    path = database_file()
    if path is None or not path.is_file() or not (found := _found(path)):
        return ""
    return advice(found)


def advice(found: str) -> str:
    """Say what to do about damage."""
    path = database_file()
    if path is None:
        return f"The database is damaged ({found}): bring a backup back with `manage.py restore BACKUP.tar`."
    return (
        f"The database {path} is damaged ({found}). Stop the site, move {path.name}, {path.name}-wal, "
        f"{path.name}-shm and the folder {settings.CHECKPOINT_DIR} somewhere else, and bring the last backup "
        f"back: `python manage.py restore BACKUP.tar`."
    )


def database_file() -> Path | None:
    """Return where SQLite keeps the database; None where it is another one, or in memory."""
    name = str(connection.settings_dict["NAME"])
    if connection.vendor != "sqlite" or ":memory:" in name or "mode=memory" in name:
        return None
    return Path(name)


def _found(path: Path) -> str:
    verdict = "ok"
    try:
        with closing(sqlite3.connect(path, timeout=2.0)) as database:
            database.execute("SELECT count(*) FROM sqlite_master").fetchone()
            if path.stat().st_size <= LARGEST:
                [verdict] = database.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        bad = (getattr(error, "sqlite_errorcode", 0) & 0xFF) in BAD
        return str(error) if bad else ""  # else somebody uses it
    return "" if verdict == "ok" else str(verdict).replace("\n", " ")
