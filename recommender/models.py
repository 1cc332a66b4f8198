"""The registry of model versions, and what each person asked of their recommendations."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import models, transaction
from django.utils import timezone


class CheckpointQuerySet(models.QuerySet["Checkpoint"]):
    def active(self) -> Checkpoint | None:
        """Return the checkpoint that web processes should serve, if one is active."""
        return self.filter(state=Checkpoint.State.ACTIVE).first()


class Checkpoint(models.Model):
    """One model version: an immutable directory `CHECKPOINT_DIR/<version>` and this row."""

    class State(models.TextChoices):
        CANDIDATE = "candidate"
        ACTIVE = "active"
        RETIRED = "retired"
        REJECTED = "rejected"

    version = models.SlugField(max_length=80, unique=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.CANDIDATE)
    parent = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="children")
    metrics = models.JSONField(default=dict, blank=True)
    data_fingerprint = models.CharField(max_length=64, blank=True)
    git_revision = models.CharField(max_length=40, blank=True)
    size_bytes = models.PositiveBigIntegerField(default=0)
    verdict = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    promoted_at = models.DateTimeField(null=True, blank=True)

    objects = CheckpointQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-created_at", "-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["state"], condition=models.Q(state="active"), name="one_active_checkpoint"
            )
        ]

    def __str__(self) -> str:
        return self.version

    @property
    def path(self) -> Path:
        return Path(settings.CHECKPOINT_DIR) / self.version

    def promote(self) -> None:
        """Make this the active checkpoint and retire the one before, in one transaction."""
        with transaction.atomic():
            others = Checkpoint.objects.filter(state=self.State.ACTIVE).exclude(pk=self.pk)
            others.update(state=self.State.RETIRED)
            self.state, self.promoted_at = self.State.ACTIVE, timezone.now()
            self.save(update_fields=["state", "promoted_at"])


class Preferences(models.Model):
    """What one person asked of their recommendations."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="preferences")
    show_adult = models.BooleanField(default=False)

    class Meta:
        verbose_name_plural = "preferences"

    def __str__(self) -> str:
        return f"Preferences of {self.user}"


def preferences_of(user: AbstractBaseUser | AnonymousUser) -> Preferences:
    """Return what `user` asked for, or the defaults (not stored) where they never did."""
    if not user.is_authenticated:
        return Preferences()
    return Preferences.objects.filter(user=user).first() or Preferences(user_id=user.pk)
