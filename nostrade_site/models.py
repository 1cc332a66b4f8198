"""What the site notes about itself."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

LONGEST_PATH = 500
STALE = timedelta(days=7)  # a backup that is older is told of as a warning
SKEW = timedelta(minutes=1)  # between two clocks


class Backup(models.Model):
    """A run of `manage.py backup` that came to its end. Whether its file is still there is not known here."""

    made_at = models.DateTimeField(default=timezone.now, db_index=True)
    path = models.CharField(max_length=LONGEST_PATH)  # on the host where it ran
    n_bytes = models.PositiveBigIntegerField()

    class Meta:
        default_permissions = ()
        ordering: ClassVar = ["-made_at", "-id"]

    def __str__(self) -> str:
        return f"{self.path}, {self.n_bytes / 2**20:,.1f} MB"

    @property
    def is_stale(self) -> bool:
        """Tell whether it is old, or its time cannot be believed: a clock was ahead."""
        return not timedelta(0) <= timezone.now() + SKEW - self.made_at <= STALE


class AccountName(models.Model):
    """What all spellings of a member's name have in common. Guests, whose names are never typed, have none.

    An account without a row is found by its name exactly as it is spelled, until `keep_names` gives it one.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="account_name"
    )
    key = models.CharField(max_length=255, unique=True)

    class Meta:
        verbose_name = "name as it is compared"
        verbose_name_plural = "names as they are compared"
        default_permissions = ()

    def __str__(self) -> str:
        return self.key
