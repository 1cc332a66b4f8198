"""What is thrown away: old checkpoints that never served, rows and files together; what dead runs left."""

from __future__ import annotations

import logging
import shutil
import time
from pathlib import Path

from django.conf import settings

from recommender.models import Checkpoint

logger = logging.getLogger(__name__)

DAY = 24 * 60 * 60


def prune_checkpoints() -> list[str]:
    """Remove all but the newest `KEEP_CHECKPOINTS` of those that never served; return their versions.

    Whatever was active once stays, to roll back to, and so does what nobody has judged. Directories without a
    row go when they are a day old: a younger one may be somebody's who is about to write the row.
    """
    never_served = Checkpoint.objects.filter(promoted_at__isnull=True, verdict__gt="").exclude(
        state__in=[Checkpoint.State.ACTIVE, Checkpoint.State.TRAINING]
    )
    old = list(never_served[settings.KEEP_CHECKPOINTS :])
    for checkpoint in old:
        checkpoint.delete()  # first: a row without files would be offered for promotion
        remove(checkpoint.path)
    sweep(Path(settings.CHECKPOINT_DIR))
    return [checkpoint.version for checkpoint in old]


def sweep(folder: Path) -> None:
    """Remove directories that belong to no row and that nobody has touched for a day."""
    if not folder.is_dir():
        return
    known = set(Checkpoint.objects.values_list("version", flat=True))
    for path in folder.iterdir():
        owner = path.name.split(".", 1)[0]
        if path.is_dir() and owner not in known and abs(time.time() - path.stat().st_mtime) > DAY:
            remove(path)


def remove(path: Path) -> None:
    """Remove a directory; what cannot be removed is said, and no reason to stop."""
    try:
        shutil.rmtree(path)
    except FileNotFoundError:
        pass
    except OSError as error:
        logger.warning("%s cannot be removed (%s); remove it by hand.", path, error.strerror)
