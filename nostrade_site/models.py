"""What the site notes about itself."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from django.db import models
from django.utils import timezone

LONGEST_PATH = 500
STALE = timedelta(days=7)  # a backup that is older is told of as a warning


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
        return self.made_at < timezone.now() - STALE
