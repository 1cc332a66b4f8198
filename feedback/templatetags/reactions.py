"""Filters over reactions: `{% load reactions %}`."""

from __future__ import annotations

from django import template
from django.contrib.messages.storage.base import Message

from feedback.history import Reaction

register = template.Library()

UNDO = "undo:"


@register.filter
def of(reactions: dict[int, Reaction], anime_id: int) -> Reaction | None:
    """Look up what the reader said about a title: `my.reactions|of:item.pk`."""
    return reactions.get(anime_id)


@register.filter
def undo_event(message: Message) -> int | None:
    """Return the event that the Undo button of a message takes back, or None where there is none."""
    tags = (message.extra_tags or "").split()
    return next((int(tag.removeprefix(UNDO)) for tag in tags if tag.startswith(UNDO)), None)
