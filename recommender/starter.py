"""What a fresh installation begins with: the catalogue and the checkpoint that this checkout brings."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings

from catalog.importing import import_items
from catalog.models import Item
from ml.directories import new_directory
from recommender.models import Checkpoint

PREFIX = "starter-"


def load_starter() -> Iterator[str]:
    """Bring what is missing, and say what was done; nothing where everything is there already.

    A starter that is new becomes a candidate; it goes live where nothing is live, or an older starter, or
    what this version can no longer read.
    Raises NotServable when it should go live and does not load, and what the catalogue's importer raises.
    """
    if not Item.objects.exists():
        report = import_items({"items": settings.STARTER_CATALOGUE})
        yield f"Imported {report.created} titles."
    manifest = read_manifest(Path(settings.STARTER_CHECKPOINT))
    if manifest is None:
        yield "This checkout has no starter checkpoint: popular titles are served until one is trained."
        return
    starter = Checkpoint(
        version=f"{PREFIX}{manifest['version'][:12]}", verdict="The starter of this checkout."
    )
    copy(starter.path)
    starter.read_manifest()
    starter.created_at = datetime.fromisoformat(manifest["created"])
    checkpoint, is_new = Checkpoint.objects.get_or_create(
        version=starter.version, defaults=registered(starter)
    )
    if is_new:
        yield f"Registered {checkpoint}."
    if is_due(checkpoint, manifest["format_version"], is_new=is_new):
        checkpoint.promote()
        yield f"{checkpoint} is active."


def copy(path: Path) -> None:
    """Copy the starter's directory to `path` unless it is there; whole, or not at all."""
    if path.exists():
        return
    try:
        with new_directory(path) as draft:
            # Not with the modes of the checkout: what lies in the data folder is for its owner.
            for file in settings.STARTER_CHECKPOINT.iterdir():
                shutil.copyfile(file, draft / file.name)
    except OSError:
        if not path.exists():  # else another process was faster with the same files
            raise


def registered(starter: Checkpoint) -> dict[str, Any]:
    """Return the fields of the starter's row."""
    names = ("metrics", "data_fingerprint", "git_revision", "size_bytes", "verdict", "created_at")
    return {name: getattr(starter, name) for name in names}


def is_due(starter: Checkpoint, format_version: int, *, is_new: bool) -> bool:
    """Say whether a starter should go live: never over what was trained here, nor against a roll back.

    But a checkpoint of another format than the starter's is an earlier version's, and serves nobody.
    """
    active = Checkpoint.objects.active()
    if active is None:
        return True
    if is_of_another_format(active.path, format_version):
        return True
    return is_new and active.version.startswith(PREFIX) and active.created_at < starter.created_at


def is_of_another_format(path: Path, format_version: int) -> bool:
    """Tell whether a checkpoint says of itself that it is; one that says nothing is damaged, not older."""
    try:
        manifest = read_manifest(path)
    except ValueError:
        return False
    return isinstance(manifest, dict) and manifest.get("format_version") != format_version


def read_manifest(path: Path) -> dict[str, Any] | None:
    """Read a checkpoint's manifest; None where there is none."""
    try:
        manifest: dict[str, Any] = json.loads((path / "checkpoint.json").read_text())
    except FileNotFoundError:
        return None
    return manifest
