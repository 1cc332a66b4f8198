"""Filters over reactions: `{% load reactions %}`."""

from __future__ import annotations

from datetime import date, datetime

from django import template
from django.contrib.messages.storage.base import Message

from catalog.models import Item
from feedback.days import day_of
from feedback.dismissals import Dismissed
from feedback.history import Reaction
from feedback.undoing import Undo, undo_of

register = template.Library()


@register.filter
def of(reactions: dict[int, Reaction], anime_id: int) -> Reaction | None:
    """Look up what the reader said about a title: `my.reactions|of:item.pk`."""
    return reactions.get(anime_id)


@register.filter
def hides_franchise(dismissed: Dismissed, item: Item) -> bool:
    """Say whether the reader hid the franchise of a title: `my.dismissed|hides_franchise:item`."""
    return dismissed.hides_franchise_of(item)


@register.filter
def undo(message: Message) -> Undo | None:
    """Return the Undo of a notice, or None where there is none."""
    return undo_of(message)


@register.filter
def readers_day(moment: datetime) -> date:
    """Return the day of a moment in the reader's zone: `entry.when|readers_day|date:"j M Y"`."""
    return day_of(moment)
