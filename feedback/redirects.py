"""Where a form leads: Post/Redirect/Get."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.utils.http import MAX_URL_REDIRECT_LENGTH, url_has_allowed_host_and_scheme

FEED = "recommender:feed"  # by name only: this app knows no page above it


class SeeOther(HttpResponseRedirect):
    """Post/Redirect/Get: the browser, or HTMX, asks for the next page with GET."""

    status_code = 303


def leads_here(request: HttpRequest, url: str) -> bool:
    """Say whether an address that came with a request is one of this site, as a path or with its very host.

    What has no slash is none: Django's `redirect` takes it for the name of a view, and fails.
    """
    ours = url_has_allowed_host_and_scheme(url, {request.get_host()}, require_https=request.is_secure())
    return ours and "/" in url and len(url) <= MAX_URL_REDIRECT_LENGTH


def next_page(request: HttpRequest) -> str:
    """Return the page to go on with: the form's `next` where it leads to this site, else the feed."""
    url = request.POST.get("next", "")
    return url if leads_here(request, url) else resolve_url(FEED)
