"""Reading what programs send, within bounds."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import IO, Any, NoReturn

from django.conf import settings
from rest_framework import status
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser, JSONParser
from rest_framework.request import Request

# How many values a body may hold, by the bytes it may have: a batch of half a million events has one in 24,
# and 48 MB of nothing but `[],` would take a gigabyte as lists.
BYTES_A_VALUE = 16


class TooLarge(APIException):
    """More than is read into memory."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "too_large"


class Packed(APIException):
    """A body that would have to be unpacked, as RFC 9110 has it answered."""

    status_code = status.HTTP_415_UNSUPPORTED_MEDIA_TYPE
    default_code = "packed"
    default_detail = "Send the body as it is, without Content-Encoding: nothing is unpacked here."


class BoundedJSONParser(BaseParser):
    """Read a JSON object of at most `API_BODY_MB`, or of what the view allows (`body_mb`), in UTF-8.

    It is no JSONParser itself: for those DRF reads the body before, and no more of it than a form may have.
    """

    media_type = JSONParser.media_type
    renderer_class = JSONParser.renderer_class

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        context = dict(parser_context or {})
        _refuse_packed(context.get("request"))
        megabytes = getattr(context.get("view"), "body_mb", settings.API_BODY_MB)
        most = megabytes * 2**20
        body = stream.read(most + 1)
        if len(body) > most:
            raise TooLarge(f"Send at most {megabytes} MB at a time: split it into several requests.")
        if sum(map(body.count, (b",", b"[", b"{"))) > most // BYTES_A_VALUE:
            raise TooLarge(f"Send at most {most // BYTES_A_VALUE:,} values at a time: split the request.")
        return read_object(body)


def read_object(body: bytes) -> dict[str, Any]:
    """Read a JSON object, strictly by RFC 8259. Raises ParseError with what to do."""
    try:
        text = body.decode("utf-8-sig")  # some programs begin with a byte order mark
        said = json.loads(text, object_pairs_hook=_without_repetition, parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise ParseError(f"The body is not UTF-8 at byte {error.start}: send JSON in UTF-8.") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise ParseError(f"The body is no JSON: {error.msg} at {where}.") from None
    except RecursionError:
        raise ParseError("The JSON is nested too deeply to be what is asked for.") from None
    except ValueError:  # Python reads no number of more than 4,300 digits
        raise ParseError("A number has more digits than anything that is asked for.") from None
    if not isinstance(said, dict):
        raise ParseError('Send a JSON object, {"name": value}, with the fields of this call.')
    return said


def _refuse_packed(request: Request | None) -> None:
    if request is not None and request.headers.get("Content-Encoding", "").lower() not in ("", "identity"):
        raise Packed


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object of its pairs; which of two values was meant by one name, nobody can tell."""
    said = dict(pairs)
    if len(said) != len(pairs):
        [(twice, _)] = Counter(name for name, _ in pairs).most_common(1)
        raise ParseError(f"The name {json.dumps(twice[:40])} is there more than once: send it once.")
    return said


def _refuse_constant(constant: str) -> NoReturn:
    raise ParseError(f"{constant} is no number in JSON: send one, or leave the field out.")
