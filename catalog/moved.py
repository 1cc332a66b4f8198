"""Where an address that names a merged title leads."""

from __future__ import annotations

from typing import cast

from django.http import HttpRequest, HttpResponsePermanentRedirect
from django.urls import ResolverMatch, reverse

from catalog.models import Item


def moved(request: HttpRequest, item: Item, *, parameter: str = "anime_id") -> HttpResponsePermanentRedirect:
    """Lead to this very page or call of the title that stayed, and to what was asked of it (301).

    `parameter` is what the address calls the id.
    """
    here = cast(ResolverMatch, request.resolver_match)
    address = reverse(here.view_name, kwargs={**here.kwargs, parameter: item.pk})
    query = request.META.get("QUERY_STRING", "")
    return HttpResponsePermanentRedirect(f"{address}?{query}" if query else address)
