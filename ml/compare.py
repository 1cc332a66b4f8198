"""Compare the baselines, and a checkpoint, on people none of them saw: a table and a picture."""

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.chart import draw
from ml.checkpoint import Checkpoint, CheckpointError
from ml.content import read_items
from ml.data import Dataset
from ml.directories import new_directory
from ml.metrics import bootstrap, coverage
from ml.protocols import KNOWN, Case, fold_in, measure, top_lists
from ml.ranker import Ranker
from ml.ratings import DataError
from ml.report import markdown
from ml.rules import read_franchises
from ml.scoring import Scorer
from ml.splits import Split
from ml.tuning import CRITERION, baselines, tune

RANKER = "Nostrade"  # the checkpoint's name in the results
REPORTED = ("ndcg@20", "recall@20", "hit_rate@10")
CUTOFF = 20


def compare(scorers: Mapping[str, Scorer], cases: Sequence[Case]) -> dict[str, Any]:
    """Measure every scorer at every history length, for any and for loved targets, with 95 % intervals.

    Returns {"people", "known": {"3": {scorer: {metric: interval, "coverage@20": share}}}, "best_baseline":
    {"3": name}, "paired": {"3": {scorer: interval}}}. `paired` is each scorer's NDCG@20 less that of the best
    baseline at that length, person by person. Raises ValueError without cases.
    """
    if not cases:
        raise ValueError("Nobody is held out with 5 titles or more; bring more data.")
    report: dict[str, Any] = {"people": len(cases), "known": {}, "best_baseline": {}, "paired": {}}
    for n in KNOWN:
        label = str(n or "all")
        values = {name: measure(scorer, cases, n) for name, scorer in scorers.items()}
        report["known"][label] = {
            name: _intervals(row) | {"coverage@20": _coverage(scorers[name], cases, n)}
            for name, row in values.items()
        }
        ndcg = {name: row[CRITERION] for name, row in values.items()}
        best = max((name for name in ndcg if name != RANKER), key=lambda name: ndcg[name].mean())
        report["best_baseline"][label] = best
        report["paired"][label] = {
            name: bootstrap(row - ndcg[best]).to_dict() for name, row in ndcg.items() if name != best
        }
    return report


def _intervals(values: Mapping[str, NDArray[np.float64]]) -> dict[str, Any]:
    """Return the intervals of the reported metrics."""
    names = [f"{prefix}{name}" for prefix in ("", "loved ") for name in REPORTED]
    return {name: bootstrap(values[name]).to_dict() for name in names if name in values}


def _coverage(scorer: Scorer, cases: Sequence[Case], n: int | None) -> float:
    """Return the share of the catalogue that the top 20 of all people show."""
    n_items = len(scorer.id_map)
    return coverage(top_lists(scorer, cases, n, min(CUTOFF, n_items)), n_items)


def run(
    data: Path, checkpoint: Path | None = None, items: Path | None = None, franchises: Path | None = None
) -> dict[str, Any]:
    """Tune the baselines on the validation people, then compare them and the checkpoint on the holdout.

    The split is the checkpoint's, or the default one. Raises DataError when a file cannot be used, the
    checkpoint is of other data, or nobody is left to tune on.
    """
    content = read_items(items) if items else None
    groups = read_franchises(franchises) if franchises else None
    dataset = Dataset.load(data)
    split, ranker = _checkpoint(checkpoint, dataset)
    learners = dataset.people(split.training_people(dataset))
    validation = fold_in(dataset.people(split.validation_people(dataset)))
    if not learners.n_users or not validation:
        raise DataError(
            "Nobody is left to train or to tune on; use more data, or a checkpoint with validation people."
        )
    scorers: dict[str, Scorer] = {}
    tuning: dict[str, Any] = {}
    for baseline in baselines(learners, content, groups):
        started = time.perf_counter()
        tuned = tune(baseline, learners, validation)
        seconds = time.perf_counter() - started
        scorers[baseline.name] = tuned.scorer
        tuning[baseline.name] = {"chosen": tuned.chosen, "tried": tuned.tried, "seconds": round(seconds, 1)}
        sys.stdout.write(f"{baseline.name}: {_words(tuned.chosen)} ({seconds:.0f} s)\n")
        sys.stdout.flush()
    if ranker:
        scorers[RANKER] = ranker
    report = compare(scorers, fold_in(dataset.people(split.holdout_people(dataset))))
    return report | {"items": dataset.n_items, "tuning": tuning, "data": dataset.fingerprint}


def _checkpoint(path: Path | None, dataset: Dataset) -> tuple[Split, Ranker | None]:
    """Load the checkpoint's ranker and the split it was trained with; the default split without one."""
    if path is None:
        return Split(), None
    checkpoint = Checkpoint.load(path)
    if checkpoint.data.get("fingerprint") != dataset.fingerprint:
        raise DataError(f"{path} was trained on other data; compare it on its own dataset directory.")
    return Split(**checkpoint.training["split"]), Ranker.load(path)


def _words(settings: Mapping[str, Any]) -> str:
    """Say which settings were chosen."""
    return ", ".join(f"{name} {value:g}" for name, value in settings.items()) or "nothing to tune"


def parser() -> argparse.ArgumentParser:
    """Define the command line."""
    command = argparse.ArgumentParser(prog="python -m ml.compare", description=__doc__)
    command.add_argument("--data", type=Path, required=True, help="directory made by python -m ml.prepare")
    command.add_argument("--checkpoint", type=Path, help="compare its ranker too, on its own holdout")
    command.add_argument("--items", type=Path, help="CSV of titles, for the content baseline")
    command.add_argument("--franchises", type=Path, help="JSON of franchises, for the sibling baseline")
    command.add_argument(
        "--out", type=Path, required=True, help="directory to make, for results.json, .md and .svg"
    )
    return command


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    options = parser().parse_args(arguments)
    try:
        if options.out.exists():
            raise DataError(f"{options.out} exists already; choose another directory for the results.")
        report = run(options.data, options.checkpoint, options.items, options.franchises)
        with new_directory(options.out) as draft:
            (draft / "results.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
            (draft / "results.md").write_text(markdown(report), encoding="utf-8")
            (draft / "results.svg").write_text(draw(report), encoding="utf-8")
    except (DataError, CheckpointError, OSError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(markdown(report))
    return 0


if __name__ == "__main__":
    sys.exit(main())
