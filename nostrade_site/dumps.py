"""The whole database into one file and back: SQLite by its online backup, PostgreSQL by its own programs."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from django.db import connection

from nostrade_site.archives import POSTGRES, SQLITE

LONGEST = 6 * 60 * 60  # seconds


class DumpError(Exception):
    """The database could not be dumped or loaded; the message says why."""


def name_of_dump() -> str:
    return SQLITE if connection.vendor == "sqlite" else POSTGRES


def dump(path: Path) -> None:
    """Write one consistent moment of the database; people go on reading and writing."""
    if connection.vendor != "sqlite":
        _run("pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={path}")
        return
    connection.ensure_connection()
    with closing(sqlite3.connect(path)) as copy:
        connection.connection.backup(copy)  # all pages in one step: a write in between would begin anew


def load(path: Path) -> None:
    """Replace the database by a dump; whole, or not at all."""
    if connection.vendor != "sqlite":
        connection.close()
        options = ("--clean", "--if-exists", "--no-owner", "--no-privileges", "--single-transaction")
        _run("pg_restore", *options, "--dbname=" + str(connection.settings_dict["NAME"]), str(path))
        return
    try:
        with closing(sqlite3.connect(path)) as copy:
            (verdict,) = copy.execute("PRAGMA integrity_check(1)").fetchone()
            if verdict != "ok":
                raise DumpError(f"The database in it is damaged: {verdict}.")
            connection.ensure_connection()
            copy.backup(connection.connection)
    except sqlite3.Error as error:
        raise DumpError(f"The database in it cannot be loaded ({error}).") from error
    connection.close()  # what it had prepared belongs to the old one


def _run(program: str, *options: str) -> None:
    """Run one of PostgreSQL's programs; the password goes by the environment, where `ps` does not show it."""
    if shutil.which(program) is None:
        raise DumpError(f"{program} is not installed: apt-get install postgresql-client.")
    told = connection.settings_dict
    names = {
        "PGDATABASE": "NAME",
        "PGHOST": "HOST",
        "PGPORT": "PORT",
        "PGUSER": "USER",
        "PGPASSWORD": "PASSWORD",
    }
    environ = {variable: str(told[name]) for variable, name in names.items() if told.get(name)}
    try:
        done = subprocess.run(
            [program, "--no-password", *options],
            env=os.environ | environ,
            check=False,
            capture_output=True,
            text=True,
            timeout=LONGEST,
        )
    except subprocess.TimeoutExpired as error:
        raise DumpError(f"{program} did not end within {LONGEST // 3600} hours.") from error
    if done.returncode:
        raise DumpError(f"{program} failed: {done.stderr.strip()[-500:]}")
