"""Everybody's newest reaction, held out of a training run; and what it was chosen from.

A person can only react to what they were shown, and the champion chose that: among all titles it is favoured,
because what a candidate would have shown instead, nobody saw. So only the titles that were shown beside it
compete, by the log of impressions. (Inside that list the champion is still favoured by what stood on top.)
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime

import numpy as np
from numpy.typing import NDArray

from feedback.models import FeedbackType
from ml.data import Dataset
from ml.feedback import Feedback
from ml.id_maps import IdMap
from ml.leave_out import only_events
from ml.protocols import Case
from ml.splits import user_fractions
from recommender.models import Impression
from recommender.outcomes import WINDOW

MOST = 500  # people whose newest word is held out
FEWEST_EVENTS = 5  # of such a person
FEWEST_SHOWN = 5  # titles beside the one they chose, for that to say anything

Page = tuple[int, date, str]  # what one person was shown on a day by one checkpoint


def without_newest(people: Dataset) -> tuple[Dataset, Dataset]:
    """Take the newest event, a like or a love, from people with enough of them; return the rest, and theirs.

    At most `MOST` people, those of the lowest hash. Their word is not lost: another night learns it.
    """
    last = people.offsets[1:] - 1
    liked = np.isin(people.feedback[last], (FeedbackType.LIKE, FeedbackType.LOVE))
    ready = (people.lengths >= FEWEST_EVENTS) & np.isfinite(people.timestamps[last]) & liked
    chosen = _lowest(user_fractions(people.user_ids), ready, MOST)
    kept = np.ones(len(people.items), dtype=bool)
    kept[last[chosen]] = False
    return only_events(people, kept), people.people(chosen)


def newest_cases(newest: Dataset, beside: Dataset) -> list[Case]:
    """Know everything but each one's newest event, which is the target, among what was shown beside it."""
    cases = []
    for user in range(newest.n_users):
        history, last = newest.history(user), newest.lengths[user] - 1
        case = Case.of(history.take(range(last)), history.take(range(last, last + 1)))
        cases.append(replace(case, among=beside.history(user).item_ids))
    return cases


def shown_beside(newest: Dataset, user_ids: Sequence[int]) -> Dataset:
    """Return the titles shown beside each person's newest event, none where it came from no list of cards.

    `user_ids` are the people of `newest` on the site. Of too few titles nothing can be told either: none.
    """
    last = newest.offsets[1:] - 1
    chosen = {
        user_id: (newest.id_map.id_of(int(item)), datetime.fromtimestamp(when, UTC))
        for user_id, item, when in zip(user_ids, newest.items[last], newest.timestamps[last], strict=True)
    }
    shown = _shown_on(_pages_of(chosen))
    rows = [shown.get(user_id, []) for user_id in user_ids]
    return _sets(newest, [row if len(row) > FEWEST_SHOWN else [] for row in rows])


def _pages_of(chosen: dict[int, tuple[int, datetime]]) -> set[Page]:
    """Return where people were shown what they chose: the last time before they did."""
    rows = Impression.objects.filter(user__in=chosen, item__in={item for item, _ in chosen.values()})
    pages: dict[int, Page] = {}
    for user_id, item_id, shown_at, day, version in rows.order_by("shown_at").values_list(
        "user_id", "item_id", "shown_at", "day", "version"
    ):
        item, said_at = chosen[user_id]
        if item_id == item and shown_at <= said_at <= shown_at + WINDOW:
            pages[user_id] = (user_id, day, version)
    return set(pages.values())


def _shown_on(pages: set[Page]) -> dict[int, list[int]]:
    """Return all titles of one page for each person."""
    rows = Impression.objects.filter(
        user__in={user_id for user_id, *_ in pages}, day__in={day for _, day, _ in pages}
    )
    shown: dict[int, list[int]] = defaultdict(list)
    for row in rows.order_by("pk").values_list("user_id", "day", "version", "item_id").iterator():
        user_id, day, version, item_id = row
        if (user_id, day, version) in pages:
            shown[user_id].append(item_id)
    return shown


def _sets(people: Dataset, rows: Sequence[Sequence[int]]) -> Dataset:
    """Return the same people with these titles, which they saw and no more, in an id map of their own."""
    flat = [item_id for row in rows for item_id in row]
    id_map = IdMap(sorted(set(flat)))
    return replace(
        people,
        id_map=id_map,
        offsets=np.cumsum([0, *map(len, rows)]),
        items=id_map.indices_of(flat).astype(np.int32),
        feedback=np.full(len(flat), Feedback.WATCHED, dtype=np.int8),
        timestamps=np.full(len(flat), np.nan),
        content=None,
    )


def _lowest(fractions: NDArray[np.float64], allowed: NDArray[np.bool_], most: int) -> NDArray[np.bool_]:
    """Mark the allowed people with the `most` lowest fractions."""
    order = np.argsort(np.where(allowed, fractions, np.inf), kind="stable")[:most]
    chosen = np.zeros(len(fractions), dtype=bool)
    chosen[order] = True
    return chosen & allowed
