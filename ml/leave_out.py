"""Protocols that hold out events instead of people: leave-one-out, at random or in time, and a global split.

Each takes a dataset apart into a `Trial`: what may be trained on, what may be chosen on, what is reported. A
person's known part in the test is everything but the target, so it holds the validation title too.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ml.data import Dataset
from ml.history import History
from ml.protocols import KNOWN, Case, fold_in
from ml.ratings import DataError
from ml.splits import Split

MIN_EVENTS = 3  # one to train on, one to choose on, one to test on
WHOLE = (None,)  # these protocols tell all that is known; fold-in tells 3, 10, 30 and all


@dataclass(frozen=True)
class Trial:
    """One way to hold events out: models learn from `training`, choose on `validation`, report `test`.

    `lengths` are the numbers of known titles to tell. The titles of `training` are those of the whole data,
    also those that lost every event.
    """

    training: Dataset
    validation: list[Case]
    test: list[Case]
    lengths: tuple[int | None, ...]


def unseen_people(dataset: Dataset, split: Split) -> Trial:
    """Hold people out, by a hash of their ids: the fold-in at 3, 10, 30 and all known titles."""
    return Trial(
        dataset.people(split.training_people(dataset)),
        fold_in(dataset.people(split.validation_people(dataset))),
        fold_in(dataset.people(split.holdout_people(dataset))),
        KNOWN,
    )


def random_leave_one_out(dataset: Dataset, seed: int = 0) -> Trial:
    """Hold out two titles of each person at random, one to choose on and one to test on.

    For sets: whatever order a history has is ignored, the known part becomes a set. People with fewer than
    three titles only train.
    """
    rng = np.random.default_rng(seed)
    order = np.lexsort((rng.random(len(dataset.items)), dataset.user_of_event))
    unordered = replace(dataset, timestamps=np.full(len(dataset.items), np.nan))
    return _last_two(_reordered(unordered, order))


def leave_one_out_in_time(dataset: Dataset, seed: int = 0) -> Trial:
    """Hold out the last two events of each person, the later to test on (Kang and McAuley, 2018).

    Events of the same second come in an order drawn by `seed`: in file order, often that of the ids, the
    target among them could be guessed from its id. People with fewer than three events with a time only
    train. Raises DataError when no event has a time.
    """
    _need_times(dataset)
    return _last_two(shuffled_ties(dataset, seed), timed_only=True)


def global_time_split(dataset: Dataset, validation: float = 0.1, test: float = 0.1, seed: int = 0) -> Trial:
    """Train on the events before a date, choose on those up to a second date, test on those after it.

    The dates cut off the shares `validation` and `test` of all events with a time, so nothing later than a
    target is ever learned from (Ji et al., 2023). Judged are people with a known event before the date; all
    their events after it are targets. Raises DataError when no event has a time.
    """
    _need_times(dataset)
    dataset = shuffled_ties(dataset, seed)
    timed = dataset.timestamps[np.isfinite(dataset.timestamps)]
    first, second = np.quantile(timed, [1 - validation - test, 1 - test])
    times = np.nan_to_num(dataset.timestamps, nan=-np.inf)  # events without a time were always known
    return Trial(
        only_events(dataset, times < first),
        _after(dataset, times < first, (times >= first) & (times < second)),
        _after(dataset, times < second, times >= second),
        WHOLE,
    )


def file_order_leave_one_out(dataset: Dataset) -> Trial:
    """Hold out the last two rows of each person, in the order of the dataset.

    A warning, not a measurement: where files are sorted by id, as ratings without times are, the target is
    the highest id and the id gives it away.
    """
    return _last_two(dataset)


PROTOCOLS: Mapping[str, Callable[[Dataset, Split], Trial]] = {
    "fold-in": unseen_people,
    "leave-one-out": lambda dataset, _split: thinned(random_leave_one_out(dataset)),
    "leave-one-out-in-time": lambda dataset, _split: thinned(leave_one_out_in_time(dataset)),
    "time-split": lambda dataset, _split: global_time_split(dataset),
}


def thinned(trial: Trial, validation: int = 1000, test: int = 2000, seed: int = 0) -> Trial:
    """Judge at most so many people, drawn at random: training is the same, but more would only cost time."""
    rng = np.random.default_rng(seed)

    def drawn(cases: list[Case], most: int) -> list[Case]:
        return [cases[i] for i in np.sort(rng.permutation(len(cases))[:most])]

    return replace(trial, validation=drawn(trial.validation, validation), test=drawn(trial.test, test))


def shuffled_ties(dataset: Dataset, seed: int = 0) -> Dataset:
    """Draw the order of a person's events of the same second anew; events without a time keep theirs."""
    draw = np.random.default_rng(seed).random(len(dataset.items))
    untimed = np.isnan(dataset.timestamps)
    draw[untimed] = np.arange(untimed.sum())
    times = np.where(untimed, -np.inf, dataset.timestamps)
    return _reordered(dataset, np.lexsort((draw, times, dataset.user_of_event)))


def only_events(dataset: Dataset, kept: NDArray[np.bool_]) -> Dataset:
    """Keep the events where `kept` (E,) is true, and the people who have any; the titles stay."""
    lengths = np.bincount(dataset.user_of_event[kept], minlength=dataset.n_users)
    people = lengths > 0
    return Dataset(
        dataset.id_map,
        dataset.user_ids[people],
        np.concatenate([[0], np.cumsum(lengths[people])]),
        dataset.items[kept],
        dataset.feedback[kept],
        dataset.timestamps[kept],
    )


def _reordered(dataset: Dataset, order: NDArray[np.int64]) -> Dataset:
    """Put the events into another order that keeps each person's together."""
    return replace(
        dataset,
        items=dataset.items[order],
        feedback=dataset.feedback[order],
        timestamps=dataset.timestamps[order],
    )


def _last_two(dataset: Dataset, timed_only: bool = False) -> Trial:
    """Hold out the last two events of everybody who has enough of them."""
    counted = np.isfinite(dataset.timestamps) if timed_only else np.ones(len(dataset.items), dtype=bool)
    n_counted = np.bincount(dataset.user_of_event[counted], minlength=dataset.n_users)
    enough = np.flatnonzero(n_counted >= MIN_EVENTS)
    ends = dataset.offsets[enough + 1]
    kept = np.ones(len(dataset.items), dtype=bool)
    kept[ends - 1] = kept[ends - 2] = False
    validation, test = [], []
    for user in enough:
        history = dataset.history(int(user))
        validation.append(_case(history, len(history) - 2, len(history) - 1))
        test.append(_case(history, len(history) - 1, len(history)))
    return Trial(only_events(dataset, kept), validation, test, WHOLE)


def _after(dataset: Dataset, known: NDArray[np.bool_], wanted: NDArray[np.bool_]) -> list[Case]:
    """Make a case of everybody with a known and a wanted event; a person's known events come first."""
    cases = []
    for user in range(dataset.n_users):
        events = slice(dataset.offsets[user], dataset.offsets[user + 1])
        n_known, n_wanted = int(known[events].sum()), int(wanted[events].sum())
        if n_known and n_wanted:
            cases.append(_case(dataset.history(user), n_known, n_known + n_wanted))
    return cases


def _case(history: History, start: int, stop: int) -> Case:
    """Know what comes before `start`; the events from there to `stop` are the targets."""
    return Case.of(history.take(range(start)), history.take(range(start, stop)))


def _need_times(dataset: Dataset) -> None:
    """Refuse data without times."""
    if not np.isfinite(dataset.timestamps).any():
        raise DataError("The data has no times; prepare it from a file with a timestamp column.")
