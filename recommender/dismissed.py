"""What dismissals mean to the ranker: which titles it never shows, and what it is told of those seen."""

from __future__ import annotations

import numpy as np

from feedback.dismissals import Dismissed
from feedback.history import History
from ml.feedback import Feedback
from ml.history import History as MlHistory
from recommender.catalogue import Catalogue


def dismissed_ids(dismissed: Dismissed, catalogue: Catalogue) -> frozenset[int]:
    """Return every title that must not be shown: those dismissed, and all of the franchises hidden."""
    rejected = catalogue.rows_of([each.anime_id for each in dismissed.franchises])
    of_these = np.isin(catalogue.group, catalogue.group[rejected])
    return dismissed.anime_ids.union(catalogue.ids_of(of_these))


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
