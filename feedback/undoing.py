"""The Undo of a notice: the form that takes back what the notice tells of."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from django.contrib import messages
from django.contrib.messages.storage.base import Message
from django.http import HttpRequest

UNDO = "undo:"


@dataclass(frozen=True)
class Undo:
    """Where the form posts to, and its hidden fields."""

    url: str
    fields: tuple[tuple[str, str], ...] = ()


def say(request: HttpRequest, text: str, undo: Undo | None = None) -> None:
    """Put a notice on the next page, with an Undo where there is one."""
    tag = f"{UNDO}{undo.url}?{urlencode(undo.fields)}" if undo else ""
    messages.success(request, text, extra_tags=tag)


def undo_of(message: Message) -> Undo | None:
    """Return the Undo of a notice, or None where it has none."""
    tag = message.extra_tags or ""
    if not tag.startswith(UNDO):
        return None
    url, _, fields = tag.removeprefix(UNDO).partition("?")
    return Undo(url, tuple(parse_qsl(fields)))
