"""The fold-in protocol: people the model never saw, of whom a part of the list is known."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ml.data import Dataset
from ml.feedback import Feedback
from ml.history import History
from ml.id_maps import IdMap
from ml.metrics import METRICS, novelty, places, ranks
from ml.scoring import Scorer
from ml.strata import STRATA, Titles

KNOWN = (3, 10, 30, None)  # how many titles of a person the model is told; None = all of the known part
CHUNK = 256  # people scored at a time


@dataclass(frozen=True)
class Case:
    """One person: what is known of them, and which of the other titles they reacted to, loved, disliked."""

    known: History
    targets: tuple[int, ...]
    loved: tuple[int, ...]
    disliked: tuple[int, ...] = ()
    among: tuple[int, ...] = ()  # all that competes with the targets; nothing said: every title

    @classmethod
    def of(cls, known: History, rest: History) -> Self:
        """Know one part of a history; the events of the other are the targets."""
        said = list(zip(rest.item_ids, rest.feedback, strict=True))
        loved, disliked = (
            tuple(i for i, f in said if f == wanted) for wanted in (Feedback.LOVE, Feedback.DISLIKE)
        )
        return cls(known, rest.item_ids, loved, disliked)

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
        cases.append(Case.of(history.take(range(cut)), history.take(range(cut, len(history)))))
    return cases


@dataclass(frozen=True)
class Measured:
    """What a ranker does for U people: each metric's values (U,), and the top lists (U, k), indices."""

    values: dict[str, NDArray[np.float64]]
    shown: NDArray[np.int64]


def measure(
    scorer: Scorer, cases: Sequence[Case], n_known: int | None, cutoffs: Sequence[int] = (10, 20)
) -> dict[str, NDArray[np.float64]]:
    """Return each metric's per-person values, named like `ndcg@20` (any target) and `loved ndcg@20`.

    The whole known part is masked however little of it was told, so every length ranks the same candidates.
    Titles the scorer does not know count as missed; people without a loved target are left out of the loved
    figures.
    """
    return examine(scorer, cases, n_known, cutoffs).values


def examine(
    scorer: Scorer,
    cases: Sequence[Case],
    n_known: int | None,
    cutoffs: Sequence[int] = (10, 20),
    titles: Titles | None = None,
) -> Measured:
    """Measure as `measure` does, and keep the top lists, as long as the largest cutoff.

    With `titles`, those of the scorer, also `novelty@20` and, over the people who have such targets:
    `head ndcg@20`, `middle …` and `tail …` for the targets of each stratum, ranked among all titles; and,
    where franchises are known, `new ndcg@20` for the targets of new ones, no title of a known one competing.
    """
    length = min(max(cutoffs), len(scorer.id_map))
    values: dict[str, list[float]] = {}
    shown = np.zeros((len(cases), length), dtype=np.int64)
    for row, (case, scores) in enumerate(_scored(scorer, cases, n_known)):
        for prefix, worst in _target_places(case, scores, scorer.id_map, titles).items():
            if len(worst):
                found = ranks(worst)
                for name, metric in METRICS.items():
                    for k in cutoffs:
                        values.setdefault(f"{prefix}{name}@{k}", []).append(metric(found, k))
        shown[row] = _top(scores, scorer.id_map.indices_of(case.known.item_ids), length)
    columns = {name: np.array(row) for name, row in values.items()}
    if titles is not None:
        columns |= {f"novelty@{k}": novelty(shown[:, :k], titles.information) for k in cutoffs}
    return Measured(columns, shown)


def _scored(
    scorer: Scorer, cases: Sequence[Case], n_known: int | None
) -> Iterator[tuple[Case, NDArray[np.float32]]]:
    """Yield each case with its scores (N + 1,)."""
    for start in range(0, len(cases), CHUNK):
        chunk = cases[start : start + CHUNK]
        yield from zip(chunk, scorer.scores([case.told(n_known) for case in chunk]), strict=True)


def _target_places(
    case: Case, scores: NDArray[np.float32], id_map: IdMap, titles: Titles | None
) -> dict[str, NDArray[np.int64]]:
    """Return the worst places of each kind of target, unknown titles last."""
    known, targets = id_map.indices_of(case.known.item_ids), id_map.indices_of(case.targets)
    if case.among:
        rivals = np.append(id_map.indices_of(case.among), targets)
        known = np.union1d(known, np.setdiff1d(np.arange(len(scores)), rivals))
    worst = _places(scores, targets, known)
    found = {"": worst, "loved ": worst[np.isin(case.targets, case.loved)]}
    if titles is not None:
        strata = titles.stratum[targets]
        found |= {f"{name} ": worst[strata == number] for number, name in enumerate(STRATA)}
    if titles is not None and titles.franchise.any():
        siblings = titles.siblings(known)
        new = targets[~np.isin(targets, siblings)]
        found["new "] = _places(scores, new, np.union1d(known, siblings))
    return found


def _places(
    scores: NDArray[np.float32], targets: NDArray[np.int64], masked: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the worst place of each target, unknown ones (index 0) behind everything."""
    worst = np.full(len(targets), len(scores), dtype=np.int64)
    worst[targets > 0] = places(scores, targets[targets > 0], masked)
    return worst


def _top(scores: NDArray[np.float32], masked: NDArray[np.int64], k: int) -> NDArray[np.int64]:
    """Return the k best indices, best first."""
    scores = scores.copy()
    scores[masked] = -np.inf
    scores[0] = -np.inf
    best = np.argpartition(-scores, k - 1)[:k] if k < len(scores) else np.arange(len(scores))
    return best[np.argsort(-scores[best], kind="stable")]
