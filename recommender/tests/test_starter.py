"""load_starter: one command makes a working site, and is free afterwards."""

from __future__ import annotations

import json
import shutil
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from catalog.models import Item
from recommender import serving
from recommender.models import Checkpoint
from recommender.tests.fixtures import Promote

State = Checkpoint.State


@pytest.fixture
def starter(trained: dict[str, Path], settings, tmp_path: Path) -> Path:
    """A checkout with the first version as its starter and a catalogue of three titles."""
    settings.STARTER_CHECKPOINT = tmp_path / "starter"
    settings.STARTER_CATALOGUE = tmp_path / "items.csv"
    settings.STARTER_CATALOGUE.write_text(
        "anime_id,name,genre,type,episodes,rating,members\n"
        + "".join(f"{pk},Title {pk},Romance,TV,12,7.5,{900 - pk}\n" for pk in (1, 2, 3))
    )
    upgrade(settings.STARTER_CHECKPOINT, trained["first"], "2026-01-01T00:00:00+00:00")
    return settings.STARTER_CHECKPOINT


def upgrade(starter: Path, source: Path, created: str) -> None:
    shutil.rmtree(starter, ignore_errors=True)
    shutil.copytree(source, starter)
    manifest = json.loads((starter / "checkpoint.json").read_text())
    (starter / "checkpoint.json").write_text(json.dumps(manifest | {"created": created}))


def run() -> str:
    out = StringIO()
    call_command("load_starter", stdout=out)
    return out.getvalue()


def test_it_works(db, starter: Path) -> None:
    said = run()
    assert "Imported 3 titles." in said
    checkpoint = Checkpoint.objects.get()
    assert f"{checkpoint} is active." in said
    assert checkpoint.version.startswith("starter-")
    assert checkpoint.size_bytes > 10_000
    assert Item.objects.count() == 3
    assert serving.status() == serving.Status(checkpoint.version, "")


def test_again_changes_nothing(db, starter: Path, django_assert_num_queries) -> None:
    run()
    with django_assert_num_queries(3):
        assert run() == "The starter is in place.\n"


def test_a_lost_directory_is_brought_back(db, starter: Path) -> None:
    run()
    checkpoint = Checkpoint.objects.get()
    shutil.rmtree(checkpoint.path)
    run()
    assert checkpoint.load()


def test_a_newer_starter_replaces_an_older_one(db, starter: Path, trained: dict[str, Path]) -> None:
    run()
    old = Checkpoint.objects.get()
    upgrade(starter, trained["second"], "2026-02-02T00:00:00+00:00")
    run()
    new = Checkpoint.objects.active()
    assert new is not None
    assert new != old
    new.roll_back()
    run()  # the next start respects the roll back
    assert Checkpoint.objects.active() == old


def test_an_older_starter_does_not_replace_a_newer_one(db, starter: Path, trained: dict[str, Path]) -> None:
    run()
    upgrade(starter, trained["second"], "2025-12-31T00:00:00+00:00")
    run()
    assert Checkpoint.objects.filter(state=State.CANDIDATE).count() == 1


def test_a_newer_starter_never_replaces_what_was_trained_here(
    catalogue: None, starter: Path, promote: Promote, trained: dict[str, Path]
) -> None:
    own = promote("second")
    said = run()
    assert "Registered starter-" in said
    assert Checkpoint.objects.active() == own


def test_what_this_version_cannot_read_makes_room_for_the_starter(
    catalogue: None, starter: Path, promote: Promote
) -> None:
    own = promote("second")
    manifest = json.loads((own.path / "checkpoint.json").read_text())
    (own.path / "checkpoint.json").write_text(json.dumps(manifest | {"format_version": 1}))
    run()
    active = Checkpoint.objects.active()
    assert active is not None
    assert active.version.startswith("starter-")
    assert active.load()


def test_what_is_damaged_is_left_to_the_operator(catalogue: None, starter: Path, promote: Promote) -> None:
    own = promote("second")
    (own.path / "checkpoint.json").write_text("{")
    run()
    assert Checkpoint.objects.active() == own


def test_a_damaged_starter_is_refused(db, starter: Path) -> None:
    (starter / "weights.safetensors").write_bytes(b"")
    with pytest.raises(CommandError, match="sha256"):
        run()
    assert Checkpoint.objects.active() is None


def test_a_checkout_without_a_starter_says_so(db, starter: Path) -> None:
    shutil.rmtree(starter)
    assert "no starter checkpoint" in run()
    assert Item.objects.exists()
