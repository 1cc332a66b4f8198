"""The causes that people ignore: reactions that stand, and do not count for their recommendations."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import models
from django.utils import timezone

from catalog.models import Item
from feedback.models import Event, Person


class IgnoredQuerySet(models.QuerySet["Ignored"]):
    def of(self, user: Person) -> IgnoredQuerySet:
        return self.filter(user_id=user.pk) if user.is_authenticated else self.none()

    def of_standing_reactions(self) -> IgnoredQuerySet:
        """Keep the rows whose reaction nobody took back: only these change anything."""
        said = Event.objects.standing().filter(user=models.OuterRef("user"), item=models.OuterRef("item"))
        return self.filter(models.Exists(said))


class Ignored(models.Model):
    """A title whose reaction the person keeps, but does not want their recommendations to follow.

    It says nothing about the log: the reaction stands, keeps the title out of the feed, and teaches.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="ignored", db_index=False
    )
    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="ignored_by")
    created_at = models.DateTimeField(default=timezone.now)

    objects = IgnoredQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "ignored"
        ordering: ClassVar = ["-created_at", "-id"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["user", "item"], name="ignored_once")]

    def __str__(self) -> str:
        return f"{self.user} ignores {self.item}"


def carry_over_ignored(giver: AbstractBaseUser, receiver: AbstractBaseUser) -> None:
    """Let `receiver` ignore what `giver` did, but for titles that `receiver` spoke about themselves."""
    spoken = Event.objects.of(receiver).standing().values("item")
    rows = Ignored.objects.of(giver).exclude(item__in=spoken)
    Ignored.objects.bulk_create(
        (Ignored(user_id=receiver.pk, item_id=row.item_id, created_at=row.created_at) for row in rows),
        ignore_conflicts=True,
    )
