"""Measure a checkpoint on people it never saw, beside its parts, EASE and popularity from the same people."""

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ml.baselines import EASE, Popularity
from ml.checkpoint import Checkpoint, CheckpointError
from ml.config import SASREC_ALONE
from ml.data import Dataset
from ml.leave_out import WHOLE, leave_one_out_in_time, random_leave_one_out
from ml.measurements import Built, Measurement
from ml.protocols import KNOWN, Case, fold_in
from ml.ranker import Ranker
from ml.ratings import DataError
from ml.results import CRITERION, averaged, difference, figures_of
from ml.rules import read_franchises
from ml.scoring import Scorer
from ml.splits import Split
from ml.strata import Titles
from ml.wording import interval_text

HEADLINES = (CRITERION, "loved ndcg@20", "recall@20", "hit_rate@10")

# What is held out of the lists of people whom the checkpoint never saw, and how much of the rest is told.
PROTOCOLS: Mapping[str, tuple[Callable[[Dataset], list[Case]], tuple[int | None, ...]]] = {
    "fold-in": (fold_in, KNOWN),
    "leave-one-out": (lambda people: random_leave_one_out(people).test, WHOLE),
    "leave-one-out-in-time": (lambda people: leave_one_out_in_time(people).test, WHOLE),
}


def evaluate(
    scorers: Mapping[str, Scorer],
    cases: Sequence[Case],
    titles: Titles,
    lengths: Sequence[int | None] = KNOWN,
) -> dict[str, Any]:
    """Measure every scorer at every history length, with 95 % intervals over people.

    Returns {"people": n, "known": {"3": {scorer: {metric: interval}}}, "paired": {"3": {scorer: {metric:
    interval}}}}; `paired` is the lead of the first scorer over each other one, person by person. Raises
    ValueError without cases.
    """
    if not cases:
        raise ValueError("Nobody is held out with enough titles; use a larger holdout or more data.")
    measured = {
        name: Measurement.of(Built(scorer), cases, lengths, titles) for name, scorer in scorers.items()
    }
    report: dict[str, Any] = {"people": len(cases), "known": {}, "paired": {}}
    for label in (str(n or "all") for n in lengths):
        report["known"][label] = {
            name: figures_of([one], label, len(scorers[name].id_map)) for name, one in measured.items()
        }
        first, *others = (averaged([one], label) for one in measured.values())
        report["paired"][label] = {
            name: difference(first, other) for name, other in zip([*measured][1:], others, strict=True)
        }
    return report


def table(report: Mapping[str, Any]) -> str:
    """Lay out the headline figures as text, and the first ranker's lead over each other one."""
    lines = [
        f"{report['protocol']}: {report['people']} people unseen in training, full ranking, 95 % intervals",
        "",
    ]
    titles = "".join(f"{name:>24}" for name in (*HEADLINES, f"lead in {CRITERION}"))
    lines.append(f"{'known':>5}  {'ranker':<10}{titles}{'coverage@20':>13}{'novelty@20':>12}")
    for label, scorers in report["known"].items():
        for name, figures in scorers.items():
            lead = report["paired"][label].get(name, {}).get(CRITERION)
            cells = "".join(f"{_cell(cell):>24}" for cell in (*map(figures.get, HEADLINES), lead))
            shown = f"{figures['coverage@20']:>13.3f}{figures['novelty@20']['mean']:>12.2f}"
            lines.append(f"{label:>5}  {name:<10}{cells}{shown}")
    return "\n".join(lines)


def _cell(interval: dict[str, float] | None) -> str:
    return "-" if interval is None else interval_text(interval)


def parser() -> argparse.ArgumentParser:
    """Define the command line."""
    command = argparse.ArgumentParser(prog="python -m ml.evaluate", description=__doc__)
    command.add_argument("--data", type=Path, required=True, help="directory made by python -m ml.prepare")
    command.add_argument("--checkpoint", type=Path, required=True)
    command.add_argument("--json", type=Path, help="write every figure there")
    command.add_argument(
        "--protocol", choices=tuple(PROTOCOLS), default="fold-in", help="what is held out of their lists"
    )
    command.add_argument("--franchises", type=Path, help="JSON of franchises, for targets of new ones")
    return command


def run(data: Path, path: Path, protocol: str = "fold-in", franchises: Path | None = None) -> dict[str, Any]:
    """Evaluate the checkpoint at `path` on the people it held out of the dataset at `data`.

    Raises DataError when the dataset is not the one the checkpoint was trained on.
    """
    groups = read_franchises(franchises) if franchises else None
    checkpoint, dataset = Checkpoint.load(path), Dataset.load(data)
    if checkpoint.data.get("fingerprint") != dataset.fingerprint:
        raise DataError(
            f"{path} was trained on other data than {data}; evaluate it on its own dataset directory."
        )
    split = Split(**checkpoint.training["split"])
    learners = dataset.people(split.training_people(dataset))
    cases_of, lengths = PROTOCOLS[protocol]
    cases = cases_of(dataset.people(split.holdout_people(dataset)))
    scorers: dict[str, Scorer] = {
        "ranker": Ranker(checkpoint),
        "SASRec": Ranker(replace(checkpoint, mix=SASREC_ALONE)),
        "item-item": Ranker(replace(checkpoint, mix=checkpoint.mix.without_sasrec())),
        "EASE": EASE(learners),
        "popularity": Popularity(learners),
    }
    report = evaluate(scorers, cases, Titles.of(learners, groups), lengths)
    return report | {
        "protocol": protocol,
        "checkpoint": checkpoint.version,
        "data": dataset.fingerprint,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    options = parser().parse_args(arguments)
    try:
        report = run(options.data, options.checkpoint, options.protocol, options.franchises)
        if options.json:
            options.json.write_text(json.dumps(report, indent=1) + "\n")
    except (DataError, CheckpointError, OSError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(table(report) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
