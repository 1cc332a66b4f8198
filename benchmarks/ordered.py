"""Compare our SASRec with RecTools' under one split in time, both tuned alike on the validation titles.

    python -m benchmarks.ordered --data DATA --rectools ENVIRONMENT/bin/python --out DIR [--seeds 3]

Each person's last title is the target, the one before it is for choosing; all titles are ranked, what a
person has seen is masked. Seed 0 tries every setting, the one that is best on the validation titles runs with
the other seeds; in every run the best moment is chosen on them too. What was trained is kept in DIR: a run
that was stopped goes on.
"""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.sequences import judge, rectools, write_sequences
from ml.ablations import likes
from ml.checkpoint import Checkpoint
from ml.config import CONTEXT, SASREC_ALONE, SASRecConfig, TrainingConfig
from ml.data import Dataset
from ml.fitting import Validation, weights_of
from ml.item_item import ItemItem
from ml.leave_out import WHOLE, Trial, leave_one_out_in_time
from ml.metrics import bootstrap
from ml.pretraining import pretrain
from ml.ranker import Ranker
from ml.ratings import DataError
from ml.sasrec import SASRec
from ml.splits import Split
from ml.training import run

Values = dict[str, NDArray[np.float64]]  # a metric's per-person values
METRICS = ("ndcg@10", "hit_rate@10")
THEIRS: Mapping[str, dict[str, object]] = {
    "width 64": {},
    "rate 0.002": {"learning_rate": 0.002},
    "gbce": {"loss": "gBCE", "negatives": 64, "calibration": 0.75},
}
THEIR_EPOCHS = 24
OURS: Mapping[str, dict[str, Any]] = {
    "width 64": {},
    "width 128": {"width": 128},
}
OUR_EPOCHS = 6
LENGTH = 64


@dataclass(frozen=True)
class Run:
    """What one run achieved at its best moment."""

    setting: str
    validation: float
    test: Values


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    options = parser().parse_args(arguments)
    try:
        trial = leave_one_out_in_time(Dataset.load(options.data))
        options.out.mkdir(parents=True, exist_ok=True)
        compare(trial, options)
    except (DataError, OSError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def parser() -> argparse.ArgumentParser:
    """Define the command line."""
    command = argparse.ArgumentParser(
        prog="python -m benchmarks.ordered",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("--data", type=Path, required=True, help="directory made by python -m ml.prepare")
    command.add_argument("--rectools", type=Path, required=True, help="the Python of RecTools' environment")
    command.add_argument("--out", type=Path, required=True, help="where to keep what was trained")
    command.add_argument("--seeds", type=int, default=3)
    return command


def compare(trial: Trial, options: argparse.Namespace) -> None:
    """Run the three contenders and print the table."""
    sequences = options.out / "sequences.npz"
    write_sequences(sequences, trial.training, {"validation": trial.validation, "test": trial.test})

    def theirs(setting: str, seed: int) -> Run:
        return run_theirs(trial, sequences, setting, seed, options)

    def ours(context: tuple[str, ...]) -> Callable[[str, int], Run]:
        return lambda setting, seed: run_ours(trial, context, setting, seed, options.out)

    base = chosen("RecTools SASRecModel", tuple(THEIRS), theirs, options.seeds)
    for title, attempt in (("ours, full context", ours(CONTEXT)), ("ours, no feedback", ours(CONTEXT[1:]))):
        values = chosen(title, tuple(OURS), attempt, options.seeds)
        for metric in METRICS:
            lead = bootstrap(values[metric] - base[metric])
            print(f"  ahead of RecTools by {lead.mean:.4f} [{lead.low:.4f}, {lead.high:.4f}] {metric}")


def name_of(kind: str, setting: str, seed: int) -> str:
    """Return a file's name."""
    return f"{kind}-{setting.replace(' ', '-')}-{seed}"


def chosen(title: str, settings: Sequence[str], attempt: Callable[[str, int], Run], seeds: int) -> Values:
    """Run the best of the settings with every seed; return each person's means over the seeds."""
    tried = [attempt(setting, 0) for setting in settings]
    best = max(tried, key=lambda one: one.validation)
    runs = [best, *(attempt(best.setting, seed) for seed in range(1, seeds))]
    print(
        f"{title}: {best.setting}; validation NDCG@10 "
        + ", ".join(f"{r.setting} {r.validation:.4f}" for r in tried)
    )
    values = {metric: np.mean([r.test[metric] for r in runs], axis=0) for metric in METRICS}
    for metric in METRICS:
        found = bootstrap(values[metric])
        each = ", ".join(f"{r.test[metric].mean():.4f}" for r in runs)
        print(f"  {metric} {found.mean:.4f} [{found.low:.4f}, {found.high:.4f}] (seeds: {each})", flush=True)
    return values


def run_theirs(trial: Trial, sequences: Path, setting: str, seed: int, options: argparse.Namespace) -> Run:
    """Train RecTools' model and judge it at the check that is best on the validation titles."""
    arguments = {"length": LENGTH, "width": 64, "batch_size": 32, **THEIRS[setting]}
    out = options.out / f"{name_of('rectools', setting, seed)}.npz"
    arrays = rectools(options.rectools, sequences, out, seed=seed, epochs=THEIR_EPOCHS, every=4, **arguments)
    checks = [
        judge(row, trial.training, trial.validation)["ndcg@10"].mean() for row in arrays["validation_scores"]
    ]
    best = int(np.argmax(checks))
    return Run(setting, float(checks[best]), judge(arrays["test_scores"][best], trial.training, trial.test))


def run_ours(trial: Trial, context: tuple[str, ...], setting: str, seed: int, folder: Path) -> Run:
    """Train our SASRec, which keeps the weights that are best on the validation titles, and judge it.

    A model that is told no feedback learns from data where every event is a like.
    """
    path = folder / name_of("-".join(("ours", *context)), setting, seed)
    training = trial.training if "feedback" in context else likes(trial.training)
    if not path.exists():
        model, config = recipe(training, context, seed, **OURS[setting])
        validation = Validation(trial.validation, WHOLE)
        run(untrained(model, training, seed), training, config, "cpu", None, validation).save(path)
    scorer = Ranker(Checkpoint.load(path))
    valid, test = (
        judge(scorer.scores([case.known for case in cases]), training, cases)
        for cases in (trial.validation, trial.test)
    )
    return Run(setting, float(valid["ndcg@10"].mean()), test)


def untrained(config: SASRecConfig, training: Dataset, seed: int) -> Checkpoint:
    """Return the spectral start of SASRec alone."""
    torch.manual_seed(seed)
    model = SASRec(config)
    pretrain(model, training)
    nobody = torch.zeros(config.n_items + 1, dtype=torch.int64)
    silent = ItemItem.nothing(config.n_items)
    return Checkpoint(config, training.id_map, weights_of(model), nobody, silent, SASREC_ALONE)


def recipe(
    training: Dataset, context: tuple[str, ...], seed: int, width: int = 64
) -> tuple[SASRecConfig, TrainingConfig]:
    """Return a model and how to train it on ordered lists: every event predicts the next one."""
    model = SASRecConfig(
        training.n_items, width, max_length=LENGTH, context=context, time_granularity="month"
    )
    first, last = model.time_bins.trained_range(training.timestamps)
    config = TrainingConfig(
        epochs=OUR_EPOCHS,
        validations=OUR_EPOCHS,
        window=LENGTH,
        positions=0,
        ordered_horizon=1,
        learning_rate=1e-3,
        love_weight=1.0,
        watched_weight=1.0,
        dislike_strength=0.0,
        pretended_people=0.0,
        seed=seed,
        split=Split(0.0, 0.0),
    )
    return replace(model, time_first=first, time_last=last), config


if __name__ == "__main__":
    sys.exit(main())
