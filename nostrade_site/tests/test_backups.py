"""A site into one file, and out of it into an empty one; on SQLite and PostgreSQL."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection

from catalog.models import Item
from feedback.models import Event, FeedbackType
from nostrade_site import archives, backups
from nostrade_site.models import Backup
from nostrade_site.tests.site import ROOT
from recommender.models import Checkpoint

pytestmark = pytest.mark.usefixtures("own_ranker")

TELL = """
import json
from django.contrib.auth.models import User
from django.conf import settings
from feedback.models import Event
from recommender.models import Checkpoint
active = Checkpoint.objects.active()
active.load()
print(json.dumps({
    "people": list(User.objects.values_list("username", flat=True)),
    "password": User.objects.get().password,
    "said": list(Event.objects.values_list("item", "feedback_type")),
    "active": active.version,
    "going": Checkpoint.objects.get(version="going").state,
    "key": settings.SECRET_KEY,
}))
"""


@pytest.fixture
def site(transactional_db, live, ann) -> Checkpoint:
    """A site with a person, a reaction, a checkpoint that serves and a run that is going."""
    Event.objects.record(ann, Item.objects.get(pk=1), FeedbackType.LOVE)
    Checkpoint.objects.create(version="going", state=Checkpoint.State.TRAINING)
    return live


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a fresh site, with an empty database."""
    folder = tmp_path / "empty"
    environ = os.environ | {
        "DJANGO_SETTINGS_MODULE": "nostrade_site.settings",
        "NOSTRADE_DATA_DIR": str(folder),
    }
    environ.pop("SECRET_KEY", None)
    if connection.vendor == "sqlite":
        yield environ | {"DATABASE_URL": ""}
        return
    host, user = connection.settings_dict["HOST"], connection.settings_dict["USER"]
    with connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE nostrade_empty")
    yield environ | {"DATABASE_URL": f"postgres://{user}@/{host}/nostrade_empty"}
    with connection.cursor() as cursor:
        cursor.execute("DROP DATABASE nostrade_empty WITH (FORCE)")


def manage(environ: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)


@pytest.fixture
def backup(tmp_path: Path, site) -> Path:
    path = tmp_path / "site.tar"
    call_command("backup", str(path), "--with-secret-key", stdout=io.StringIO())
    return path


def test_it_works(backup: Path, empty: dict[str, str]) -> None:
    """What was said, by whom, and what served are there again; a second restore is refused."""
    assert backup.stat().st_mode & 0o077 == 0
    noted = Backup.objects.get()
    assert (noted.path, noted.n_bytes) == (str(backup), backup.stat().st_size)
    restored = manage(empty, "restore", str(backup))
    assert restored.returncode == 0, restored.stderr
    told = manage(empty, "shell", "--no-imports", "-c", TELL)
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout) == {
        "people": ["ann"],
        "password": User.objects.get().password,
        "said": [[1, FeedbackType.LOVE]],
        "active": "first",
        "going": "failed",
        "key": settings.SECRET_KEY,
    }
    again = manage(empty, "restore", str(backup))
    assert again.returncode == 1
    assert "This site is not empty: it has people" in again.stderr


def test_the_secret_key_and_what_never_served_stay_behind(tmp_path: Path, site: Checkpoint) -> None:
    candidate = Checkpoint.objects.create(version="candidate")
    candidate.path.mkdir()
    (candidate.path / "checkpoint.json").write_text("{}")
    path = tmp_path / "site.tar"
    call_command("backup", str(path), stdout=io.StringIO())
    with tarfile.open(path) as archive:
        names = archive.getnames()
    assert names[0] == "manifest.json"
    assert "checkpoints/first/checkpoint.json" in names
    assert not [name for name in names if "candidate" in name or "secret" in name]
    assert sorted(file.name for file in tmp_path.glob("*site*")) == ["site.tar"]  # no drafts
    with pytest.raises(CommandError, match="exists already"):
        call_command("backup", str(path), stdout=io.StringIO())


def test_a_backup_is_whole_where_it_cannot_be_noted(tmp_path: Path, site, caplog) -> None:
    with connection.schema_editor() as editor:
        editor.delete_model(Backup)
    try:
        call_command("backup", str(tmp_path / "site.tar"), stdout=io.StringIO())
    finally:
        with connection.schema_editor() as editor:
            editor.create_model(Backup)
    assert "the dashboard will not tell of it" in caplog.text
    with archives.opened(tmp_path / "site.tar") as (manifest, _):
        assert manifest.files


@pytest.mark.django_db
def test_a_folder_that_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"There is no folder .*/away: make it"):
        call_command("backup", str(tmp_path / "away" / "site.tar"))


def test_a_site_with_people_is_never_overwritten(backup: Path) -> None:
    with pytest.raises(CommandError, match="not empty"):
        call_command("restore", str(backup))
    assert Event.objects.count() == 1


def forged(path: Path, change) -> Path:
    """Write a backup again with other members: `change` gets and returns (TarInfo, bytes) pairs."""
    with tarfile.open(path) as archive:
        members = [
            (member, archive.extractfile(member).read())
            for member in archive.getmembers()  # type: ignore[union-attr]
        ]
    target = path.with_name("forged.tar")
    with tarfile.open(target, "w") as archive:
        for member, content in change(members):
            archive.addfile(member, io.BytesIO(content))
    return target


def plain(name: str, content: bytes = b"mine") -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    return member, content


def link(kind: bytes, name: str) -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, "/etc/passwd"
    return member, b""


def announcing(name: str):
    """Announce a file in the manifest, and bring it."""

    def change(members):
        told = json.loads(members[0][1])
        digest = archives.hashlib.sha256(b"mine").hexdigest()
        told["files"][name] = {"bytes": 4, "sha256": digest}
        return [plain("manifest.json", json.dumps(told).encode()), *members[1:], plain(name)]

    return change


def told(**changes):
    """Say something else in the manifest."""

    def change(members):
        text = json.dumps(json.loads(members[0][1]) | changes).encode()
        return [plain("manifest.json", text), *members[1:]]

    return change


def damaged(members):
    member, content = members[-2]
    return [*members[:-2], (member, b"\0" * len(content)), members[-1]]


HOSTILE = [
    (lambda members: [*members, plain("../../outside")], "other than announced"),
    (lambda members: [*members, plain("/tmp/outside")], "other than announced"),  # noqa: S108
    (lambda members: [*members, plain("checkpoints/first/more.json")], "other than announced"),
    (lambda members: [*members, members[1]], "other than announced"),  # twice
    (lambda members: [*members, link(tarfile.SYMTYPE, "checkpoints/first/link")], "no plain file"),
    (lambda members: [*members, link(tarfile.LNKTYPE, "checkpoints/first/link")], "no plain file"),
    (lambda members: [members[0], link(tarfile.SYMTYPE, "checkpoints"), *members[1:]], "no plain file"),
    (lambda members: [*members, link(tarfile.CHRTYPE, "checkpoints/first/device")], "no plain file"),
    (announcing("../../outside"), "names files that no backup has"),
    (announcing("/tmp/outside"), "names files that no backup has"),  # noqa: S108
    (announcing("checkpoints/../outside"), "names files that no backup has"),
    (announcing("checkpoints/first/../../outside"), "names files that no backup has"),
    (announcing("checkpoints/first/.hidden"), "names files that no backup has"),
    (damaged, "is damaged"),
    (lambda members: members[:-1], "lacks"),
    (lambda members: members[1:], "does not begin with"),
    (lambda members: [plain("manifest.json", b"[1"), *members[1:]], "cannot be read"),
    (lambda members: [plain("manifest.json", b"[]"), *members[1:]], "cannot be read"),
    (told(files={"secret_key": {"bytes": -1, "sha256": "0" * 64}}), "names files that no backup has"),
    (told(files={"secret_key": 7}), "cannot be read"),
    (told(nostrade=99), "another format"),
    (told(vendor="oracle"), "It is of oracle"),
    (told(migrations=["feedback.9999_from_the_future"]), "newer Nostrade"),
]


def test_hostile_archives_are_refused(backup: Path, tmp_path: Path, monkeypatch, settings) -> None:
    """Nothing is written outside, nor is the database touched, whatever a file says."""
    monkeypatch.setattr(backups, "_refuse_unless_empty", lambda: None)
    settings.CHECKPOINT_DIR = tmp_path / "elsewhere"
    before = User.objects.get().pk
    for change, sentence in HOSTILE:
        with pytest.raises(CommandError, match=sentence):
            call_command("restore", str(forged(backup, change)))
    assert not settings.CHECKPOINT_DIR.exists()
    assert not [
        *tmp_path.rglob("outside"),
        *settings.DATA_DIR.rglob("outside"),
        *settings.DATA_DIR.glob(".restore-*"),
    ]
    assert User.objects.get().pk == before


def test_what_is_no_archive_is_refused(tmp_path: Path, backup: Path, monkeypatch) -> None:
    monkeypatch.setattr(backups, "_refuse_unless_empty", lambda: None)
    cut = tmp_path / "cut.tar"
    cut.write_bytes(backup.read_bytes()[:-200_000])
    (tmp_path / "text.tar").write_text("not a tar file")
    for name in ("cut.tar", "text.tar", "absent.tar"):
        with pytest.raises(CommandError, match=r"There is no file|no backup|cut off|lacks|damaged"):
            call_command("restore", str(tmp_path / name))
