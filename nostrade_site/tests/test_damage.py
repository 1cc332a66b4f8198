"""A database file that cannot be read: what is said of it, before the site starts and while it runs."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from nostrade_site import damage
from nostrade_site.tests.site import ROOT, Site

PAGE = 4096


def make(path: Path, rows: int = 20_000) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE said (id INTEGER PRIMARY KEY, word TEXT)")
        database.executemany("INSERT INTO said (word) VALUES (?)", ((f"word {n}" * 5,) for n in range(rows)))
        database.execute("CREATE INDEX by_word ON said (word)")
        database.commit()


def header(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"this is no database " * 5)


def truncated(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def middle(path: Path) -> None:
    dice = random.Random(7)
    with path.open("r+b") as file:
        for page in range(4, path.stat().st_size // PAGE, 3):
            file.seek(page * PAGE)
            file.write(dice.randbytes(PAGE))


SPOILT = [header, truncated, middle]


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "db.sqlite3"
    make(path)
    monkeypatch.setattr(damage, "database_file", lambda: path)
    return path


def test_a_sound_file_is_found_sound(file: Path) -> None:
    assert damage.damage() == ""
    file.unlink()
    assert damage.damage() == ""  # nothing there yet


@pytest.mark.parametrize("spoil", SPOILT)
def test_damage_is_said_with_what_to_do(file: Path, spoil: Callable[[Path], None]) -> None:
    spoil(file)
    sentence = damage.damage()
    assert sentence.startswith(f"The database {file} is damaged (")
    assert "manage.py restore BACKUP.tar" in sentence
    assert "\n" not in sentence


def test_of_a_large_file_the_beginning_alone_is_read(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(damage, "LARGEST", 100)
    middle(file)
    assert damage.damage() == ""
    header(file)
    assert "is damaged" in damage.damage()


def test_a_file_that_somebody_writes_is_not_damaged(file: Path) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        writer.execute("DELETE FROM said")
        assert damage.damage() == ""
        writer.rollback()


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The data folder of a small site that does not run."""
    site = Site(tmp_path_factory.mktemp("damage") / "var", 0)
    site.environ |= {"DATABASE_URL": "", "PORT": "8000"}
    manage(site, "migrate", "--verbosity=0")
    titles = "[Item(pk=n, name=f'Title {n}' * 9, search_name=f'title {n}' * 9) for n in range(1, 3000)]"
    site.shell(f"from catalog.models import Item; Item.objects.bulk_create({titles})")
    site.shell(
        "from django.db import connection; connection.cursor().execute('PRAGMA wal_checkpoint(TRUNCATE)')"
    )
    return site


def manage(site: Site, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", *words]
    return subprocess.run(command, cwd=ROOT, env=site.environ, capture_output=True, text=True, check=False)


@pytest.fixture
def spoilt(prepared: Site, tmp_path: Path) -> Site:
    """A copy of it, damaged in the middle."""
    site = Site(tmp_path / "var", 0)
    site.environ |= {"DATABASE_URL": "", "PORT": "8000"}
    shutil.copytree(prepared.folder, site.folder, dirs_exist_ok=True)
    middle(site.folder / "db.sqlite3")
    return site


def test_prepare_doctor_and_restore_name_the_remedy(spoilt: Site) -> None:
    for words, status in ((["prepare", "--no-static"], damage.STATUS), (["doctor"], 1)):
        done = manage(spoilt, *words)
        assert done.returncode == status, done
        assert "is damaged" in done.stdout + done.stderr
        assert "manage.py restore BACKUP.tar" in done.stdout + done.stderr
        assert "Traceback" not in done.stderr
    done = manage(spoilt, "restore", "nothing.tar")
    assert (done.returncode, "move db.sqlite3" in done.stderr) == (damage.STATUS, True)


def test_a_page_that_meets_damage_says_so(spoilt: Site) -> None:
    ask = (
        "from django.test import Client; client = Client(raise_request_exception=False)\n"
        "for path in ('/search/?q=title', '/api/v1/items/', '/healthz'):\n"
        "    answer = client.get(path, HTTP_HOST='localhost')\n"
        "    print(answer.status_code, answer.content.decode()[:500].replace(chr(10), ' '))"
    )
    page, api, health = spoilt.shell(ask).splitlines()[-3:]
    assert page == "503 The site's database is damaged. Whoever runs the site has to bring a backup back."
    assert api.startswith("503 {")
    assert "database is damaged" in api
    assert '"database": "is damaged' in health


def test_what_the_sentence_says_brings_the_site_back(prepared: Site, spoilt: Site, tmp_path: Path) -> None:
    backup = tmp_path / "last.tar"
    assert manage(prepared, "backup", str(backup)).returncode == 0
    aside = tmp_path / "aside"
    aside.mkdir()
    for name in ("db.sqlite3", "db.sqlite3-wal", "db.sqlite3-shm", "checkpoints"):
        if (spoilt.folder / name).exists():
            shutil.move(spoilt.folder / name, aside)
    done = manage(spoilt, "restore", str(backup))
    assert done.returncode == 0, done.stderr
    assert spoilt.shell("from catalog.models import Item; print(Item.objects.count())") == "2999"
