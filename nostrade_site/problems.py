"""Errors of the API, all of one form: problem+json (RFC 9457), naming the field and the remedy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, JsonResponse, UnreadablePostError
from rest_framework import exceptions, views
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.settings import api_settings

CONTENT_TYPE = "application/problem+json"
WHOLE = {"", "detail", api_settings.NON_FIELD_ERRORS_KEY}  # said of no field in particular
NOT_LET_IN = "Log in, or send a token made at /tokens/, as Authorization: Bearer …."
UNREADABLE = "The body cannot be read: send it once more, and no more of it than is asked for."
REMEDIES: dict[type[Exception], str] = {
    exceptions.UnsupportedMediaType: "Send JSON, with Content-Type: application/json.",
}
KEPT_HEADERS = ("WWW-Authenticate", "Retry-After", "Allow")


def problem(status: int, detail: str, errors: list[dict[str, str]] | None = None) -> dict[str, Any]:
    """Return the body of an error."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return body | ({"errors": errors} if errors else {})


def problem_response(status: int, detail: str, headers: Mapping[str, str] | None = None) -> JsonResponse:
    """Return an error that no view of the API answers with itself."""
    body = problem(status, detail)
    return JsonResponse(body, status=status, headers=headers, content_type=CONTENT_TYPE)


def is_call(request: HttpRequest) -> bool:
    """Say whether the address led to a view of the API."""
    return request.resolver_match is not None and request.resolver_match.namespace == "api"


def handle_exception(error: Exception, context: dict[str, Any]) -> Response | None:
    """Word an error of a view as a problem; None for what is no error of the API's, a fault for one."""
    if isinstance(error, UnreadablePostError | SuspiciousOperation):  # what Django itself would call a 400
        error = exceptions.ParseError(UNREADABLE)
    answer = views.exception_handler(error, context)
    if answer is None:
        return None
    found = list(_sentences(answer.data))
    errors = [{"field": field, "detail": sentence} for field, sentence in found if field not in WHOLE]
    whole = [sentence for field, sentence in found if field in WHOLE]
    if isinstance(error, exceptions.NotAuthenticated):
        whole = [NOT_LET_IN]
    elif isinstance(error, exceptions.MethodNotAllowed):
        whole.append(f"Use {', '.join(context['view'].allowed_methods)}.")
    elif type(error) in REMEDIES:
        whole.append(REMEDIES[type(error)])
    detail = " ".join(whole) or "; ".join(f"{each['field']}: {each['detail']}" for each in errors[:3])
    headers = {name: answer[name] for name in KEPT_HEADERS if answer.has_header(name)}
    body = problem(answer.status_code, detail, errors)
    # Also where the view writes YAML, and where nothing that is asked for can be had.
    context["request"].accepted_renderer = JSONRenderer()
    context["request"].accepted_media_type = JSONRenderer.media_type
    return Response(body, answer.status_code, headers=headers, content_type=CONTENT_TYPE)


def _sentences(data: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield each sentence with the field it is about; of fields in fields a dotted path."""
    if isinstance(data, dict):
        for name, inner in data.items():
            yield from _sentences(inner, _joined(path, str(name)))
    elif isinstance(data, list):
        for place, inner in enumerate(data):
            nested = isinstance(inner, dict | list)
            yield from _sentences(inner, _joined(path, str(place)) if nested else path)
    else:
        yield path, str(data)


def _joined(path: str, name: str) -> str:
    return path if path and name in WHOLE else f"{path}.{name}" if path else name
