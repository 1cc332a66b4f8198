"""Kinds of titles: head, middle and tail by popularity, how surprising each is, and the franchises."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ml.data import Dataset
from ml.id_maps import IdMap

STRATA = ("head", "middle", "tail")


@dataclass(frozen=True)
class Titles:
    """What training data says about N titles, by index; padding, 0, is of no stratum and no franchise.

    Stratum: the most popular titles that together have a third of all training events are the head, the next
    third the middle, the rest, with titles nobody has, the tail. `information` is -log2 of the share of
    people who have the title, in bits (Vargas and Castells, 2011); one nobody has counts as if one had it.
    """

    stratum: NDArray[np.int64]  # (N + 1,), places in STRATA, -1 for padding
    information: NDArray[np.float64]  # (N + 1,)
    franchise: NDArray[np.int64]  # (N + 1,), 0 = in no known franchise

    @classmethod
    def of(cls, learners: Dataset, franchises: Mapping[int, str] | None = None) -> Self:
        """Look at the people a ranker learns from; `franchises` maps outside ids to any name."""
        counts = learners.item_counts()
        information = -np.log2(np.maximum(counts, 1) / learners.n_users)
        information[0] = 0
        return cls(strata(counts), information, franchise_numbers(learners.id_map, franchises or {}))

    def siblings(self, known: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return every title of the franchises of some titles, themselves included; all are indices."""
        groups = np.unique(self.franchise[known])
        return np.flatnonzero(np.isin(self.franchise, groups[groups > 0]))


def strata(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return each title's place in STRATA for its number of people; both (N + 1,), padding first."""
    order = np.argsort(-counts[1:], kind="stable") + 1
    before = np.cumsum(counts[order]) - counts[order]
    stratum = np.full(len(counts), -1, dtype=np.int64)
    stratum[order] = np.minimum(len(STRATA) * before // max(counts[1:].sum(), 1), len(STRATA) - 1)
    stratum[1:][counts[1:] == 0] = len(STRATA) - 1
    return stratum


def franchise_numbers(id_map: IdMap, franchises: Mapping[int, str]) -> NDArray[np.int64]:
    """Number the franchises, (N + 1,); 0 for padding and for titles in none."""
    numbers = {name: number for number, name in enumerate(sorted(set(franchises.values())), start=1)}
    groups = (numbers.get(franchises.get(item_id, ""), 0) for item_id in id_map.ids)
    return np.array([0, *groups], dtype=np.int64)
