"""The catalogue's pages: search, and the drawn posters."""

from collections.abc import Iterable
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.cache import get_conditional_response, patch_cache_control, patch_vary_headers
from django.views.decorators.http import require_safe

from catalog.models import Genre, Item
from catalog.moved import moved
from catalog.posters import Poster
from catalog.search import find
from catalog.visibility import shows_adult

PAGE_SIZE = 24
FIVE_MINUTES, A_YEAR = 5 * 60, 365 * 24 * 60 * 60


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """Show the titles like `q`, or without it the most popular ones, of a genre and a type."""
    adult, query = shows_adult(request), " ".join(request.GET.get("q", "").split())
    genres = list(Genre.objects.visible(adult=adult))
    genre, genre_known = _chosen(request, "genre", (each.name for each in genres))
    kind, kind_known = _chosen(request, "type", Item.Type.values)
    found = find(query, Item.objects.visible(adult=adult).of(genre=genre, type=kind))
    page = Paginator(found, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "items": page.object_list,
        "query": query,
        "genres": genres,
        "types": Item.Type.choices,
        "genre": genre,
        "type": kind,
        "page_obj": page,
    }
    # A reaction or an Undo on this page asks for the whole of it, and HTMX picks what it needs.
    just_results = request.htmx.target == "results"  # type: ignore[attr-defined]
    template = "catalog/_results.html" if just_results else "catalog/search.html"
    response = render(request, template, context, status=200 if genre_known and kind_known else 400)
    patch_vary_headers(response, ["HX-Target"])
    return response


def _chosen(request: HttpRequest, name: str, known: Iterable[str]) -> tuple[str, bool]:
    """Return the value asked for as we spell it; for one that is not there, say so and search without it."""
    asked = request.GET.get(name, "").strip()
    value = {each.casefold(): each for each in known}.get(asked.casefold(), "")
    if asked and not value:
        shown = asked if len(asked) <= 40 else f"{asked[:40]}…"
        messages.warning(
            request, f"There is no {name} “{shown}”: every {name} is shown. Choose one of the list."
        )
    return value, bool(value) or not asked


@require_safe
def poster(request: HttpRequest, anime_id: int) -> HttpResponseBase:
    """Draw the poster; the address with its version may be kept for ever, as a change gives a new one."""
    drawn = Poster.of(anime_id)
    if drawn is None and (item := Item.objects.visible(adult=True).meant_by(anime_id)):
        return moved(request, item)
    if drawn is None:
        raise Http404("There is no such title.")
    etag = f'"{drawn.version}"'
    response = get_conditional_response(request, etag=etag) or HttpResponse(
        drawn.svg(), content_type="image/svg+xml", headers={"ETag": etag}
    )
    kept = request.GET.get("v") == drawn.version
    lasting: dict[str, Any] = {"max_age": A_YEAR, "immutable": True} if kept else {"max_age": FIVE_MINUTES}
    patch_cache_control(response, public=True, **lasting)
    return response
