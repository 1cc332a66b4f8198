"""What a training run says while it goes on."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone

from recommender.models.checkpoints import Checkpoint

LONGEST_LINE = 300
MOST_LINES = 400  # of one run: a step every ten seconds is told for an hour, and validations for much longer


class RunLine(models.Model):
    """One line of a run's log; it goes with its checkpoint."""

    checkpoint = models.ForeignKey(Checkpoint, on_delete=models.CASCADE, related_name="lines")
    at = models.DateTimeField(default=timezone.now)
    text = models.CharField(max_length=LONGEST_LINE)

    class Meta:
        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return f"{self.at:%H:%M:%S} {self.text}"


def tell(checkpoint: Checkpoint, text: str) -> None:
    """Add a line to a run's log, and let the oldest one go where there are too many."""
    RunLine.objects.create(checkpoint=checkpoint, text=text[:LONGEST_LINE])
    lines = RunLine.objects.filter(checkpoint=checkpoint)
    oldest_kept = lines.order_by("-id").values_list("pk", flat=True)[MOST_LINES - 1 : MOST_LINES].first()
    if oldest_kept is not None:
        lines.filter(pk__lt=oldest_kept).delete()
