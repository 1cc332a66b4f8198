"""The map of each checkpoint's learned space, drawn once."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from recommender.models.checkpoints import Checkpoint


class Map(models.Model):
    """Where a checkpoint's titles stand, in two dimensions; it goes with its checkpoint."""

    checkpoint = models.OneToOneField(Checkpoint, on_delete=models.CASCADE, related_name="map")
    # {"ids": [...], "pca": [[x, y], ...], "tsne": ..., "feedback": ..., "times": ...}, as of `ml.map.ItemMap`
    points = models.JSONField()
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"Map of {self.checkpoint}"
