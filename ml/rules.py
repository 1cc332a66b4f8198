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
from ml.strata import franchise_numbers

SECONDS_A_DAY = 86_400.0


class RecentPopularity:
    """The titles with the most events in the last `days` before now (Ji et al., 2020).

    Now is the newest event of the data. That is right where all targets come after it (a global time split,
    a live site), but where each person's last event is held out it looks into the future of most people:
    with `own_time` now is the newest known event of the person instead (of the data without one). Titles
    equally popular lately stand in the order of their popularity of all time. Raises DataError when no
    event of the data has a time: nothing is recent then.
    """

    def __init__(self, dataset: Dataset, days: float = 90.0, own_time: bool = False) -> None:
        timed = np.isfinite(dataset.timestamps)
        if not timed.any():
            raise DataError(
                "The data has no times, so nothing is recent; prepare it from a file with a timestamp column."
            )
        order = np.argsort(dataset.timestamps[timed], kind="stable")
        self._times = dataset.timestamps[timed][order]
        self._items = dataset.items[timed][order]
        self._seconds, self._own_time = days * SECONDS_A_DAY, own_time
        self._id_map = dataset.id_map
        self._ever = _below_one(dataset)

    @property
    def id_map(self) -> IdMap:
        """Return the titles it knows."""
        return self._id_map

    def counts_before(self, now: float) -> NDArray[np.float32]:
        """Count each title's events in the days up to `now` (Unix seconds), shape (N + 1,)."""
        first = np.searchsorted(self._times, now - self._seconds, side="left")
        last = np.searchsorted(self._times, now, side="right")
        counts = np.bincount(self._items[first:last], minlength=len(self._id_map) + 1)
        return counts.astype(np.float32) + self._ever

    def scores(self, histories: Sequence[History]) -> NDArray[np.float32]:
        """Score by the number of recent events, shape (len(histories), N + 1)."""
        newest = float(self._times[-1])
        if not self._own_time:
            return np.tile(self.counts_before(newest), (len(histories), 1))
        known = ([t for t in history.timestamps if t is not None] for history in histories)
        return np.stack([self.counts_before(max(times, default=newest)) for times in known])


class FranchiseSiblings:
    """Titles of the franchises in the history by popularity, then all others by popularity.

    What a person who only looks for sequels would be shown; `franchises` maps outside ids to any name.
    Titles without a franchise are nobody's sibling.
    """

    def __init__(self, dataset: Dataset, franchises: Mapping[int, str]) -> None:
        self._id_map = dataset.id_map
        self._popularity = _below_one(dataset)
        self._groups = franchise_numbers(dataset.id_map, franchises)  # (N + 1,), 0 = in no franchise

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
