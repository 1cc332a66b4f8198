"""The fold-in protocol: people the model never saw, of whom a part of the list is known."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.data import Dataset
from ml.feedback import Feedback
from ml.history import History
from ml.id_maps import IdMap
from ml.metrics import METRICS, target_ranks
from ml.scoring import Scorer

KNOWN = (3, 10, 30, None)  # how many titles of a person the model is told; None = all of the known part
CHUNK = 256  # people scored at a time


@dataclass(frozen=True)
class Case:
    """One person: what is known of them, and which of the other titles they reacted to, and loved."""

    known: History
    targets: tuple[int, ...]
    loved: tuple[int, ...]

    def told(self, n: int | None) -> History:
        """Keep n known events: the newest of an ordered history, the first of a shuffled set."""
        if n is None or n >= len(self.known):
            return self.known
        if self.known.is_ordered:
            return self.known.take(range(len(self.known) - n, len(self.known)))
        return self.known.take(range(n))


def fold_in(people: Dataset, share: float = 0.8, min_events: int = 5, seed: int = 0) -> list[Case]:
    """Split the list of every person with at least `min_events` titles into known events and targets.

    Sets are shuffled first (file order leaks the id), ordered histories are cut in time. The draw depends on
    `seed` and on the order of the people only.
    """
    rng = np.random.default_rng(seed)
    cases = []
    for user in range(people.n_users):
        history = people.history(user)
        if len(history) < min_events:
            continue
        if not history.is_ordered:
            history = history.take(rng.permutation(len(history)).tolist())
        cut = min(max(round(share * len(history)), 1), len(history) - 1)
        rest = history.take(range(cut, len(history)))
        loved = tuple(i for i, f in zip(rest.item_ids, rest.feedback, strict=True) if f == Feedback.LOVE)
        cases.append(Case(history.take(range(cut)), rest.item_ids, loved))
    return cases


def scored(
    scorer: Scorer, cases: Sequence[Case], n_known: int | None
) -> Iterator[tuple[Case, NDArray[np.float32]]]:
    """Yield each case with its scores (N + 1,)."""
    for start in range(0, len(cases), CHUNK):
        chunk = cases[start : start + CHUNK]
        yield from zip(chunk, scorer.scores([case.told(n_known) for case in chunk]), strict=True)


def measure(
    scorer: Scorer, cases: Sequence[Case], n_known: int | None, cutoffs: Sequence[int] = (10, 20)
) -> dict[str, NDArray[np.float64]]:
    """Return each metric's per-person values, named like `ndcg@20` (any target) and `loved ndcg@20`.

    The whole known part is masked however little of it was told, so every length ranks the same candidates.
    Titles the scorer does not know count as missed; people without a loved target are left out of the loved
    figures.
    """
    values: dict[str, list[float]] = {}
    for case, scores in scored(scorer, cases, n_known):
        masked = scorer.id_map.indices_of(case.known.item_ids)
        for prefix, targets in (("", case.targets), ("loved ", case.loved)):
            if targets:
                ranks = _ranks(scores, scorer.id_map, targets, masked)
                for name, metric in METRICS.items():
                    for k in cutoffs:
                        values.setdefault(f"{prefix}{name}@{k}", []).append(metric(ranks, k))
    return {name: np.array(row) for name, row in values.items()}


def _ranks(
    scores: NDArray[np.float32], id_map: IdMap, targets: Sequence[int], masked: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Rank the targets, unknown titles last."""
    indices = id_map.indices_of(targets)
    known = indices[indices > 0]
    ranks = target_ranks(scores, known, masked)
    unknown = np.full(len(indices) - len(known), len(scores), dtype=np.int64)
    return np.concatenate([ranks, unknown])


def top_lists(scorer: Scorer, cases: Sequence[Case], n_known: int | None, k: int) -> NDArray[np.int64]:
    """Return each case's k best indices (len(cases), k), the known part masked."""
    lists = []
    for case, scores in scored(scorer, cases, n_known):
        scores[scorer.id_map.indices_of(case.known.item_ids)] = -np.inf
        best = np.argpartition(-scores, k)[:k]
        lists.append(best[np.argsort(-scores[best], kind="stable")])
    return np.array(lists)
