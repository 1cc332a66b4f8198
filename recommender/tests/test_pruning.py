"""What is thrown away, and what never is."""

from __future__ import annotations

import os
import time
from pathlib import Path

from django.utils import timezone

from recommender.models import Checkpoint
from recommender.pruning import prune_checkpoints

State = Checkpoint.State


def made(version: str, state: State, **fields: object) -> Checkpoint:
    checkpoint = Checkpoint.objects.create(version=version, state=state, verdict="Judged.", **fields)
    checkpoint.path.mkdir(parents=True)
    return checkpoint


def test_it_works(db, settings) -> None:
    settings.KEEP_CHECKPOINTS = 2
    served = made("served", State.RETIRED, promoted_at=timezone.now())
    active = made("active", State.ACTIVE, promoted_at=timezone.now())
    back = made("back", State.RETIRED, promoted_at=timezone.now(), rolled_back_at=timezone.now())
    old = [made(f"old-{number}", State.REJECTED) for number in range(4)]
    assert sorted(prune_checkpoints()) == ["old-0", "old-1"]
    kept = {served, active, back, *old[2:]}
    assert set(Checkpoint.objects.all()) == kept
    assert {path.name for path in Path(settings.CHECKPOINT_DIR).iterdir()} == {c.version for c in kept}


def test_a_run_that_is_going_is_left_alone(db, settings) -> None:
    settings.KEEP_CHECKPOINTS = 1
    going = Checkpoint.objects.create(version="going", state=State.TRAINING)
    made("a", State.REJECTED)
    assert prune_checkpoints() == []
    assert Checkpoint.objects.filter(pk=going.pk).exists()


def test_what_nobody_knows_goes_when_it_is_old(db, settings) -> None:
    known = made("known", State.REJECTED)
    folder = Path(settings.CHECKPOINT_DIR)
    long_ago = time.time() - 3 * 24 * 60 * 60
    for name in ("lost", "lost.tmp-x1", "lost.run", "young", "known.run"):
        (folder / name).mkdir()
        if name != "young":
            os.utime(folder / name, (long_ago, long_ago))
    os.utime(known.path, (long_ago, long_ago))
    prune_checkpoints()
    assert {path.name for path in folder.iterdir()} == {"known", "young", "known.run"}
