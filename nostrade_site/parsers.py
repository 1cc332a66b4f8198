"""Reading what programs send, within bounds."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import IO, Any

from django.conf import settings
from rest_framework import status
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser, JSONParser


class TooLarge(APIException):
    """More than is read into memory."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "too_large"


class BoundedJSONParser(BaseParser):
    """Read JSON of at most `API_BODY_MB`, or of what the view allows (`body_mb`), and not nested for ever.

    It is no JSONParser itself: for those DRF reads the body before, and no more of it than a form may have.
    """

    media_type = JSONParser.media_type
    renderer_class = JSONParser.renderer_class

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
            return JSONParser().parse(BytesIO(body), media_type, context)
        except RecursionError:
            raise ParseError("The JSON is nested too deeply to be what is asked for.") from None
