"""What all parts of the REST API share: pages that grow, answers with an ETag, numbers in JSON."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC
from typing import Any, cast

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import conditional_page
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework import serializers, status
from rest_framework.exceptions import APIException, NotFound
from rest_framework.pagination import Cursor, CursorPagination, PageNumberPagination
from rest_framework.request import Request
from rest_framework.views import APIView

from catalog.models import Item, ItemQuerySet

# How a call about a title is answered that was merged into another one: by `catalog.moved.moved`.
MOVED = OpenApiResponse(description="The title was merged into another one, about which this call is then.")
LOCATION = OpenApiParameter(
    "Location",
    {"type": "string", "format": "uri-reference"},
    OpenApiParameter.HEADER,
    description="The same call about the title that stayed.",
    response=[301],
)


def title_among(items: ItemQuerySet, anime_id: int) -> Item:
    """Return the title that an id means, if it is among these. Raises NotFound where it is not."""
    item = items.meant_by(anime_id)
    if item is None:
        raise NotFound(f"There is no title {anime_id} on show here.")
    return item


def refuse_blanks(request: Request, names: Iterable[str]) -> None:
    """Raise ValidationError for a parameter that is there and says nothing: it is more likely a slip."""
    errors = {
        name: ["Give it a value, or leave it out."]
        for name in names
        if not all(value.strip() for value in request.query_params.getlist(name))
    }
    if errors:
        raise serializers.ValidationError(errors)


class ConditionUnmet(APIException):
    """`If-Match` or `If-Unmodified-Since` says something that no longer holds."""

    status_code = status.HTTP_412_PRECONDITION_FAILED
    default_code = "condition_unmet"
    default_detail = (
        "The answer is no longer the one that `If-Match` or `If-Unmodified-Since` names:"
        " ask without them for the one that is."
    )


class Tagged(APIView):
    """Answer with an ETag, and with 304 and no body where the program has that answer already."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        answer: Any = conditional_page(super().dispatch)(request, *args, **kwargs)
        if not hasattr(answer, "render"):  # a redirect
            return cast(HttpResponseBase, answer)
        answer = answer.render()
        if answer.status_code != status.HTTP_412_PRECONDITION_FAILED:
            return cast(HttpResponseBase, answer)
        return self.finalize_response(self.request, self.handle_exception(ConditionUnmet()), *args, **kwargs)


class _Described:
    """Describe a page as OpenAPI 3.1 does, and not as 3.0 did."""

    def get_paginated_response_schema(self, schema: Any) -> dict[str, Any]:
        link = {"type": ["string", "null"], "format": "uri", "description": "null where there is none."}
        count = {"count": {"type": "integer", "minimum": 0}} if isinstance(self, PageNumberPagination) else {}
        properties = {**count, "next": link, "previous": link, "results": schema}
        return {"type": "object", "required": [*properties], "properties": properties}


class NewestFirst(_Described, CursorPagination):
    """Pages from the newest to the oldest, each from where the one before it ended, whatever came since."""

    cursor_query_description = "Where a page begins: what `next` or `previous` says, and nothing made up."
    invalid_cursor_message = "This cursor leads nowhere: follow `next` of a page, or begin without one."

    def decode_cursor(self, request: Request) -> Cursor | None:
        """Read the place in the list. Raises NotFound for one that no list was ever at."""
        cursor: Cursor | None = super().decode_cursor(request)
        if cursor is not None and not _is_place(cursor):
            raise NotFound(self.invalid_cursor_message)
        return cursor


class NumberedPages(_Described, PageNumberPagination):
    """Pages by number, for lists in an order that no cursor could keep, such as that of likeness."""

    invalid_page_message = "There is no such page: the first one is 1, and `next` is null on the last."
    page_size_query_param = "page_size"
    page_size_query_description = "How many a page has."
    max_page_size = 100

    def get_page_size(self, request: Request) -> int:
        """Read how many a page shall have. Raises ValidationError for what is no such number."""
        asked = request.query_params.get(self.page_size_query_param)
        if asked is None:
            return int(self.page_size or self.max_page_size)
        if not re.fullmatch("[0-9]{1,3}", asked) or not 1 <= int(asked) <= self.max_page_size:
            sentence = f"Send a whole number from 1 to {self.max_page_size}."
            raise serializers.ValidationError({self.page_size_query_param: [sentence]})
        return int(asked)

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        parameters: list[dict[str, Any]] = super().get_schema_operation_parameters(view)
        page, size = (parameter["schema"] for parameter in parameters)
        page["minimum"] = size["minimum"] = 1
        size["maximum"] = self.max_page_size
        return parameters


class WholeNumberField(serializers.IntegerField):
    """Read a number of a JSON body; a text that looks like one is refused, as the document says."""

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class BoundedListField(serializers.ListField):
    """Read a list of at most `max_length` values: where there are more, none of them is looked at.

    DRF counts them last, and answers a megabyte of nonsense with a sentence for each of its zeros.
    """

    def to_internal_value(self, data: Any) -> list[Any]:
        if isinstance(data, list) and self.max_length is not None and len(data) > self.max_length:
            self.fail("max_length", max_length=self.max_length)
        return super().to_internal_value(data)


class QueryNumberField(serializers.IntegerField):
    """Read a number of a query string: digits, and nothing else that Python takes for a number ("1_0")."""

    def to_internal_value(self, data: Any) -> int:
        if not re.fullmatch("-?[0-9]{1,9}", str(data)):
            self.fail("invalid")
        return super().to_internal_value(data)


def _is_place(cursor: Cursor) -> bool:
    """Tell whether a cursor says anything, and nothing that the database would choke on."""
    if cursor.position is None:
        return bool(cursor.offset or cursor.reverse)
    try:
        when = parse_datetime(str(cursor.position))
        return when is not None and when.tzinfo is not None and bool(when.astimezone(UTC))
    except (ValueError, OverflowError):
        return False
