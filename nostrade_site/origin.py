"""The site's own address: every link that leaves it begins with SITE_URL, whatever name a request came by."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from urllib.parse import urljoin

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.http.request import split_domain_port
from django.utils.encoding import iri_to_uri

PROBES = {"/healthz", "/readyz", "/metrics"}


class OriginMiddleware:
    """Build absolute addresses from SITE_URL; under this machine's names a public site answers probes alone.

    Django's own takes the `Host` of the request, and whoever asks for a reset chooses that.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        name, _ = split_domain_port(request.get_host())
        if name in settings.PROBE_NAMES and request.path not in PROBES:
            return HttpResponse(
                f"This name is for {', '.join(sorted(PROBES))} alone. The site is {settings.SITE_URL}/\n",
                status=421,
                content_type="text/plain; charset=utf-8",
            )
        request.build_absolute_uri = partial(absolute, request)  # type: ignore[method-assign]
        return self.get_response(request)


def absolute(request: HttpRequest, location: str | None = None) -> str:
    """Return a path of the site, or the request's own, as an address that others can open."""
    there = request.get_full_path() if location is None else str(location)
    return iri_to_uri(urljoin(settings.SITE_URL + request.path, there))
