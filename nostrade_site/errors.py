"""Errors outside of any view: a page for people, and below /api/ a problem, worded as the API's own."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps

from django.http import HttpRequest, HttpResponse
from django.views import defaults

from nostrade_site import outages
from nostrade_site.problems import problem_response

Handler = Callable[..., HttpResponse]


def _for_programs_too(status: int, sentence: str) -> Callable[[Handler], Handler]:
    """Let a handler of Django's answer people, and the sentence answer programs."""

    def decorate(handler: Handler) -> Handler:
        @wraps(handler)
        def handle(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
            if request.path.startswith("/api/"):
                return problem_response(status, sentence)
            return handler(request, *([] if exception is None else [exception]))

        return handle

    return decorate


bad_request = _for_programs_too(400, "This request cannot be read: check its headers, address and body.")(
    defaults.bad_request
)
not_found = _for_programs_too(404, "There is nothing here: /api/v1/schema/ lists the addresses.")(
    defaults.page_not_found
)
_broken = _for_programs_too(500, "Something broke on our side; it is logged. Try again in a moment.")(
    defaults.server_error
)


def server_error(request: HttpRequest) -> HttpResponse:
    """Say what is wrong where a middleware met an outage, as it may when it saves the session."""
    error = sys.exc_info()[1]
    return (outages.answer(request, error) if error else None) or _broken(request)
