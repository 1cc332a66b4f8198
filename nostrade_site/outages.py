"""Requests that the database left half-way: told in a sentence to come again, where Django would say 500."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from nostrade_site.problems import is_call, problem_response

logger = logging.getLogger(__name__)

SENTENCE = "The site cannot reach its database just now. Please try again in a moment."
HEADERS = {"Retry-After": "2", "Cache-Control": "no-store"}  # seconds


class DatabaseOutageMiddleware:
    """Answer 503 where the database went away, or stayed locked, under a view."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, OperationalError | InterfaceError):
            return None
        logger.error("No answer to %s %s", request.method, request.path, exc_info=exception)
        if is_call(request):
            return problem_response(503, SENTENCE, HEADERS)
        return HttpResponse(SENTENCE, status=503, headers=HEADERS, content_type="text/plain; charset=utf-8")
