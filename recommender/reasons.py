"""The pages of reasons: why a title stands where it does, why not higher, and what is not to count."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from catalog.models import Item
from catalog.moved import moved
from catalog.search import search_titles
from feedback.redirects import SeeOther, next_page
from feedback.refusals import explains_refusals
from feedback.undoing import Undo, say
from recommender import ignoring
from recommender.middleware import PageRequest
from recommender.order import Order
from recommender.standing import Places
from recommender.why import why

N_FOUND = 10


@require_safe
@vary_on_headers("HX-Request", "HX-Target")
def why_page(request: PageRequest, anime_id: int) -> HttpResponse:
    """Say why a title stands where it does; in the feed's dialog, only the words themselves."""
    titles = Item.objects.visible(adult=True).prefetch_related("genres")
    item = titles.meant_by(anime_id)
    if item is None:
        raise Http404
    if item.pk != anime_id:
        return moved(request, item)
    if not request.show_adult and any(genre.is_adult for genre in item.genres.all()):
        return render(request, "recommender/adult_off.html", status=404)
    template = "recommender/_why.html" if request.htmx.target == "why" else "recommender/why.html"
    return render(request, template, {"item": item, "why": why(request.user, item)})


@require_safe
@vary_on_headers("HX-Request", "HX-Target")
def why_not(request: PageRequest) -> HttpResponse:
    """Find titles by name, each with its place and what holds it back."""
    query = request.GET.get("q", "").strip()
    visible = Item.objects.visible(adult=request.show_adult)
    found = search_titles(query, visible)[:N_FOUND]
    items = visible.prefetch_related("genres").in_bulk(found)
    places = Places(Order.of(request.user), request.user.pk)
    rows = [(items[pk], places.standing(items[pk])) for pk in found if pk in items]
    template = "recommender/_why_not.html" if request.htmx.target == "why-not" else "recommender/why_not.html"
    return render(request, template, {"query": query, "rows": rows, "is_personal": places.order.live})


@require_POST
@explains_refusals
def ignore(request: PageRequest, anime_id: int) -> HttpResponse:
    """Leave a reaction out of the person's recommendations."""
    item = ignoring.ignore(request.user, anime_id)
    say(request, f"Not counted: {item}", Undo(reverse("recommender:count", args=[item.pk])))
    return SeeOther(next_page(request))


@require_POST
@explains_refusals
def count(request: PageRequest, anime_id: int) -> HttpResponse:
    """Let an ignored reaction count again."""
    item = ignoring.count_again(request.user, anime_id)
    if item is not None:
        say(request, f"Counted again: {item}", Undo(reverse("recommender:ignore", args=[item.pk])))
    return SeeOther(next_page(request))
