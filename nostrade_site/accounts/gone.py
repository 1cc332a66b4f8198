"""Requests of somebody whose account is deleted while they are carried out."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.auth import get_user_model
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from nostrade_site.problems import is_call, problem_response
from nostrade_site.tokens.authentication import CHALLENGE

SENTENCE = "This account was deleted a moment ago, so nothing was written."


class GoneAccountMiddleware:
    """Say so where the database refuses what refers to an account that is no more; Django would say 500."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, IntegrityError) or not _is_gone(request):
            return None
        if is_call(request):
            return problem_response(401, SENTENCE, {"WWW-Authenticate": CHALLENGE})
        return HttpResponse(SENTENCE, status=403, content_type="text/plain; charset=utf-8")


def _is_gone(request: HttpRequest) -> bool:
    """Look whether the acting person, by session or by token, is still there."""
    person = request.user
    return person.is_authenticated and not get_user_model()._default_manager.filter(pk=person.pk).exists()
