"""Attacks by names of files: no address, upload or version leads to a file that is not meant for people."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings as ours
from django.test import Client
from django.urls import reverse

from feedback.models import ListImport
from feedback.tests.factories import UserFactory
from feedback.tests.lists import upload
from recommender import storage
from recommender.models import Checkpoint, NotServable

SECRET = "what-nobody-may-read"
UP = ("../" * 6, "..%2f" * 6, "..%252f" * 6, "..\\" * 6, "%2e%2e/" * 6, "....//" * 6, "..%c0%af" * 6, "/")
PLACES = ("/static/", "/static/css/", "/map/", "/poster/", "/api/v1/checkpoints/", "/title/", "/")


@pytest.fixture
def hidden() -> Path:
    """A file beside the database and the secret key."""
    path = Path(ours.DATA_DIR) / "secret_key"
    kept = path.read_bytes() if path.exists() else None
    path.write_text(SECRET)
    yield path
    path.write_bytes(kept) if kept is not None else path.unlink()


@pytest.mark.django_db
def test_no_address_leads_out_of_a_folder(hidden: Path) -> None:
    """Django's client sends paths as they are, where browsers would tidy them up."""
    shown = Path(ours.STATIC_ROOT) / "shown.txt"
    shown.write_text("a static file")
    client, found = Client(), {}
    for place in PLACES:
        for up in UP:
            for target in (hidden, Path("/etc/passwd")):
                answer = client.get(path := f"{place}{up}{str(target).lstrip('/')}")
                body = answer.getvalue().decode(errors="replace")
                found[path] = answer.status_code
                assert SECRET not in body, path
                assert "root:" not in body, path
    assert {path: status for path, status in found.items() if status not in (301, 302, 400, 404)} == {}
    assert client.get("/static/shown.txt").getvalue() == b"a static file"
    shown.unlink()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "name", ["../../etc/cron.d/x.csv", "/etc/passwd", "..\\..\\x.csv", "a\x00b.csv", "x" * 5000]
)
def test_the_name_of_an_upload_is_a_word_and_no_path(client: Client, name: str, tmp_path: Path) -> None:
    client.force_login(UserFactory())
    assert upload(client, "title,score\nMonster,9\n", name=name).status_code in (303, 400)
    for said in ListImport.objects.values_list("file_name", flat=True):
        assert "/" not in said
        assert "\x00" not in said
        assert len(said) <= 255
    assert not Path("/etc/cron.d/x.csv").exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "version", ["../../etc", "/etc/passwd", "..", ".", "", "a/b", "a\x00b", "a b", "ä", "a\n"]
)
def test_a_version_is_no_path(version: str, settings, tmp_path: Path) -> None:
    settings.CHECKPOINT_DIR = tmp_path / "checkpoints"
    settings.CHECKPOINT_STORAGE = f"file://{tmp_path}"
    checkpoint = Checkpoint(version=version)
    for attempt in (checkpoint.promote, checkpoint.read_manifest, checkpoint.publish):
        with pytest.raises(NotServable, match="is not a version"):
            attempt()
    assert list(tmp_path.iterdir()) == []


def test_a_storage_that_names_paths_writes_nothing_outside(settings, tmp_path: Path, monkeypatch) -> None:
    """Whoever can write there calls a file what they like."""
    (tmp_path / "there" / "one").mkdir(parents=True)
    (tmp_path / "there" / "one" / "checkpoint.json").write_text("{}")
    settings.CHECKPOINT_STORAGE = f"file://{tmp_path}/there"
    draft = tmp_path / "draft"
    draft.mkdir()
    real = storage._open

    def lying(version: str):
        disk, folder = real(version)
        names = ("../../outside", "/outside", ".hidden", "checkpoint.json", "weights.safetensors\n")
        entries = [{"name": f"{folder}/{name}", "type": "file"} for name in names]
        monkeypatch.setattr(disk, "ls", lambda *_, **__: entries, raising=False)
        monkeypatch.setattr(
            disk, "get_file", lambda source, target: Path(target).write_text("mine"), raising=False
        )
        return disk, folder

    monkeypatch.setattr(storage, "_open", lying)
    storage._download(draft, "one")
    assert sorted(path.name for path in draft.iterdir()) == ["checkpoint.json", "outside"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["draft", "there"]


@pytest.mark.django_db
def test_a_map_is_asked_for_by_a_plain_name(client: Client) -> None:
    assert client.get("/map/../../etc/passwd.json").status_code == 404
    assert client.get(reverse("recommender:map_points", args=["nothing"])).status_code == 404
