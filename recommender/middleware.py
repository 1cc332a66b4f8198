"""`request.show_adult`: whether the reader asked for adult titles."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase
from django.utils.functional import SimpleLazyObject
from django_htmx.middleware import HtmxDetails

from recommender.models import preferences_of


class PageRequest(HttpRequest):
    """A request as views get it, for the type checker: with what the middleware adds."""

    htmx: HtmxDetails
    show_adult: bool


class PreferencesMiddleware:
    """Offer `request.show_adult`, a lazy truth value: one query at its first use, none where it has none."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request.show_adult = SimpleLazyObject(  # type: ignore[attr-defined]
            lambda: preferences_of(request.user).show_adult
        )
        return self.get_response(request)
