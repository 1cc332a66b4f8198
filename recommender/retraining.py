"""The retraining run: export -> fine-tune the active checkpoint -> a new directory -> a row -> promote."""

from __future__ import annotations

import logging
import os
import tempfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pandas as pd
import torch
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone

from feedback.exporting import export_events
from feedback.models import Event
from ml.checkpoint import Checkpoint as Weights
from ml.config import TrainingConfig
from ml.data import Dataset, clean
from ml.fine_tuning import fine_tune
from ml.ratings import read_ratings
from ml.splits import Split
from recommender.models import Checkpoint

logger = logging.getLogger(__name__)

# About one person's first evening. Fewer events than that move nothing but noise; they are not lost, the next
# run sees them.
MIN_NEW_EVENTS = 20

# A night must end by the morning on the two cores of a small machine, and must not undo what the model knows.
CONFIG = TrainingConfig(epochs=4, max_steps=2_000, max_seconds=45 * 60, learning_rate=2e-4, seed=20)
# Without bootstrap ratings to replay, the site's few people are all it sees: every weight is pulled back
# towards where it was, and nobody is held out.
PROTECTED = replace(CONFIG, epochs=20, max_steps=200, anchor_strength=0.02, split=Split(0.0, 0.0))


class NothingToDo(Exception):  # noqa: N818  # not an error: the run ends well, and says why
    """There is no reason to retrain now."""


class CannotRetrain(Exception):  # noqa: N818  # told to people as a sentence
    """A run cannot begin; the message says what to do."""


def retrain(*, force: bool = False) -> Checkpoint:
    """Fine-tune the active checkpoint on what was said since, and promote the result.

    Raises NothingToDo with fewer than `MIN_NEW_EVENTS` new events unless `force`, CannotRetrain when there is
    nothing to start from or another run is going, and whatever training raises; the active one then stays.
    """
    parent = Checkpoint.objects.active()
    if parent is None:
        raise CannotRetrain("No checkpoint is active to start from; run python manage.py load_starter first.")
    last_event_id = Event.objects.aggregate(last=Max("pk"))["last"] or 0
    n_new = Event.objects.filter(pk__gt=parent.last_event_id, pk__lte=last_event_id).count()
    if n_new < MIN_NEW_EVENTS and not force:
        raise NothingToDo(f"{n_new} new events since {parent}; {MIN_NEW_EVENTS} are worth a training run.")
    candidate = claim(parent, last_event_id)
    try:
        train(candidate, parent)
        publish(candidate, f"Fine-tuned {parent} on {n_new} new events; promoted without a comparison.")
    except BaseException as error:  # also an interrupted run must give the claim back
        reject(candidate, f"Failed: {type(error).__name__}: {error}")
        raise
    logger.info("%s is active. %s", candidate, candidate.verdict)
    return candidate


def claim(parent: Checkpoint, last_event_id: int) -> Checkpoint:
    """Take the one place for a run, which the database keeps. Raises CannotRetrain when it is taken."""
    state, now = Checkpoint.State, timezone.now()
    overdue = now - timedelta(seconds=settings.CELERY_TASK_TIME_LIMIT)
    Checkpoint.objects.filter(state=state.TRAINING, created_at__lt=overdue).update(
        state=state.REJECTED, verdict="Rejected: the run never ended."
    )
    version = f"{now:%Y%m%d-%H%M%S}-{now.microsecond // 1000:03}"
    try:
        with transaction.atomic():
            return Checkpoint.objects.create(
                version=version, state=state.TRAINING, parent=parent, last_event_id=last_event_id
            )
    except IntegrityError as error:
        going = Checkpoint.objects.filter(state=state.TRAINING).first()
        raise CannotRetrain(f"Another run is going ({going}); wait until it has ended.") from error


def train(candidate: Checkpoint, parent: Checkpoint) -> None:
    """Write the candidate's directory."""
    # The site keeps a core: threads that wait for one another there would also make this many times slower.
    torch.set_num_threads(max((os.cpu_count() or 1) - 1, 1))
    weights = Weights.load(parent.path)
    window = min(CONFIG.window, weights.config.max_length)
    config = replace(CONFIG if settings.RATINGS_CSV else PROTECTED, window=window)
    fine_tune(weights, training_data(weights), None, config).save(candidate.path)


def training_data(weights: Weights) -> Dataset:
    """Join the site's events and, where there are some, the bootstrap ratings, which come first."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events.csv"
        export_events(path)
        tables: list[pd.DataFrame] = [read_ratings(path)]
    if settings.RATINGS_CSV:
        tables.insert(0, read_ratings(Path(settings.RATINGS_CSV)))
    return clean(tables, keep_items=weights.id_map.ids)


def publish(candidate: Checkpoint, verdict: str) -> None:
    """Register a trained directory and make it active."""
    candidate.read_manifest()
    candidate.verdict = verdict
    candidate.state = Checkpoint.State.CANDIDATE
    candidate.save()
    candidate.promote()


def reject(candidate: Checkpoint, verdict: str) -> None:
    """Give the claim back; the row stays to tell what happened."""
    Checkpoint.objects.filter(pk=candidate.pk).exclude(state=Checkpoint.State.ACTIVE).update(
        state=Checkpoint.State.REJECTED, verdict=verdict[:300]
    )
