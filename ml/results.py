"""From what was measured person by person to the figures of a report: means, intervals, differences."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.measurements import Measurement
from ml.metrics import bootstrap, coverage

Row = NDArray[np.float64]
CRITERION = "ndcg@20"
SASREC = "SASRec alone"
ABLATED = "SASRec, "  # before the names of its ablations
LOVED = "loved ndcg@20"
PAIRED = (CRITERION, LOVED)


def summarise(
    measured: Mapping[str, Sequence[Measurement]], baselines: Collection[str], n_items: int
) -> dict[str, Any]:
    """Turn measurements, one a seed for each ranker, into the figures of a report.

    Returns {"known": {"3": {ranker: {metric: interval, "coverage@20": share}}}, "best_baseline": {"3": name},
    "paired": {"3": {ranker: {metric: interval}}}}. `paired` is each ranker's value less that of the baseline
    with the best NDCG@20 at that length, person by person; `ablated`, laid out alike, is each ablation's
    less the full SASRec's. Values are averaged over seeds for each person, so an interval is over
    people; with several seeds it has a `spread`, the standard deviation of their means.
    """
    report: dict[str, Any] = {"known": {}, "best_baseline": {}, "paired": {}, "ablated": {}}
    for label in next(iter(measured.values()))[0].by_length:
        report["known"][label] = {name: figures_of(seeds, label, n_items) for name, seeds in measured.items()}
        values = {name: averaged(seeds, label) for name, seeds in measured.items()}
        best = max(baselines, key=lambda name: values[name][CRITERION].mean())
        report["best_baseline"][label] = best
        report["paired"][label] = {
            name: difference(row, values[best]) for name, row in values.items() if name != best
        }
        report["ablated"][label] = {
            name: difference(row, values[SASREC])
            for name, row in values.items()
            if name.startswith(ABLATED) and SASREC in values
        }
    return report


def averaged(seeds: Sequence[Measurement], label: str) -> dict[str, Row]:
    """Return each metric's per-person values, averaged over the seeds."""
    names = seeds[0].by_length[label].values
    return {name: np.mean([seed.by_length[label].values[name] for seed in seeds], axis=0) for name in names}


def difference(values: Mapping[str, Row], others: Mapping[str, Row]) -> dict[str, Any]:
    """Return the intervals of one ranker's lead over another, person by person."""
    return {
        metric: bootstrap(values[metric] - others[metric]).to_dict() for metric in PAIRED if metric in values
    }


def figures_of(seeds: Sequence[Measurement], label: str, n_items: int) -> dict[str, Any]:
    """Return the intervals of every metric of one ranker, and how much of the catalogue its lists show."""
    figures: dict[str, Any] = {name: bootstrap(row).to_dict() for name, row in averaged(seeds, label).items()}
    if len(seeds) > 1:
        for name, figure in figures.items():
            means = [seed.by_length[label].values[name].mean() for seed in seeds]
            figure["spread"] = float(np.std(means, ddof=1))
    shares = [coverage(seed.by_length[label].shown, n_items) for seed in seeds]
    return figures | {"coverage@20": float(np.mean(shares))}
