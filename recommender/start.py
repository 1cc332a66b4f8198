"""The first visit: a few favourites are all the model needs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from catalog.models import Item
from catalog.search import search_titles
from feedback.history import History, Reaction
from feedback.models import FeedbackType
from recommender.serving import get_catalogue, get_ranker
from recommender.starter_grid import N_STARTERS, starter_grid

NEEDED = 3


def picks_of(history: History) -> list[Reaction]:
    """Return the titles liked or loved so far."""
    return [reaction for reaction in history.reactions if reaction.feedback_type != FeedbackType.DISLIKE]


def choices(query: str, *, adult: bool) -> list[Item]:
    """Return titles to pick from: those a search finds, or without one the wall of starters."""
    visible = Item.objects.visible(adult=adult)
    chosen = search_titles(query, visible)[:N_STARTERS] if query else _starters()
    items = visible.prefetch_related("genres").in_bulk(chosen)
    return list(islice((items[anime_id] for anime_id in chosen if anime_id in items), N_STARTERS))


def _starters() -> Sequence[int]:
    live = get_ranker()
    return live.starters if live is not None else starter_grid(get_catalogue(), None)
