"""The titles kept for later."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import models, transaction
from django.utils import timezone

from catalog.holding import hold_title
from catalog.models import Item
from feedback.models.imports import ListImport
from feedback.models.people import Person


class SavedQuerySet(models.QuerySet["Saved"]):
    def of(self, user: Person) -> SavedQuerySet:
        return self.filter(user_id=user.pk) if user.is_authenticated else self.none()

    def keep(self, user: AbstractBaseUser, item: Item, since: datetime | None = None) -> tuple[Saved, bool]:
        """Keep a title for later, and say whether that is new; `since` restores one that was let go."""
        with transaction.atomic():
            return self.get_or_create(
                user_id=user.pk,
                item_id=hold_title(item.pk),
                defaults={"created_at": since or timezone.now()},
            )


class Saved(models.Model):
    """A title kept for later."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved")
    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="saved_by")
    created_at = models.DateTimeField(default=timezone.now)
    list_import = models.ForeignKey(
        ListImport, on_delete=models.SET_NULL, null=True, blank=True, related_name="saved"
    )

    objects = SavedQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "saved"
        ordering: ClassVar = ["-created_at", "-id"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["user", "item"], name="saved_once")]

    def __str__(self) -> str:
        return f"{self.user} saved {self.item}"
