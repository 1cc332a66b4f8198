"""Pages about one person stay with that person: no shared cache keeps them, nor a browser that they left."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils.cache import has_vary_header, patch_cache_control


class PrivatePagesMiddleware:
    """Mark what depends on the cookie or a token as private, unless its view says otherwise.

    What is made for somebody is not stored at all: going back after logging out asks again, and gets the page
    of a visitor. The feed finds its cards and its place again by itself (`feed.js`). A page for visitors may
    be gone back to; where a browser keeps a personal page in its memory all the same, `reader.js` reloads it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        personal = has_vary_header(response, "Cookie") or "Authorization" in request.headers
        if personal and not response.has_header("Cache-Control"):
            kept = {"no_store": True} if _is_for_somebody(request, response) else {"no_cache": True}
            patch_cache_control(response, private=True, **kept)
        return response


def _is_for_somebody(request: HttpRequest, response: HttpResponseBase) -> bool:
    """Say whether a session or a token came with the request, or a session begins with the answer."""
    name = settings.SESSION_COOKIE_NAME
    return name in request.COOKIES or name in response.cookies or "Authorization" in request.headers
