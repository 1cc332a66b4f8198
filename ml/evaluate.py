"""Measure a checkpoint on people it never saw, beside its parts, EASE and popularity from the same people."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.baselines import EASE, Popularity
from ml.checkpoint import Checkpoint, CheckpointError
from ml.config import SASREC_ALONE
from ml.data import Dataset
from ml.metrics import bootstrap, coverage
from ml.protocols import KNOWN, Case, fold_in, measure, top_lists
from ml.ranker import Ranker
from ml.ratings import DataError
from ml.scoring import Scorer
from ml.splits import Split

HEADLINES = ("ndcg@20", "loved ndcg@20", "recall@20", "hit_rate@10")
PAIRED = "ndcg@20"


def evaluate(scorers: dict[str, Scorer], cases: Sequence[Case]) -> dict[str, Any]:
    """Measure every scorer at every history length, with 95 % intervals over people.

    Returns {"people": n, "known": {"3": {scorer: {metric: interval}}}, "paired": …}; `paired` is the
    difference of the first scorer to each other one on NDCG@20, person by person. Raises ValueError without
    cases.
    """
    if not cases:
        raise ValueError("Nobody is held out with 5 titles or more; use a larger holdout or more data.")
    report: dict[str, Any] = {"people": len(cases), "known": {}, "paired": {}}
    for n in KNOWN:
        values = {name: measure(scorer, cases, n) for name, scorer in scorers.items()}
        label = str(n or "all")
        report["known"][label] = {
            name: _summary(scorers[name], cases, n, row) for name, row in values.items()
        }
        report["paired"][label] = _paired(values)
    return report


def _summary(
    scorer: Scorer, cases: Sequence[Case], n: int | None, values: dict[str, NDArray[np.float64]]
) -> dict[str, Any]:
    """Return the intervals of one scorer's metrics, and how much of the catalogue its lists show."""
    k = min(20, len(scorer.id_map))
    figures: dict[str, Any] = {name: bootstrap(row).to_dict() for name, row in values.items()}
    return figures | {"coverage@20": coverage(top_lists(scorer, cases, n, k), len(scorer.id_map))}


def _paired(values: dict[str, dict[str, NDArray[np.float64]]]) -> dict[str, Any]:
    """Return the first scorer's lead over each other one."""
    first, *others = values
    lead = values[first][PAIRED]
    return {name: bootstrap(lead - values[name][PAIRED]).to_dict() for name in others}


def table(report: dict[str, Any]) -> str:
    """Lay out the headline figures as text, and the first ranker's lead over each other one."""
    lines = [f"Fold-in on {report['people']} people unseen in training, full ranking, 95 % intervals", ""]
    titles = "".join(f"{name:>24}" for name in (*HEADLINES, f"lead in {PAIRED}"))
    lines.append(f"{'known':>5}  {'ranker':<10}{titles}{'coverage@20':>13}")
    for label, scorers in report["known"].items():
        for name, figures in scorers.items():
            lead = report["paired"][label].get(name)
            cells = "".join(f"{_cell(cell):>24}" for cell in (*map(figures.get, HEADLINES), lead))
            lines.append(f"{label:>5}  {name:<10}{cells}{figures['coverage@20']:>13.3f}")
    return "\n".join(lines)


def _cell(interval: dict[str, float] | None) -> str:
    if interval is None:
        return "-"
    return f"{interval['mean']:.3f} [{interval['low']:.3f}, {interval['high']:.3f}]"


def parser() -> argparse.ArgumentParser:
    """Define the command line."""
    command = argparse.ArgumentParser(prog="python -m ml.evaluate", description=__doc__)
    command.add_argument("--data", type=Path, required=True, help="directory made by python -m ml.prepare")
    command.add_argument("--checkpoint", type=Path, required=True)
    command.add_argument("--json", type=Path, help="write every figure there")
    return command


def run(data: Path, path: Path) -> dict[str, Any]:
    """Evaluate the checkpoint at `path` on the people it held out of the dataset at `data`.

    Raises DataError when the dataset is not the one the checkpoint was trained on.
    """
    checkpoint, dataset = Checkpoint.load(path), Dataset.load(data)
    if checkpoint.data.get("fingerprint") != dataset.fingerprint:
        raise DataError(
            f"{path} was trained on other data than {data}; evaluate it on its own dataset directory."
        )
    split = Split(**checkpoint.training["split"])
    learners = dataset.people(split.training_people(dataset))
    cases = fold_in(dataset.people(split.holdout_people(dataset)))
    mix = checkpoint.mix
    linear = replace(mix, sasrec=(0.0,) * len(mix.lengths))
    scorers: dict[str, Scorer] = {
        "ranker": Ranker(checkpoint),
        "SASRec": Ranker(replace(checkpoint, mix=SASREC_ALONE)),
        "item-item": Ranker(replace(checkpoint, mix=linear)),
        "EASE": EASE(learners),
        "popularity": Popularity(learners),
    }
    report = evaluate(scorers, cases)
    return report | {"checkpoint": checkpoint.version, "data": dataset.fingerprint}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    options = parser().parse_args(arguments)
    try:
        report = run(options.data, options.checkpoint)
        if options.json:
            options.json.write_text(json.dumps(report, indent=1) + "\n")
    except (DataError, CheckpointError, OSError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(table(report) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
