"""Command: show why leave-one-out in file order measures nothing where a file is sorted by id.

A rule that knows nothing of the person, "popular, with an id above the highest seen", stands beside rankers
that do: it wins in file order and fails as soon as the title held out is drawn at random.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ml.baselines import EASE, Popularity
from ml.data import Dataset
from ml.history import History
from ml.id_maps import IdMap
from ml.leave_out import Trial, file_order_leave_one_out, random_leave_one_out
from ml.metrics import Interval, bootstrap
from ml.protocols import measure
from ml.ratings import DataError
from ml.scoring import Scorer
from ml.wording import interval_text

METRIC = "hit_rate@10"
Table = Mapping[str, Mapping[str, Interval]]


class HigherIds:
    """Titles with an id above every id of the history by popularity, then all others by popularity."""

    def __init__(self, dataset: Dataset) -> None:
        self._id_map = dataset.id_map
        counts = Popularity(dataset).counts
        self._popularity = np.asarray(counts / (counts.max() + 1), dtype=np.float32)
        self._ids = np.array((0, *dataset.id_map.ids))

    @property
    def id_map(self) -> IdMap:
        """Return the titles it knows."""
        return self._id_map

    def scores(self, histories: Sequence[History]) -> NDArray[np.float32]:
        """Score higher ids above 1 and others below it, shape (len(histories), N + 1)."""
        highest = np.array([max(history.item_ids, default=0) for history in histories])
        return self._popularity + (self._ids > highest[:, None]).astype(np.float32)


def compare_orders(dataset: Dataset) -> Table:
    """Return {protocol: {ranker: HitRate@10}} for the last row of each list and for one drawn at random."""
    trials = {
        "last row of the file": file_order_leave_one_out(dataset),
        "a row at random": random_leave_one_out(dataset),
    }
    return {name: _hit_rates(trial) for name, trial in trials.items()}


def _hit_rates(trial: Trial) -> Mapping[str, Interval]:
    """Measure the rule, EASE and popularity."""
    scorers: dict[str, Scorer] = {
        "popular, with an id above the highest seen": HigherIds(trial.training),
        "EASE": EASE(trial.training),
        "popularity": Popularity(trial.training),
    }
    return {n: bootstrap(measure(s, trial.test, None, (10,))[METRIC]) for n, s in scorers.items()}


def markdown(table: Table) -> str:
    """Lay out the hit rates."""
    rankers = [*next(iter(table.values()))]
    rows = [
        f"| {ranker} | "
        + " | ".join(interval_text(column[ranker].to_dict()) for column in table.values())
        + " |"
        for ranker in rankers
    ]
    return "\n".join([f"| HitRate@10 | {' | '.join(table)} |", "| --- |" + " --- |" * len(table), *rows])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    command = argparse.ArgumentParser(prog="python -m ml.file_order", description=__doc__)
    command.add_argument("--data", type=Path, required=True, help="directory made by python -m ml.prepare")
    options = command.parse_args(arguments)
    try:
        dataset = Dataset.load(options.data)
        if np.isfinite(dataset.timestamps).any():
            raise DataError("The data has times; its order means something. Use python -m ml.compare.")
        table = compare_orders(dataset)
    except (DataError, OSError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(markdown(table) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
