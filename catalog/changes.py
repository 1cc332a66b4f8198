"""What a curator changed, in words, for the admin's own log: each field from what to what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.contrib.contenttypes.models import ContentType
from django.db import models

from catalog.models import Item

LONGEST = 120  # of one value: a synopsis would fill the page
FIELDS = (
    "name", "type", "episodes", "rating_mean", "members", "year", "franchise", "is_hidden", "poster_url",
    "synopsis",
)  # fmt: skip
NOTHING = "–"
Facts = Mapping[str, str]


def facts_of(item: Item) -> dict[str, str]:
    """Return what is said about a title, as the log tells it; `with_facts()` fetches it in bulk."""
    facts = {name: told(getattr(item, name)) for name in FIELDS}
    return facts | {"genres": told(item.genres.all())}


def difference(before: Facts, after: Facts) -> str:
    """Say what became of each field; nothing where nothing did."""
    changed = (name for name in after if before.get(name, NOTHING) != after[name])
    return " ".join(f"{label(name)}: {before.get(name, NOTHING)} → {after[name]}." for name in changed)


def label(name: str) -> str:
    return name.removeprefix("is_").replace("_", " ").capitalize()


def told(value: Any) -> str:
    """Write one value for people."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or value == "":
        return NOTHING
    if isinstance(value, Iterable) and not isinstance(value, str):
        return told(", ".join(sorted(str(each) for each in value)))
    text = " ".join(str(value).split())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def log(
    user: AbstractBaseUser | AnonymousUser, changes: Iterable[tuple[models.Model, str]], flag: int = CHANGE
) -> None:
    """Note in one query what was done to each object; a change without words is none."""
    LogEntry.objects.bulk_create(
        LogEntry(
            user_id=user.pk,  # type: ignore[misc]  # who got into the admin has one
            content_type=ContentType.objects.get_for_model(each),
            object_id=str(each.pk),
            object_repr=str(each)[:200],
            action_flag=flag,
            change_message=sentence,
        )
        for each, sentence in changes
        if sentence
    )
