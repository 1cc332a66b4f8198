"""Answers that are no opinion: seen it, not now, not this franchise."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import models, transaction
from django.utils import timezone

from catalog.holding import hold_title
from catalog.models import Item
from feedback.models.imports import ListImport
from feedback.models.people import Person


class DismissalQuerySet(models.QuerySet["Dismissal"]):
    def of(self, user: Person) -> DismissalQuerySet:
        return self.filter(user_id=user.pk) if user.is_authenticated else self.none()

    def standing(self) -> DismissalQuerySet:
        """Keep those that hide something now: a snoozed title is back when its time is over."""
        return self.filter(models.Q(until__isnull=True) | models.Q(until__gt=timezone.now()))

    def about(self, item: Item, kind: Dismissal.Kind) -> DismissalQuerySet:
        """Keep those of a kind that concern a title; a franchise is hidden by any of its titles."""
        concerns = models.Q(item=item)
        if kind == Dismissal.Kind.FRANCHISE and item.franchise_id is not None:
            concerns |= models.Q(item__franchise=item.franchise_id)
        return self.filter(concerns, kind=kind)

    def dismiss(
        self, user: AbstractBaseUser, item: Item, kind: Dismissal.Kind, since: datetime | None = None
    ) -> Dismissal:
        """Hide what `kind` says, and return that; saying "not now" again begins its time anew.

        `since` restores one that was taken back, with the time it was first said at.
        """
        said_at = since or timezone.now()
        until = said_at + timedelta(days=settings.NOT_NOW_DAYS) if kind == Dismissal.Kind.NOT_NOW else None
        said = {"created_at": said_at, "until": until}
        with transaction.atomic():
            return self.update_or_create(
                user_id=user.pk,
                item_id=hold_title(item.pk),
                kind=kind,
                defaults=said if kind == Dismissal.Kind.NOT_NOW else {},
                create_defaults=said,
            )[0]

    def lift(self) -> list[Dismissal]:
        """Delete these, and return what they were."""
        lifted = list(self)
        self.filter(pk__in=[each.pk for each in lifted]).delete()
        return lifted

    def carry_over(self, giver: AbstractBaseUser, receiver: AbstractBaseUser) -> None:
        """Dismiss for `receiver` what `giver` did; what `receiver` dismissed already stays as it is."""
        self.bulk_create(
            (
                Dismissal(
                    user_id=receiver.pk,
                    item_id=row.item_id,
                    kind=row.kind,
                    created_at=row.created_at,
                    until=row.until,
                    list_import_id=row.list_import_id,
                )
                for row in self.of(giver)
            ),
            ignore_conflicts=True,
        )


class Dismissal(models.Model):
    """One answer that hides a title, for ever or until a day, or a whole franchise. It is no opinion."""

    class Kind(models.TextChoices):
        SEEN = "seen", "Seen it"
        NOT_NOW = "not-now", "Not now"
        FRANCHISE = "franchise", "Not this franchise"

    # The unique constraint below begins with the user.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="dismissals", db_index=False
    )
    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="dismissals")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    created_at = models.DateTimeField(default=timezone.now)
    until = models.DateTimeField(null=True, blank=True)
    list_import = models.ForeignKey(
        ListImport, on_delete=models.SET_NULL, null=True, blank=True, related_name="dismissals"
    )

    objects = DismissalQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-created_at", "-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "item", "kind"], name="dismissed_once"),
            models.CheckConstraint(
                name="dismissal_known_kind",
                condition=models.Q(kind__in=["seen", "not-now", "franchise"]),
            ),
            models.CheckConstraint(
                name="dismissal_only_not_now_ends",
                condition=models.Q(kind="not-now", until__isnull=False)
                | (~models.Q(kind="not-now") & models.Q(until__isnull=True)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.get_kind_display()} · {self.item}"
