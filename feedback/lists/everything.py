"""Everything the database holds about one person, as JSON.

Reactions and saved titles have a shape of their own, with the titles' names. Whatever else refers to an
account, in this app or one above it, is found by its foreign key: no new table can be forgotten.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils import timezone

from feedback.models import Event, FeedbackType, ListImport, Saved

CHUNK = 500
SECRET = {"password", "digest", "password_mark"}  # of no use to its owner, and a find for a thief


def everything_about(user: AbstractBaseUser) -> Iterator[str]:
    """Yield one JSON object piece by piece; memory holds a few hundred rows."""
    yield f'{{"exported_at": {_json(timezone.now())},\n"account": {_json(_fields(user))}'
    for name, rows in _parts(user):
        yield f",\n{_json(name)}: ["
        for place, row in enumerate(rows):
            yield f"{',' if place else ''}\n  {_json(row)}"
        yield "]"
    yield "}\n"


def _parts(user: AbstractBaseUser) -> Iterator[tuple[str, Iterator[dict[str, Any]]]]:
    yield "reactions", _reactions(user)
    yield "saved", _saved(user)
    for relation in user._meta.related_objects:
        model = relation.related_model
        if model in (Event, Saved) or isinstance(model, str):
            continue
        rows = model._default_manager.filter(**{relation.field.name: user.pk}).order_by("pk")
        at_a_time = 1 if model is ListImport else CHUNK  # megabytes each
        yield str(model._meta.verbose_name_plural), (_fields(row) for row in rows.iterator(at_a_time))


def _reactions(user: AbstractBaseUser) -> Iterator[dict[str, Any]]:
    """Yield the whole log: what was said, and what was taken back again."""
    events = Event.objects.of(user).order_by("id").select_related("item")
    for event in events.iterator(CHUNK):
        yield {
            "id": event.pk,
            "anime_id": event.item_id,
            "title": event.item.name,
            "reaction": FeedbackType(event.feedback_type).name.lower(),
            "timestamp": event.timestamp,
            "retracts": event.retracts_id,
            "list_import": event.list_import_id,
        }


def _saved(user: AbstractBaseUser) -> Iterator[dict[str, Any]]:
    for saved in Saved.objects.of(user).order_by("id").select_related("item").iterator(CHUNK):
        yield {
            "anime_id": saved.item_id,
            "title": saved.item.name,
            "saved_at": saved.created_at,
            "list_import": saved.list_import_id,
        }


def _fields(row: models.Model) -> dict[str, Any]:
    """Return a row's own columns, by name."""
    columns = (column for column in row._meta.concrete_fields if column.name not in SECRET)
    values = {column.name: column.value_from_object(row) for column in columns}
    return {
        name: _text(value) if isinstance(value, bytes | memoryview) else value
        for name, value in values.items()
    }


def _text(value: bytes | memoryview) -> str:
    """Return bytes as JSON can hold them."""
    return b64encode(value).decode()


def _json(value: Any) -> str:
    return json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False)
