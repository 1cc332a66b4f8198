"""Moods: "more like this tonight". They tilt the ranking and mask nothing; no mood is ever stored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from recommender.catalogue import Catalogue

if TYPE_CHECKING:
    from recommender.serving import LiveRanker

# What each mood is made of, in the genres of MyAnimeList; one with no genre in the catalogue is not offered.
MOODS = {
    "laugh": ("Comedy", "Parody"),
    "cry": ("Drama", "Romance"),
    "thrill": ("Thriller", "Mystery", "Psychological", "Suspense"),
    "fight": ("Action", "Martial Arts", "Super Power"),
    "wonder": ("Fantasy", "Adventure", "Magic"),
    "calm": ("Slice of Life", "Music"),
    "shiver": ("Horror", "Demons", "Vampire"),
    "stars": ("Sci-Fi", "Space", "Mecha"),
}
MOST = 3  # at once: more would be no mood
MOST_NEAR = 8  # titles that stand for a region: an address can still be sent to somebody
LABELS = {
    "laugh": "A laugh",
    "cry": "A good cry",
    "thrill": "A riddle",
    "fight": "A fight",
    "wonder": "Wonder",
    "calm": "Calm",
    "shiver": "A shiver",
    "stars": "The stars",
}
# In log-probability: a title that suits the mood ranks as if it were e^4, fifty times, as likely.
SUITS = 4.0
# And one whose embedding is the very same as that of the title to be like; most cosines are far below 1.
IS_LIKE = 12.0
# A region is asked for outright: so steered, most of the first twenty cards stand in it.
IS_NEAR = 20.0


def offered(catalogue: Catalogue) -> list[str]:
    """Return the moods that some title here could suit."""
    return [mood for mood, genres in MOODS.items() if set(genres) & set(catalogue.genres)]


def steer_of(
    moods: Sequence[str],
    like: int | None,
    near: Sequence[int],
    catalogue: Catalogue,
    live: LiveRanker | None,
) -> NDArray[np.float32] | None:
    """Return what is added to the score of each row; None where there is no mood."""
    if not moods and like is None and not near:
        return None
    steer = np.zeros(len(catalogue), dtype=np.float32)
    for mood in moods:
        columns = [place for place, name in enumerate(catalogue.genres) if name in MOODS[mood]]
        steer += SUITS / len(moods) * catalogue.has_genre[:, columns].any(axis=1)
    if like is not None:
        likeness = np.maximum(_likeness([like], catalogue, live)[:, 0], 0)
        likeness[catalogue.rows_of([like])] = 0  # it need not be told to like itself
        steer += IS_LIKE * likeness
    if near:  # as near as to the nearest of them, which are themselves what is asked for
        steer += IS_NEAR * np.maximum(_likeness(near, catalogue, live).max(1), 0)
    return steer


def _likeness(anime_ids: Sequence[int], catalogue: Catalogue, live: LiveRanker | None) -> NDArray[np.float32]:
    """Return how like each row is to some titles, by the model or else by genres, (rows, titles)."""
    if live is not None and any(map(live.ranker.knows, anime_ids)):
        here = live.rows >= 0
        likeness = np.zeros((len(catalogue), len(anime_ids)), dtype=np.float32)
        likeness[live.rows[here]] = live.ranker.likeness(anime_ids)[here]
        return likeness
    rows = catalogue.rows_of(anime_ids)
    return genre_cosines(catalogue, np.arange(len(catalogue)), rows)


def genre_cosines(
    catalogue: Catalogue, rows: NDArray[np.int64], others: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Return the cosines of the genres of rows with those of others, (rows, others)."""
    one, other = (catalogue.has_genre[each].astype(np.float32) for each in (rows, others))
    lengths = [np.maximum(np.linalg.norm(each, axis=1), 1e-6) for each in (one, other)]
    return np.asarray((one @ other.T) / lengths[0][:, None] / lengths[1][None])
