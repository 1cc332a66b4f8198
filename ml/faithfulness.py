"""Whether reasons are true: does a title fall further without its stated cause than without another event?

The check is independent of how causes are found. `Ranker.explain` tries 16 events, keeps the weights of the
score's parts and shares work between passes; here the history is scored anew, in full, as if the event had
never been (the comprehensiveness of DeYoung et al., 2020, held against a random deletion).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from ml.explaining import Cause
from ml.history import History
from ml.metrics import bootstrap
from ml.ranker import Ranker

TITLES = 5  # of the top of each person's list
OTHERS = 5  # random events that each stated cause is held against
FEWEST_EVENTS = 3  # of a history, for there to be others

State = Callable[[Sequence[Cause]], Sequence[Cause]]


@dataclass(frozen=True)
class Faithfulness:
    """How often the stated cause mattered more than a random other event of the same history, over people.

    `rate` with its 95 % bootstrap interval; 0.5 is what a cause stated at random would reach. `drop` and
    `random_drop` are the mean falls of the title's log-probability. `reasons` were examined, of `people`.
    """

    rate: float
    low: float
    high: float
    people: int
    reasons: int
    drop: float
    random_drop: float

    def to_dict(self) -> dict[str, float]:
        """Return the figures for JSON."""
        return asdict(self)


def faithfulness(
    ranker: Ranker, histories: Sequence[History], state: State, *, seed: int = 0
) -> Faithfulness | None:
    """Examine the reasons of the top titles of each history; None where not one reason was stated.

    `state` chooses from a title's causes, largest drop first, those that a person would be told; the first of
    these counts. A tie counts against it. The same arguments give the same figures.
    """
    rng = np.random.default_rng(seed)
    people = [found for history in histories if len(found := _falls(ranker, history, state, rng))]
    if not people:
        return None
    rates = np.array([(falls[:, :1] > falls[:, 1:]).mean() for falls in people])
    interval = bootstrap(rates)
    return Faithfulness(
        interval.mean,
        interval.low,
        interval.high,
        len(people),
        sum(map(len, people)),
        float(np.mean([falls[:, 0].mean() for falls in people])),
        float(np.mean([falls[:, 1:].mean() for falls in people])),
    )


def _falls(ranker: Ranker, history: History, state: State, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return the falls (R, 1 + O) of R titles without their stated cause, then without O random others."""
    known = [place for place, item_id in enumerate(history.item_ids) if ranker.knows(item_id)]
    history = history.take(known)
    if len(history) < FEWEST_EVENTS:
        return np.zeros((0, 1 + OTHERS))
    stated = dict(_stated(ranker, history, state))
    if not stated:
        return np.zeros((0, 1 + OTHERS))
    causes = [history.item_ids.index(cause) for cause in stated.values()]
    tried = [[cause, *_others(cause, len(history), rng)] for cause in causes]  # (R, 1 + O)
    places, columns = np.unique(tried, return_inverse=True)
    falls = fallen(ranker, history, list(stated), places.tolist())  # (P, R)
    answer: NDArray[np.float64] = falls[columns.reshape(np.shape(tried)), np.arange(len(causes))[:, None]]
    return answer


def _others(cause: int, n: int, rng: np.random.Generator) -> list[int]:
    """Draw places of other events, with replacement."""
    return [place + (place >= cause) for place in rng.integers(0, n - 1, OTHERS).tolist()]


def _stated(ranker: Ranker, history: History, state: State) -> Iterator[tuple[int, int]]:
    """Yield the top titles for which a cause is stated, each with the first of its causes."""
    top = [title.item_id for title in ranker.rank(history, TITLES)]
    for item_id, causes in zip(top, ranker.explain(history, top), strict=True):
        if told := state(causes):
            yield item_id, told[0].item_id


def fallen(
    ranker: Ranker, history: History, item_ids: Sequence[int], places: Sequence[int]
) -> NDArray[np.float64]:
    """Return the fall of each title's log-probability without the event at each place, scored anew, (P, T).

    Over the titles outside the *whole* history each time: one that leaves it must not take its share.
    """
    scores = ranker.scores([history, *map(history.without, places)]).astype(np.float64)
    scores[:, ranker.id_map.indices_of(history.item_ids)] = -np.inf
    highest = scores.max(1, keepdims=True)
    totals = highest[:, 0] + np.log(np.exp(scores - highest).sum(1))
    asked = scores[:, ranker.id_map.indices_of(item_ids)] - totals[:, None]
    fall: NDArray[np.float64] = asked[0] - asked[1:]
    return fall
