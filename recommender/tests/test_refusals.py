"""Serving and promoting what somebody made up, and on disks that do not take it: the old one stays."""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from recommender import serving
from recommender.feed import feed_for
from recommender.models import Checkpoint, NotServable
from recommender.tests.fixtures import say

WEIGHTS, MANIFEST = "weights.safetensors", "checkpoint.json"


def cut_short(path: Path) -> None:
    (path / WEIGHTS).write_bytes((path / WEIGHTS).read_bytes()[:-100])


def lose_a_file(path: Path) -> None:
    (path / "id_map.json").unlink()


def become_a_pickle(path: Path) -> None:
    (path / WEIGHTS).write_bytes(pickle.dumps({"weights": [1.0]}))


def come_from_the_future(path: Path) -> None:
    change(path, format_version=99)


def name_a_path(path: Path) -> None:
    change(path, version="../../elsewhere")


def link_elsewhere(path: Path) -> None:
    (path / WEIGHTS).rename(path.parent.parent / WEIGHTS)
    (path / WEIGHTS).symlink_to(path.parent.parent / WEIGHTS)


def nest_without_end(path: Path) -> None:
    (path / MANIFEST).write_text("[" * 100_000)


def change(path: Path, **changes: object) -> None:
    manifest = json.loads((path / MANIFEST).read_text()) | changes
    (path / MANIFEST).write_text(json.dumps(manifest))


HARM = {
    cut_short: "do not match their sha256",
    lose_a_file: "is not complete",
    become_a_pickle: "do not match their sha256",
    come_from_the_future: "has format 99",
    name_a_path: "do not match its version",
    link_elsewhere: "no plain file",
    nest_without_end: "is not complete",
}


@pytest.mark.parametrize(("harm", "message"), HARM.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_what_is_harmed_is_neither_promoted_nor_served(
    live: Checkpoint,
    trained: dict[str, Path],
    ann: User,
    settings,
    harm: Callable[[Path], None],
    message: str,
) -> None:
    settings.CHECKPOINT_POLL_SECONDS = 0
    say(ann, 1)
    second = Checkpoint(version="second")
    shutil.copytree(trained["second"], second.path)
    second.read_manifest()
    second.save()
    harm(second.path)
    with pytest.raises(NotServable, match=message) as refusal:
        second.promote()
    assert "restore it or train a new one" in str(refusal.value)
    assert Checkpoint.objects.active() == live
    # Harmed after its promotion, it is met by web processes alone.
    assert serving.status() == serving.Status("first", "")
    Checkpoint.objects.filter(pk=live.pk).update(state=Checkpoint.State.RETIRED)
    Checkpoint.objects.filter(pk=second.pk).update(state=Checkpoint.State.ACTIVE)
    assert feed_for(ann).version == "first"
    problem = serving.status().problem
    assert "Checkpoint second does not load, first keeps serving" in problem
    assert message in problem
    assert str(settings.CHECKPOINT_DIR) not in problem


def test_a_link_to_a_version_is_as_good_as_the_version(live: Checkpoint, settings, tmp_path: Path) -> None:
    live.path.rename(tmp_path / "mounted")
    live.path.symlink_to(tmp_path / "mounted")
    assert serving.status() == serving.Status("first", "")


def test_a_folder_that_must_not_be_written_serves(live: Checkpoint, settings) -> None:
    folder = Path(settings.CHECKPOINT_DIR)
    was = {path: path.stat().st_mode for path in (folder, live.path, *live.path.iterdir())}
    for path, mode in was.items():
        path.chmod(mode & ~0o222)
    try:
        assert serving.status() == serving.Status("first", "")
        live.promote()
    finally:
        for path, mode in was.items():
            path.chmod(mode)


def test_a_starter_whose_version_is_a_path_is_refused(
    catalogue: None, trained: dict[str, Path], settings, tmp_path: Path
) -> None:
    settings.STARTER_CHECKPOINT = tmp_path / "starter"
    shutil.copytree(trained["first"], settings.STARTER_CHECKPOINT)
    change(settings.STARTER_CHECKPOINT, version="/../../elsewhere")
    with pytest.raises(CommandError, match="is not a version"):
        call_command("load_starter")
    assert not Checkpoint.objects.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["starter"]
