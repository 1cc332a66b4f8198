"""What people were shown."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from catalog.models import Item
from feedback.models import Event, Person


class ImpressionQuerySet(models.QuerySet["Impression"]):
    def of(self, user: Person) -> ImpressionQuerySet:
        return self.filter(user_id=user.pk) if user.is_authenticated else self.none()


class Impression(models.Model):
    """A title that a person was shown on a day, where, by which checkpoint, and what they said to it then.

    Shown again on the same day by the same checkpoint it is the same impression. Written by
    `recommender.impressions` alone, in batches; kept for `IMPRESSION_DAYS`.
    """

    class Slot(models.TextChoices):
        RANKED = "ranked"
        POPULAR = "popular"  # nothing personal to say: the list that everybody gets
        WILDCARD = "wildcard"  # from beyond the list, to find out (`recommender.wildcards`)

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="impressions", db_index=False
    )
    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="impressions", db_index=False)
    # Not a foreign key: figures outlive a checkpoint that was pruned. Empty where no checkpoint ranked.
    version = models.CharField(max_length=80, blank=True)
    slot = models.CharField(max_length=10, choices=Slot.choices, default=Slot.RANKED)
    position = models.PositiveSmallIntegerField()  # 1 is the top of the feed
    propensity = models.FloatField(default=1.0)  # how likely this title was for this place
    day = models.DateField()
    shown_at = models.DateTimeField()
    event = models.ForeignKey(
        Event, on_delete=models.SET_NULL, null=True, blank=True, related_name="impressions"
    )

    objects = ImpressionQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "item", "day", "version"], name="impression_once_a_day"),
            models.CheckConstraint(
                name="impression_propensity_is_a_chance",
                condition=models.Q(propensity__gt=0, propensity__lte=1),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["day", "version"], name="impression_by_day"),
            models.Index(
                fields=["day", "item"], condition=models.Q(slot="wildcard"), name="impression_of_wildcard"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.item} at {self.position} for {self.user}"
