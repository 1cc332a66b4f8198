"""Requests that are not carried out, and the sentence that says why and what to do."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

View = Callable[..., HttpResponse]


class RefusedError(Exception):
    """Carries the HTTP status and the sentence for the person."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence


def explains_refusals(view: View) -> View:
    """Answer a refusal with a page, or for HTMX with the bare sentence, which the page shows as a toast."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except RefusedError as refused:
            if "HX-Request" in request.headers:
                return HttpResponse(
                    refused.sentence, status=refused.status, content_type="text/plain; charset=utf-8"
                )
            context = {"sentence": refused.sentence, "status": refused.status}
            return render(request, "feedback/refused.html", context, status=refused.status)

    return wrapped
