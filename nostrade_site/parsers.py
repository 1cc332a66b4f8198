"""Reading what programs send, within bounds."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import IO, Any

from django.conf import settings
from rest_framework import status
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import JSONParser


class TooLarge(APIException):
    """More than is read into memory."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "too_large"


class BoundedJSONParser(JSONParser):
    """Read JSON of at most `API_BODY_MB`, or of what the view allows (`body_mb`), and not nested for ever."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        context = dict(parser_context or {})
        megabytes = getattr(context.get("view"), "body_mb", settings.API_BODY_MB)
        most = megabytes * 2**20
        body = stream.read(most + 1)
        if len(body) > most:
            raise TooLarge(f"Send at most {megabytes} MB at a time: split it into several requests.")
        try:
            return super().parse(BytesIO(body), media_type, context)
        except RecursionError:
            raise ParseError("The JSON is nested too deeply to be what is asked for.") from None
