"""What dismissals mean to the ranker: which titles it never shows, and what it is told of those seen."""

from __future__ import annotations

from django.db.models import Q

from catalog.models import Item
from catalog.text import fold
from feedback.dismissals import Dismissed
from feedback.history import History
from ml.feedback import Feedback
from ml.history import History as MlHistory
from recommender.series import series_by_id, series_name


def dismissed_ids(dismissed: Dismissed) -> frozenset[int]:
    """Return every title that must not be shown; one query where whole franchises are hidden, else none."""
    if not dismissed.franchises:
        return dismissed.anime_ids
    rejected = dismissed.franchises
    candidates = Q(pk__in=[each.anime_id for each in rejected])
    candidates |= Q(franchise__in=[each.franchise_id for each in rejected if each.franchise_id])
    if names := {_beginning(each.name) for each in rejected if not each.franchise_id}:
        # The database narrows by how names begin, the series itself decides; folded names are words alone.
        candidates |= Q(franchise=None, search_name__regex=f"^({'|'.join(sorted(names))})")
    series = series_by_id(Item.objects.filter(candidates))
    hidden = {series[each.anime_id] for each in rejected if each.anime_id in series}
    return dismissed.anime_ids.union(anime_id for anime_id, name in series.items() if name in hidden)


def _beginning(name: str) -> str:
    """Return what the folded names of a title's whole series begin with."""
    series = series_name(name)
    return series if fold(name).startswith(series) else fold(name)


def sequence_of(history: History, dismissed: Dismissed) -> MlHistory:
    """Return what the model reads: the reactions, and what was seen without an opinion as "watched".

    It knows such events from lists, where they are the titles without a score. A reaction to the same title
    says more, and replaces it.
    """
    events = [
        (reaction.timestamp, reaction.anime_id, int(reaction.feedback_type)) for reaction in history.reactions
    ]
    reacted = history.anime_ids
    events += [
        (when.timestamp(), anime_id, int(Feedback.WATCHED))
        for anime_id, when in dismissed.seen.items()
        if anime_id not in reacted
    ]
    events.sort(key=lambda event: event[0])  # stable: of one moment, in the order they were said
    return MlHistory(
        tuple(anime_id for _, anime_id, _ in events),
        tuple(feedback for _, _, feedback in events),
        tuple(timestamp for timestamp, _, _ in events),
    )
