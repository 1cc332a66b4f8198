"""The map's pages: points for the drawing, the reader's own marks on it, and the same in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from catalog.models import Item
from feedback.days import day_of
from feedback.history import Reaction
from feedback.refusals import RefusedError, explains_refusals
from ml.feedback import Feedback
from recommender.bar import address
from recommender.explanations import real_causes
from recommender.middleware import PageRequest
from recommender.models import Map
from recommender.order import Order
from recommender.regions import LAYOUTS, Box, near_query, region_within, regions_of
from recommender.standing import Places

N_LATEST, N_NEAR = 12, 5  # of the table: the latest titles that pleased, and the nearest to each


@dataclass(frozen=True)
class Neighbours:
    """A title that pleased, and what stands nearest to it in the model's space."""

    reaction: Reaction
    item: Item
    near: tuple[Item, ...]

    @property
    def query(self) -> str:
        """Return the query string that steers the feed there."""
        return near_query([self.item.pk, *(item.pk for item in self.near)])


@require_safe
def map_page(request: PageRequest) -> HttpResponse:
    """Show the learned space, the reader's own way through it, and as a table what is near what they love."""
    order = Order.of(request.user)
    drawn = Map.objects.filter(checkpoint__state="active").select_related("checkpoint").first()
    marks = [
        {"id": said.anime_id, "said": said.label, "when": f"{day_of(said.when):%-d %B %Y}"}
        for said in order.counted
    ]
    regions = regions_of(drawn.points, order.catalogue, order.situation.visible) if drawn else []
    context = {"map": drawn, "marks": marks, "rows": _neighbours(order), "regions": regions}
    return render(request, "recommender/map.html", context)


@require_safe
@cache_control(private=True, max_age=3600)
def map_points(request: PageRequest, version: str) -> JsonResponse:
    """Return the points of a checkpoint's map: columns of the titles that the reader may see."""
    drawn = get_object_or_404(Map, checkpoint__version=version)
    visible = Item.objects.visible(adult=request.show_adult)
    items = visible.filter(pk__in=drawn.points["ids"]).prefetch_related("genres").in_bulk()
    return JsonResponse(_columns(drawn.points, items))


@require_safe
@cache_control(private=True, no_store=True)
def map_causes(request: PageRequest, anime_id: int) -> JsonResponse:
    """Return which of the reader's reactions raise a title, for the lines on the map."""
    order = Order.of(request.user)
    anime_id = order.catalogue.meant_by(anime_id)  # on a map that was drawn before titles were merged
    causes = order.live.ranker.explain(order.sequence, [anime_id])[0] if order.live else []
    return JsonResponse({"causes": [cause.item_id for cause in real_causes(causes)]})


@require_safe
@explains_refusals
def map_region(request: PageRequest, version: str) -> HttpResponse:
    """Lead to the feed, steered to what stands in a rectangle of the map."""
    drawn = get_object_or_404(Map, checkpoint__version=version)
    layout, box = _rectangle(request)
    visible = Item.objects.visible(adult=request.show_adult).filter(pk__in=drawn.points["ids"])
    near = region_within(drawn.points, layout, box, {*visible.values_list("pk", flat=True)})
    if not near:
        raise RefusedError(404, "No title stands there. Draw a larger rectangle on the map.")
    return redirect(address(near_query(near)))


def _rectangle(request: PageRequest) -> tuple[str, Box]:
    """Read which layout a rectangle was drawn on, and its corners."""
    layout, corners = request.GET.get("layout", LAYOUTS[0]), request.GET.get("box", "").split(",")
    if layout not in LAYOUTS:
        raise RefusedError(400, f"The layout is one of {', '.join(LAYOUTS)}.")
    try:
        left, low, right, high = (round(float(corner), 6) for corner in corners)
    except (ValueError, OverflowError):
        raise RefusedError(400, "Say the rectangle as box=left,low,right,high, four numbers.") from None
    return layout, (left, low, right, high)


def _columns(points: Mapping[str, Any], items: Mapping[int, Item]) -> dict[str, Any]:
    """Lay the map out by columns: thousands of rows with the names of their fields would be twice as long."""
    places = [place for place, pk in enumerate(points["ids"]) if pk in items]
    titles = [items[points["ids"][place]] for place in places]
    return {
        "ids": [item.pk for item in titles],
        "names": [item.name for item in titles],
        "years": [item.year for item in titles],
        "scores": [item.rating_mean for item in titles],
        "genres": [[genre.name for genre in item.genres.all()] for item in titles],
        "pca": [points["pca"][place] for place in places],
        "tsne": [points["tsne"][place] for place in places],
        "feedback": dict(zip([f.name.capitalize() for f in Feedback if f], points["feedback"], strict=True)),
        "times": points["times"],
    }


def _neighbours(order: Order) -> list[Neighbours]:
    """Say the map in words."""
    if order.live is None:
        return []
    ranker, masked = order.live.ranker, Places(order).masked
    known = [said for said in reversed(order.counted) if ranker.knows(said.anime_id)]
    pleased = [said for said in known if not said.is_dislike][:N_LATEST]
    near = {
        said.anime_id: [title.item_id for title in ranker.similar(said.anime_id, N_NEAR, exclude=masked)]
        for said in pleased
    }
    visible = Item.objects.visible(adult=order.adult)
    items = visible.in_bulk({*near, *(pk for found in near.values() for pk in found)})
    return [
        Neighbours(said, items[said.anime_id], tuple(items[pk] for pk in near[said.anime_id] if pk in items))
        for said in pleased
        if said.anime_id in items
    ]
