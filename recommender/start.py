"""The first visit: a few favourites are all the model needs."""

from __future__ import annotations

from catalog.models import Item, ItemQuerySet
from catalog.search import search_titles
from feedback.history import History, Reaction
from feedback.models import FeedbackType
from recommender.series import series_by_id

NEEDED = 3
N_CHOICES = 48


def picks_of(history: History) -> list[Reaction]:
    """Return the titles liked or loved so far."""
    return [reaction for reaction in history.reactions if reaction.feedback_type != FeedbackType.DISLIKE]


def choices(query: str, *, adult: bool) -> list[Item]:
    """Return titles to pick from: those a search finds, or without one the most popular of as many series."""
    visible = Item.objects.visible(adult=adult)
    chosen = search_titles(query, visible) if query else _first_of_each_series(visible.popular())
    items = Item.objects.prefetch_related("genres").in_bulk(chosen[:N_CHOICES])
    return [items[anime_id] for anime_id in chosen[:N_CHOICES] if anime_id in items]


def _first_of_each_series(popular: ItemQuerySet) -> list[int]:
    """Return the best-known title of each series among enough of the most popular titles."""
    first: dict[str, int] = {}
    for anime_id, series in series_by_id(popular[: N_CHOICES * 4]).items():
        first.setdefault(series, anime_id)
    return list(first.values())
