"""How the item-item term learns from new people without those it was made from: a ridge towards itself.

B minimises |Y - X B|^2 + ridge |B - B0|^2 with a zero diagonal, where X (U, N) is what U new people said, Y
what they liked of it, and B0 the sparse part so far: EASE (Steck, 2019) with B0 in place of zero. One person
among a ridge of tens hardly moves a weight, a hundred who agree move it most of the way.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ml.data import Dataset
from ml.feedback import Feedback
from ml.item_item import OFFSETS, SAID, TARGETS, VALUES, ItemItem

Array = NDArray[np.float64]
LIST_POWER = -0.25  # as in `ml.closed_forms`: long lists say less of a pair
MOST_PEOPLE = 5_000  # whose U x U system is solved; of more, those with the longest lists
SMALLEST = 1e-4  # a change below it is noise, and would only fill the table


def updated(term: ItemItem, people: Dataset, ridge: float, fewest: int = 1) -> ItemItem:
    """Move the sparse part towards people of the same id map; the spectral part stays.

    Only weights between titles that some of them liked can change: to titles that nobody was shown, their
    silence says nothing. What one title says of another changes only where at least `fewest` people spoke of
    both: of a title that hardly anybody knows, two who agree would else say all there is to say. Towards each
    title as many of the largest weights are kept as the fullest has now. `ridge` counts people. Costs
    U^3 + U T^2 operations for U people who like T titles. A silent term stays silent; nobody, or nothing
    liked, changes nothing.
    """
    lists = Lists.of(people, term)
    if term.is_silent or not len(lists.titles):
        return term
    neighbours = int(np.bincount(term.tensors[TARGETS].numpy()).max(initial=0))
    before = block(term, lists.titles)
    return with_block(term, lists.titles, before + lists.change(before, ridge, fewest), neighbours)


@dataclass(frozen=True)
class Lists:
    """What U people said, X (U, T), and liked, Y (U, T), of the T titles (indices) that any of them liked."""

    titles: NDArray[np.int64]
    said: Array
    liked: Array

    @classmethod
    def of(cls, people: Dataset, term: ItemItem) -> "Lists":
        """Lay the lists out, each weighed by its length; one an event on average."""
        people = people.people(longest(people, MOST_PEOPLE))
        likes = np.isin(people.feedback, (Feedback.LIKE, Feedback.LOVE, Feedback.WATCHED))
        titles = np.unique(people.items[likes]).astype(np.int64)
        column = np.full(people.n_items + 1, -1)
        column[titles] = np.arange(len(titles))
        known = column[people.items] >= 0
        rows, columns = people.user_of_event[known], column[people.items[known]]
        weights = np.maximum(people.lengths, 1) ** LIST_POWER
        weights *= np.sqrt(people.lengths.sum() / max(float((people.lengths * weights**2).sum()), 1e-9))
        said, liked = (np.zeros((people.n_users, len(titles))) for _ in range(2))
        counts = term.tensors[SAID].double().numpy()
        said[rows, columns] = counts[people.feedback[known]] * weights[rows]
        liked[rows, columns] = likes[known] * weights[rows]
        return cls(titles, said, liked)

    def change(self, before: Array, ridge: float, fewest: int = 1) -> Array:
        """Return what is to be added to the weights (T, T) among the titles; its diagonal is zero.

        In the dual, P = (X'X + ridge)^-1 = (1 - X' S X) / ridge with S = (X X' + ridge)^-1.
        """
        kernel = np.linalg.inv(self.said @ self.said.T + ridge * np.eye(len(self.said)))
        across = self.said.T @ kernel  # (T, U)
        wish = across @ (self.liked - self.said @ before)
        inverse = (np.eye(len(self.titles)) - across @ self.said) / ridge
        multipliers = np.diag(wish) / np.diag(inverse)
        change: Array = wish - inverse * multipliers
        np.fill_diagonal(change, 0.0)
        change[np.abs(change) < SMALLEST] = 0.0
        if fewest > 1:
            spoke = (self.said != 0).astype(np.float32)
            change[spoke.T @ spoke < fewest] = 0.0
        return change


def longest(people: Dataset, most: int) -> NDArray[np.bool_]:
    """Mark the `most` people with the longest lists (U,)."""
    chosen = np.zeros(people.n_users, dtype=bool)
    chosen[np.argsort(-people.lengths, kind="stable")[:most]] = True
    return chosen


def entries(term: ItemItem) -> tuple[NDArray[np.int64], NDArray[np.int64], Array]:
    """Return the stored weights: who says it, about whom (E,), indices from 1, and how much (E,)."""
    offsets = term.tensors[OFFSETS].numpy()
    givers = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    return givers, term.tensors[TARGETS].numpy().astype(np.int64), term.tensors[VALUES].double().numpy()


def block(term: ItemItem, titles: NDArray[np.int64]) -> Array:
    """Return the weights among some titles, (T, T)."""
    place = np.full(term.n_items + 1, -1)
    place[titles] = np.arange(len(titles))
    givers, targets, values = entries(term)
    inside = (place[givers] >= 0) & (place[targets] >= 0)
    table = np.zeros((len(titles), len(titles)))
    table[place[givers[inside]], place[targets[inside]]] = values[inside]
    return table


def with_block(term: ItemItem, titles: NDArray[np.int64], table: Array, neighbours: int) -> ItemItem:
    """Write the weights among some titles back, and cut towards each title to the `neighbours` largest."""
    is_mine = np.zeros(term.n_items + 1, dtype=bool)
    is_mine[titles] = True
    givers, targets, values = entries(term)
    others = ~(is_mine[givers] & is_mine[targets])
    mine = np.nonzero(table)
    givers = np.concatenate([givers[others], titles[mine[0]]])
    targets = np.concatenate([targets[others], titles[mine[1]]])
    values = np.concatenate([values[others], table[mine]])
    order = np.lexsort((-np.abs(values), targets))  # towards each title, the largest first
    firsts = np.searchsorted(targets[order], targets[order])
    kept = order[np.arange(len(order)) - firsts < neighbours]
    kept = kept[np.lexsort((targets[kept], givers[kept]))]
    offsets = np.concatenate([[0], np.cumsum(np.bincount(givers[kept], minlength=term.n_items + 1))])
    changed = {
        OFFSETS: torch.from_numpy(offsets),
        TARGETS: torch.from_numpy(targets[kept]).to(term.tensors[TARGETS].dtype),
        VALUES: torch.from_numpy(values[kept]).float(),
    }
    return ItemItem(term.tensors | changed)
