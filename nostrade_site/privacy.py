"""Pages about one person stay with that person: no shared cache may keep them."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase
from django.utils.cache import has_vary_header, patch_cache_control


class PrivatePagesMiddleware:
    """Mark what depends on the cookie or a token as private, unless its view says otherwise.

    `no-cache` and not `no-store`: who goes back to a long feed should find it as it was.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        personal = has_vary_header(response, "Cookie") or "Authorization" in request.headers
        if personal and not response.has_header("Cache-Control"):
            patch_cache_control(response, private=True, no_cache=True)
        return response
