"""What the reader asked for: `request.preferences`, `request.show_adult`, and dates in their time zone."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.functional import SimpleLazyObject
from django_htmx.middleware import HtmxDetails

from recommender.models import Preferences, preferences_of
from recommender.zones import ReadersZone


class PageRequest(HttpRequest):
    """A request as views get it, for the type checker: with what the middleware adds."""

    htmx: HtmxDetails
    preferences: Preferences
    show_adult: bool


class PreferencesMiddleware:
    """Offer `request.preferences` and `request.show_adult`: one query at the first use, none without one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        preferences = SimpleLazyObject(lambda: preferences_of(request.user))
        request.preferences = preferences  # type: ignore[attr-defined]
        request.show_adult = SimpleLazyObject(lambda: preferences.show_adult)  # type: ignore[attr-defined]
        return self.get_response(request)


class TimeZoneMiddleware:
    """Write the dates of a page in its reader's zone; the API writes UTC, whoever asks.

    What was written so depends on the cookie, and says so to every cache.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path.startswith("/api/"):
            return self.get_response(request)
        zone = ReadersZone(request, request.preferences)  # type: ignore[attr-defined]
        with timezone.override(zone):
            response = self.get_response(request)
        if zone.was_used:
            patch_vary_headers(response, ["Cookie"])
        return response
