"""How much was said on each day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, timedelta

from django.db.models import Count, Q
from django.db.models.functions import TruncDate
from django.utils import timezone

from feedback.days import site_today
from feedback.models import Event, FeedbackType


@dataclass(frozen=True)
class Day:
    """The reactions of one day, whatever became of them; lists that were brought are of other days."""

    day: date
    dislikes: int = 0
    likes: int = 0
    loves: int = 0
    people: int = 0

    @property
    def total(self) -> int:
        return self.dislikes + self.likes + self.loves


def reactions_by_day(days: int) -> list[Day]:
    """Return the last `days` days, today at the end, also those on which nobody said anything; one query."""
    first = site_today() - timedelta(days=days - 1)
    said = Event.objects.filter(
        timestamp__gte=timezone.now() - timedelta(days=days), list_import__isnull=True
    )
    said = said.exclude(feedback_type=FeedbackType.RETRACTED)
    counted = (
        said.annotate(day=TruncDate("timestamp", tzinfo=UTC))
        .values("day")
        .annotate(
            dislikes=Count("pk", filter=Q(feedback_type=FeedbackType.DISLIKE)),
            likes=Count("pk", filter=Q(feedback_type=FeedbackType.LIKE)),
            loves=Count("pk", filter=Q(feedback_type=FeedbackType.LOVE)),
            people=Count("user", distinct=True),
        )
    )
    found = {row["day"]: Day(**row) for row in counted.order_by("day")}
    every = (first + timedelta(days=n) for n in range(days))
    return [found.get(day, Day(day)) for day in every]
