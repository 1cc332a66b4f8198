"""The registry of model versions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_slug
from django.db import models, transaction
from django.utils import timezone

from recommender import storage

if TYPE_CHECKING:
    from ml.ranker import Ranker

LONGEST_VERDICT = 300
NIGHTLY = "nightly"  # the preset of a run that goes on training the active checkpoint


def shortened(sentence: str) -> str:
    """Fit a verdict into its column."""
    return sentence if len(sentence) <= LONGEST_VERDICT else f"{sentence[: LONGEST_VERDICT - 1]}…"


class NotServable(Exception):  # noqa: N818  # reads as what it is: this checkpoint is not servable
    """A checkpoint cannot go live; the message says why and what to do."""


class CheckpointQuerySet(models.QuerySet["Checkpoint"]):
    def active(self) -> Checkpoint | None:
        """Return the checkpoint that web processes should serve, if one is active."""
        return self.filter(state=Checkpoint.State.ACTIVE).first()

    def promoted(self) -> CheckpointQuerySet:
        """Keep the versions that are live or were, whatever became of them."""
        return self.filter(promoted_at__isnull=False)

    def served_before(self) -> CheckpointQuerySet:
        """Keep the versions that were live once, the latest first: what `roll_back` returns to."""
        return self.filter(
            state=Checkpoint.State.RETIRED, promoted_at__isnull=False, rolled_back_at__isnull=True
        ).order_by("-promoted_at")


class Checkpoint(models.Model):
    """One model version: an immutable directory `CHECKPOINT_DIR/<version>` and this row."""

    class State(models.TextChoices):
        TRAINING = "training"  # claimed by a run that is still going; its directory is not there yet
        CANDIDATE = "candidate"
        ACTIVE = "active"
        RETIRED = "retired"
        REJECTED = "rejected"  # trained, and found worse than the one that serves
        FAILED = "failed"  # the run broke off; there is nothing to serve

        @classmethod
        def unservable(cls) -> list[Checkpoint.State]:
            return [cls.TRAINING, cls.REJECTED, cls.FAILED]

    version = models.SlugField(max_length=80, unique=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.CANDIDATE)
    parent = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="children"
    )
    config = models.JSONField(default=dict, blank=True)  # of the model and of its training
    metrics = models.JSONField(default=dict, blank=True)
    # What `recommender.gate` found, beside the champion of that day: checks, figures, the lists it changes.
    comparison = models.JSONField(default=dict, blank=True)
    data_fingerprint = models.CharField(max_length=64, blank=True)
    git_revision = models.CharField(max_length=40, blank=True)
    size_bytes = models.PositiveBigIntegerField(default=0)
    # The newest `feedback.Event` this version was trained with; later ones are news to it.
    last_event_id = models.PositiveBigIntegerField(default=0)
    verdict = models.CharField(max_length=LONGEST_VERDICT, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    promoted_at = models.DateTimeField(null=True, blank=True)
    rolled_back_at = models.DateTimeField(null=True, blank=True)
    # Of the process that trains it: who, how often somebody took the run over, and when it last gave a sign.
    holder = models.CharField(max_length=120, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    heartbeat_at = models.DateTimeField(null=True, blank=True)

    objects = CheckpointQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-created_at", "-id"]
        permissions: ClassVar = [("compare_lists", "Can see anybody's recommendations")]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["state"], condition=models.Q(state="active"), name="one_active_checkpoint"
            ),
            models.UniqueConstraint(
                fields=["state"], condition=models.Q(state="training"), name="one_training_checkpoint"
            ),
        ]

    def __str__(self) -> str:
        return self.version

    @property
    def path(self) -> Path:
        """Return the directory. Raises NotServable for a version that is not a plain name (no path)."""
        try:
            validate_slug(self.version)
        except ValidationError as error:
            raise NotServable(f"{self.version!r} is not a version: use letters, digits, - and _.") from error
        return Path(settings.CHECKPOINT_DIR) / self.version

    @property
    def is_nightly(self) -> bool:
        """Tell whether it was made by going on training its parent; so little of it is new."""
        return bool(self.config.get("preset", NIGHTLY) == NIGHTLY) and self.parent_id is not None

    def reference(self) -> Checkpoint:
        """Return where the line of nightly runs began that led here: what somebody looked at last.

        That is what was brought or trained from nothing, or what an operator took as the reference since.
        """
        found = self
        while found.is_nightly and not found.config.get("reference") and found.parent is not None:
            found = found.parent
        return found

    def take_as_reference(self) -> None:
        """Let the drift of later nights be measured from here: somebody has looked at its pages."""
        self.config |= {"reference": True}
        self.save(update_fields=["config"])

    def load(self) -> Ranker:
        """Load the directory strictly, fetched from `CHECKPOINT_STORAGE` where it is not here.

        Raises NotServable when it is nowhere, damaged or of another format.
        """
        # torch takes seconds to import: only processes that rank pay for it, not `migrate` or the scheduler.
        from ml.checkpoint import CheckpointError  # noqa: PLC0415
        from ml.ranker import Ranker  # noqa: PLC0415

        try:
            storage.fetch(self.path)
            return Ranker.load(self.path)
        except (CheckpointError, storage.StorageError, OSError) as error:
            raise NotServable(str(error)) from error

    def read_manifest(self) -> None:
        """Copy from the directory's manifest what the registry shows; the caller saves."""
        manifest = json.loads((self.path / "checkpoint.json").read_text())
        self.config = {name: manifest[name] for name in ("config", "training", "mix")}
        self.metrics = manifest["metrics"]
        self.data_fingerprint = manifest["data"].get("fingerprint", "")
        self.git_revision = manifest["git_revision"] or ""
        self.size_bytes = sum(file.stat().st_size for file in self.path.iterdir())

    def promote(self) -> None:
        """Make this the active checkpoint and retire the one before; web processes notice within seconds.

        Raises NotServable, and changes nothing, when the directory does not load, cannot be published to
        `CHECKPOINT_STORAGE`, or the version was rejected.
        """
        self.load()
        self.publish()
        self.go_live()

    def publish(self) -> None:
        """Bring it to where other hosts will look for it. Raises NotServable when that fails."""
        try:
            storage.publish(self.path)
        except storage.StorageError as error:
            raise NotServable(str(error)) from error

    def go_live(self) -> None:
        """Do what is left of `promote` for a version that loads and is published."""
        with transaction.atomic():
            _serialise_promotions()
            self._go_live()

    def roll_back(self) -> Checkpoint:
        """Retire this active checkpoint, make the one served before it active, and return that one.

        A version that was rolled back is not returned to by a later roll back, but can be promoted by hand.
        Raises NotServable, and changes nothing, when this one is not active or no earlier one loads.
        """
        earlier = _first_that_loads(Checkpoint.objects.served_before().exclude(pk=self.pk))
        with transaction.atomic():
            _serialise_promotions()
            left = Checkpoint.objects.filter(pk=self.pk, state=self.State.ACTIVE).update(
                state=self.State.RETIRED,
                rolled_back_at=timezone.now(),
                verdict=f"Rolled back on {timezone.now():%Y-%m-%d %H:%M} UTC to {earlier.version}.",
            )
            if not left:
                raise NotServable(f"{self.version} is not active any more; nothing was rolled back.")
            earlier._go_live()
        self.refresh_from_db()
        return earlier

    def _go_live(self) -> None:
        """Swap the active row; call inside a transaction that holds `_serialise_promotions`."""
        state = self.State
        Checkpoint.objects.filter(state=state.ACTIVE).exclude(pk=self.pk).update(state=state.RETIRED)
        promotable = Checkpoint.objects.filter(pk=self.pk).exclude(state__in=state.unservable())
        if not promotable.update(state=state.ACTIVE, promoted_at=timezone.now(), rolled_back_at=None):
            raise NotServable(
                f"{self.version} was rejected, failed or is still training; promote another version."
            )
        self.refresh_from_db()


def _serialise_promotions() -> None:
    """Make promotions queue: row locks on PostgreSQL, in one order; on SQLite IMMEDIATE did it already."""
    list(Checkpoint.objects.select_for_update().order_by("pk").values_list("pk"))


def _first_that_loads(checkpoints: CheckpointQuerySet) -> Checkpoint:
    for checkpoint in checkpoints:
        try:
            checkpoint.load()
        except NotServable:
            continue
        return checkpoint
    raise NotServable("There is no earlier checkpoint that loads, so there is nothing to roll back to.")
