"""People set aside to choose recipes of the item-item term, and how well scores rank for them."""

from collections.abc import Mapping
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ml.baselines import gram
from ml.closed_forms import LIST_POWER, Leading, content_gram, denoising_weights, leading, sparse_part
from ml.config import ItemItemConfig
from ml.data import Dataset
from ml.protocols import KNOWN, fold_in
from ml.ratings import DataError
from ml.splits import Split, user_fractions
from ml.strata import franchise_numbers

N_FOLDS = 5  # each a fifth of the people who are not held out, judged by what the others teach
CUTOFF = 20
SHARES = np.linspace(0, 1, 11)
SHIPPED = ItemItemConfig()
BINARY = (1.0, 1.0, 1.0, 1.0)

Array = NDArray[np.float64]
Said = tuple[float, ...]  # what a dislike, a like, a love and a watched count
Scores = dict[int | None, Tensor]  # for each number of titles told, (B, N)


def shipped_said() -> Said:
    """Return what the shipped term lets each reaction count."""
    return SHIPPED.dislike, SHIPPED.like, SHIPPED.love, SHIPPED.watched


class Fold:
    """B people to judge and those to learn from; tables that several recipes need are made once.

    `marks` are known, target and loved titles, each (B, N). Raises DataError for data without content or
    where nobody is left to judge.
    """

    def __init__(self, dataset: Dataset, number: int, franchises: Mapping[int, str] | None = None) -> None:
        # A digit of the hash that does not decide who is held out.
        folds = np.floor(user_fractions(dataset.user_ids) * 7919 % 1 * N_FOLDS)
        free, judged = ~Split().holdout_people(dataset), folds == number
        self.learners = dataset.people(free & ~judged)
        cases = fold_in(dataset.people(free & judged))
        likeness = content_gram(dataset)
        if not cases or likeness is None:
            raise DataError("Prepare the data with --items, and with people who have 5 titles or more.")
        self.content = likeness
        self.franchises = franchises
        self.n_items = dataset.n_items
        rows = [c.known.item_ids for c in cases], [c.targets for c in cases], [c.loved for c in cases]
        self.marks = [self._marked(dataset, kind) for kind in rows]
        self._feedback = {n: np.zeros((len(cases), self.n_items), dtype=np.int64) for n in KNOWN}
        for n, row, case in ((n, row, case) for n in KNOWN for row, case in enumerate(cases)):
            told = case.told(n)
            self._feedback[n][row, dataset.id_map.indices_of(told.item_ids) - 1] = told.feedback

    def _marked(self, dataset: Dataset, rows: list[tuple[int, ...]]) -> Tensor:
        marks = torch.zeros(len(rows), self.n_items + 1, dtype=torch.bool)
        for row, item_ids in enumerate(rows):
            marks[row, dataset.id_map.indices_of(item_ids)] = True
        return marks[:, 1:]

    def inputs(self, n: int | None, said: Said) -> Tensor:
        """Return what is told of the people to judge, (B, N)."""
        return torch.tensor([0.0, *said])[self._feedback[n]]

    def lists(self) -> Tensor:
        """Return the reactions of those to learn from, (U, N), zero where there is none."""
        reactions = torch.zeros(self.learners.n_users, self.n_items, dtype=torch.int64)
        items = torch.from_numpy(self.learners.items.astype(np.int64)) - 1
        reactions[self.learners.user_of_event, items] = torch.from_numpy(self.learners.feedback).long()
        return reactions

    @cached_property
    def franchise(self) -> Array:
        """Tell which titles are of one franchise (N, N)."""
        numbers = franchise_numbers(self.learners.id_map, self.franchises or {})[1:]
        same: Array = ((numbers[:, None] == numbers) & (numbers > 0)).astype(np.float64)
        return same

    def table(self, power: float = LIST_POWER) -> Array:
        """Return the Gram matrix (N, N); a list of n titles counts n ** (2 power) a pair, scaled alike."""
        lengths = self.learners.lengths.astype(np.float64)
        if power != LIST_POWER:
            return gram(self.learners, power) * float(lengths.sum() / (lengths ** (1 + 2 * power)).sum())
        return self._shipped_table

    @cached_property
    def _shipped_table(self) -> Array:
        lengths = self.learners.lengths
        return gram(self.learners, LIST_POWER) * float(lengths.sum() / np.sqrt(lengths).sum())

    @cached_property
    def leading(self) -> Leading:
        """Factorise the Gram matrix as the shipped spectral part does."""
        return leading(self.table(), SHIPPED.rank, SHIPPED.shrinkage)

    @cached_property
    def shipped_weights(self) -> Array:
        """Return the closed form (N, N) from which the shipped sparse part is cut."""
        table = self.table() + SHIPPED.content * self.content
        return denoising_weights(table, SHIPPED.dropout, SHIPPED.l2)

    @cached_property
    def shipped_sparse(self) -> Scores:
        """Score by the shipped sparse part alone."""
        return self.scores(kept(self.shipped_weights, SHIPPED.neighbours))

    def scores(self, weights: Tensor, said: Said | None = None) -> Scores:
        """Add up what the told titles say by dense weights (N, N)."""
        return {n: self.inputs(n, said or shipped_said()) @ weights for n in KNOWN}

    def ndcg(self, scores: Tensor) -> Array:
        """Return each person's NDCG@20 of all targets and of the loved ones (2, B), NaN without any."""
        known, *kinds = self.marks
        return np.array([ndcg_rows(scores.masked_fill(known, -torch.inf), marks) for marks in kinds])

    def mixed(self, scores: Tensor, n: int | None) -> Array:
        """Measure mixtures with the shipped sparse part, each at equal spread: (shares, 2, B)."""
        known = self.marks[0]
        parts = [part / part[~known].std().clamp_min(1e-9) for part in (self.shipped_sparse[n], scores)]
        return np.array([self.ndcg(parts[0] * (1 - share) + parts[1] * share) for share in SHARES.tolist()])


def kept(weights: Array, neighbours: int) -> Tensor:
    """Keep the largest weights towards each title; dense (N, N) all the same."""
    offsets, targets, values = sparse_part(weights, neighbours)
    sparse = torch.zeros(weights.shape)
    sparse[torch.arange(len(weights)).repeat_interleave(offsets.diff()), targets] = values
    return sparse


def ndcg_rows(scores: Tensor, targets: Tensor) -> Array:
    """Return NDCG@20 of each row, (B,); scores and marked targets are (B, N). Ties count against us.

    NaN without a target. Raises ValueError for a NaN score.
    """
    if scores.isnan().any():
        raise ValueError("A score is NaN; the recipe is broken.")
    behind_ties = torch.where(targets, scores.nextafter(torch.tensor(-torch.inf)), scores)
    k = min(CUTOFF, scores.shape[1])
    hits = targets.gather(1, behind_ties.topk(k, dim=1).indices).double()
    discounts = 1 / torch.arange(2, k + 2).double().log2()
    counts = targets.sum(1)
    ideal = discounts.cumsum(0)[counts.clamp(1, k) - 1]
    values = torch.where(counts > 0, (hits * discounts).sum(1) / ideal, torch.nan)
    return values.numpy()
