"""What each person asked of their recommendations."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import models

from feedback.models import Person


class Preferences(models.Model):
    """What one person asked of their recommendations."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="preferences"
    )
    show_adult = models.BooleanField(
        "Show adult titles",
        default=False,
        help_text="Titles marked 18+ stay out of sight until you switch this on.",
    )
    # The view that the person keeps above the feed, as `recommender.controls` writes it; empty where none.
    controls = models.CharField(
        "Kept controls", max_length=2000, blank=True, default="", help_text="A query string of the feed."
    )
    wildcards = models.PositiveSmallIntegerField(
        "Wildcards on a page",
        default=1,
        choices=[(0, "None"), (1, "One"), (2, "Two"), (3, "Three")],
        help_text="Cards from beyond your list, marked as such: they find out what else you may like.",
    )
    # A name of the tz database; empty: as the browser says.
    time_zone = models.CharField(
        "Time zone",
        max_length=64,
        blank=True,
        default="",
        db_default="",
        help_text="In which dates are written.",
    )

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="at_most_three_wildcards", condition=models.Q(wildcards__lte=3))
        ]
        verbose_name_plural = "preferences"

    def __str__(self) -> str:
        return f"Preferences of {self.user}"


def carry_over_preferences(giver: AbstractBaseUser, receiver: AbstractBaseUser) -> None:
    """Let the feed of `receiver` open as that of `giver` did, who is the same person and was here last.

    The kept view, the number of wildcards and the time zone go along where the giver set them. Adult titles
    are another matter: where the receiver ever chose, their choice stands.
    """
    chosen = Preferences.objects.filter(user=giver.pk).first()
    if chosen is None:
        return
    asked = {name: getattr(chosen, name) for name in ("show_adult", "controls", "wildcards", "time_zone")}
    own, is_new = Preferences.objects.get_or_create(user_id=receiver.pk, defaults=asked)
    if not is_new:
        own.controls = chosen.controls or own.controls
        if chosen.wildcards != Preferences().wildcards:
            own.wildcards = chosen.wildcards
        own.time_zone = chosen.time_zone or own.time_zone
        own.save(update_fields=["controls", "wildcards", "time_zone"])


def keep_controls(user: AbstractBaseUser, controls: str) -> None:
    """Let the feed of `user` open with these controls from now on."""
    Preferences.objects.update_or_create(user_id=user.pk, defaults={"controls": controls})


def preferences_of(user: Person) -> Preferences:
    """Return what `user` asked for, or the defaults (not stored) where they never did."""
    if not user.is_authenticated:
        return Preferences()
    return Preferences.objects.filter(user=user.pk).first() or Preferences(user_id=user.pk)
