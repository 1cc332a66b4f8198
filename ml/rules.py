"""Baselines that are rules: what everybody watches lately, and what belongs to the same franchise."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ml.baselines import Popularity
from ml.data import Dataset
from ml.history import History
from ml.id_maps import IdMap
from ml.ratings import DataError

SECONDS_A_DAY = 86_400.0


class RecentPopularity:
    """The titles with the most events in the last `days` before the newest event (Ji et al., 2020).

    Titles equally popular lately stand in the order of their popularity of all time.
    Raises DataError when no event of the data has a time: nothing is recent then.
    """

    def __init__(self, dataset: Dataset, days: float = 90.0) -> None:
        timed = np.isfinite(dataset.timestamps)
        if not timed.any():
            raise DataError(
                "The data has no times, so nothing is recent; prepare it from a file with a timestamp column."
            )
        since = dataset.timestamps[timed].max() - days * SECONDS_A_DAY
        recent = dataset.items[timed & (np.nan_to_num(dataset.timestamps, nan=-np.inf) >= since)]
        counts = np.bincount(recent, minlength=dataset.n_items + 1).astype(np.float32)
        self._id_map = dataset.id_map
        self.counts = counts + _below_one(dataset)

    @property
    def id_map(self) -> IdMap:
        """Return the titles it knows."""
        return self._id_map

    def scores(self, histories: Sequence[History]) -> NDArray[np.float32]:
        """Score by the number of recent events, shape (len(histories), N + 1)."""
        return np.tile(self.counts, (len(histories), 1))


class FranchiseSiblings:
    """Titles of the franchises in the history by popularity, then all others by popularity.

    What a person who only looks for sequels would be shown; `franchises` maps outside ids to any name.
    Titles without a franchise are nobody's sibling.
    """

    def __init__(self, dataset: Dataset, franchises: Mapping[int, str]) -> None:
        self._id_map = dataset.id_map
        self._popularity = _below_one(dataset)
        names = {name: number for number, name in enumerate(sorted(set(franchises.values())), start=1)}
        groups = (names.get(franchises.get(item_id, ""), 0) for item_id in dataset.id_map.ids)
        self._groups = np.array([0, *groups], dtype=np.int64)  # (N + 1,), 0 = in no franchise

    @property
    def id_map(self) -> IdMap:
        """Return the titles it knows."""
        return self._id_map

    def scores(self, histories: Sequence[History]) -> NDArray[np.float32]:
        """Score siblings above 1 and others below it, shape (len(histories), N + 1)."""
        scores = np.tile(self._popularity, (len(histories), 1))
        for row, history in enumerate(histories):
            groups = np.unique(self._groups[self._id_map.indices_of(history.item_ids)])
            scores[row, np.isin(self._groups, groups[groups > 0])] += 1.0
        return scores


def read_franchises(path: Path) -> dict[int, str]:
    """Read a JSON list of {"name": …, "anime_ids": […]} into item id -> franchise.

    Franchises are kept apart by their place in the list, since two may share a name; an id in several belongs
    to the last. Raises DataError when the file is not such a list.
    """
    try:
        groups = json.loads(path.read_text(encoding="utf-8"))
        return {
            int(item_id): f"{place} {group['name']}"
            for place, group in enumerate(groups)
            for item_id in group["anime_ids"]
        }
    except FileNotFoundError:
        raise DataError(f"{path}: no such file.") from None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise DataError(f'{path}: not a JSON list of {{"name": …, "anime_ids": [1, 2, …]}}.') from error


def _below_one(dataset: Dataset) -> NDArray[np.float32]:
    """Scale popularity into 0..1, exclusive (N + 1,), -inf for padding."""
    counts = Popularity(dataset).counts
    return np.asarray(counts / (counts.max() + 1), dtype=np.float32)
