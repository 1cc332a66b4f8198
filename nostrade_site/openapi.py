"""The OpenAPI document: what each operation may answer beside what it is for, said once for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.utils import OpenApiParameter

from catalog.rest import Tagged
from nostrade_site.problems import CONTENT_TYPE

JSON = "application/json"
Document = dict[str, Any]
PROBLEM: Document = {
    "type": "object",
    "description": "What went wrong and what to do about it (RFC 9457).",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "examples": ["about:blank"]},
        "title": {"type": "string", "examples": ["Bad Request"]},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string", "description": "What to do, in a sentence."},
        "errors": {
            "type": "array",
            "description": "The fields that were refused, if it is about fields.",
            "items": {
                "type": "object",
                "required": ["field", "detail"],
                "properties": {"field": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
    },
}
SECONDS: Document = {
    "required": True,
    "description": "Seconds until it makes sense to come again.",
    "schema": {"type": "integer", "minimum": 0},
}
# By status: the name of the response among the components, its description and its headers.
REFUSALS: dict[int, tuple[str, str, Document]] = {
    400: ("BadRequest", "Something was sent that makes no sense; `errors` names the fields.", {}),
    401: (
        "Unauthorized",
        "Nobody is acting: no token, or one that is unknown or was revoked.",
        {"WWW-Authenticate": {"required": True, "schema": {"type": "string"}}},
    ),
    403: ("Forbidden", "The token lacks the scope, or the person may not do this.", {}),
    404: ("NotFound", "There is no such thing, or not for this person.", {}),
    406: ("NotAcceptable", "Only what is listed here can be answered with.", {}),
    412: ("ConditionUnmet", "What `If-Match` or `If-Unmodified-Since` names is no longer the answer.", {}),
    413: ("TooLarge", "More than is read in one request.", {}),
    415: ("UnsupportedMediaType", "The body is not said to be JSON, or is packed.", {}),
    422: ("Unprocessable", "The key came with another request before.", {}),
    429: ("TooManyRequests", "A limit was reached.", {"Retry-After": SECONDS}),
    503: ("Unavailable", "The database is out of reach for a moment.", {"Retry-After": SECONDS}),
}
EVERYWHERE = (401, 403, 406, 429, 503)
IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match",
    str,
    OpenApiParameter.HEADER,
    description="The `ETag` of the answer that is known already.",
)
ETAG: Document = {"description": "Names this answer, for `If-None-Match`.", "schema": {"type": "string"}}
PLACES = {"cursor", "page"}  # parameters that lead nowhere (404) where others make no sense (400)


class Schema(AutoSchema):
    """Describe a view; its own decorators say what is particular to it."""

    def get_summary(self) -> str:
        """Word the operation's id, which the decorators give: “List similar items”."""
        return str(self.get_operation_id()).replace("_", " ").capitalize()

    def get_override_parameters(self) -> list[Any]:
        return [IF_NONE_MATCH] if self._has_etag() else []

    def get_operation(self, *args: Any) -> Document | None:
        operation: Document | None = super().get_operation(*args)
        if operation is None:
            return None
        responses = operation["responses"]
        if self._has_etag():
            responses["200"].setdefault("headers", {})["ETag"] = ETAG
            responses["304"] = {"description": "What `If-None-Match` names is still the answer."}
            responses["412"] = {}
        for status in {*_refusals_of(operation), *(int(code) for code in responses if code >= "400")}:
            responses[str(status)] = self._refusal(status)
        operation["responses"] = dict(sorted(responses.items()))
        return operation

    def _get_request_body(self, direction: str = "request") -> Document | None:
        """Describe the body of a DELETE too, where the view names it."""
        serializer = getattr(self.view, "body_of_delete", None)
        if self.method != "DELETE" or serializer is None:
            return cast(Document | None, super()._get_request_body(direction))  # type: ignore[no-untyped-call]
        schema, _ = self._get_request_for_media_type(serializer, direction)  # type: ignore[no-untyped-call]
        return {"content": {JSON: {"schema": schema}}}

    def _has_etag(self) -> bool:
        return isinstance(self.view, Tagged) and self.method == "GET"

    def _refusal(self, status: int) -> Document:
        """Refer to the description of a refusal, which all operations share."""
        problem = self._named("Problem", ResolvedComponent.SCHEMA, PROBLEM)
        name, description, headers = REFUSALS[status]
        response: Document = {
            "description": description,
            "content": {CONTENT_TYPE: {"schema": problem}},
        }
        if headers:
            response["headers"] = headers
        return self._named(name, ResolvedComponent.RESPONSE, response)

    def _named(self, name: str, kind: str, described: Document) -> Document:
        """Put something among the components, once, and refer to it."""
        component = ResolvedComponent(name, kind, described, name)  # type: ignore[no-untyped-call]
        self.registry.register_on_missing(component)
        return component.ref


def _refusals_of(operation: Document) -> Iterator[int]:
    """Yield the statuses that can be told from what an operation takes."""
    yield from EVERYWHERE
    asked = [
        (parameter["in"], parameter["name"])
        for parameter in operation.get("parameters", [])
        if parameter["name"] != IF_NONE_MATCH.name
    ]
    if any(place == "path" or name in PLACES for place, name in asked):
        yield 404
    if "requestBody" in operation:
        yield from (400, 413, 415)
    elif any(place in ("query", "header") and name not in PLACES for place, name in asked):
        yield 400
