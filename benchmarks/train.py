"""Time our training beside RecTools' SASRecModel: tokens a second, time to equal ranking, what bounds it.

    python -m benchmarks.train --data DATA --rectools ENVIRONMENT/bin/python --out DIR [--rounds 3]

Same data, width, length, blocks, heads, feed-forward width, dropout, batch size and threads; softmax over all
titles on both sides. A round is an epoch of each, one after the other, so that a busy machine slows all of
them. A real token is an event that the model reads: padding does not count. RecTools takes its loss after
every token and so do our rows "every position"; our trainer can also take it after a few tokens of each
window, which makes a token cheaper: the rows "8 positions". RecTools' matrix products are in float32.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.profiler import ProfilerActivity, profile
from tqdm import tqdm

from benchmarks.sequences import judge, rectools, write_sequences
from ml.ablations import likes
from ml.batches import Batch, Batches
from ml.checkpoint import Checkpoint
from ml.config import CONTEXT, SASREC_ALONE, SASRecConfig, TrainingConfig
from ml.data import Dataset
from ml.fitting import make_optimiser, train_step, weights_of
from ml.item_item import ItemItem
from ml.leave_out import Trial, leave_one_out_in_time, random_leave_one_out
from ml.objective import Cost, Objective
from ml.pretraining import pretrain
from ml.ranker import Ranker
from ml.ratings import DataError
from ml.sasrec import SASRec

LENGTH, WIDTH, BLOCKS, HEADS, DROPOUT = 64, 128, 2, 4, 0.2
OURS = {  # where the loss is taken, and whether matrix products are in bfloat16
    "every position": (0, False),
    "every position, bfloat16": (0, True),
    "8 positions": (8, False),
    "8 positions, bfloat16": (8, True),
}
PEAK_SIZE = 1024  # rows of the square matrices whose product is the peak


class Speed(NamedTuple):
    """What one epoch did."""

    seconds: float
    tokens: int
    targets: int


class Learner:
    """Our model with everything a step needs."""

    def __init__(self, training: Dataset, how: tuple[int, bool], batch_size: int, seed: int = 0) -> None:
        """Make the model, random but for the spectral start of the real trainer."""
        torch.manual_seed(seed)
        shape = SASRecConfig(
            training.n_items,
            WIDTH,
            BLOCKS,
            HEADS,
            hidden_ratio=1,
            max_length=LENGTH,
            dropout=DROPOUT,
            context=CONTEXT[1:],  # RecTools is told no feedback, so ours learns from likes
        )
        first, last = shape.time_bins.trained_range(training.timestamps)
        shape = replace(shape, time_first=first, time_last=last)
        config = TrainingConfig(
            batch_size=batch_size,
            window=LENGTH,
            positions=how[0],
            bf16=how[1],
            ordered_horizon=1,
            learning_rate=1e-3,
            dislike_strength=0.0,
            pretended_people=0.0,
            seed=seed,
        )
        self.model = SASRec(shape)
        pretrain(self.model, training)
        self.batches = Batches(training, shape.time_bins, config)
        self.config = config
        self.cost = Cost(self.model, Objective(config, torch.from_numpy(training.item_counts())))
        self.optimiser = make_optimiser(self.model, config)
        unseen = torch.zeros(shape.n_items + 1, dtype=torch.int64)
        silent = ItemItem.nothing(shape.n_items)
        self.start = Checkpoint(shape, training.id_map, weights_of(self.model), unseen, silent, SASREC_ALONE)

    def epoch(self) -> Speed:
        """Train an epoch, its batches made meanwhile."""
        began, tokens, targets = time.perf_counter(), 0, 0
        for batch in self.batches.epoch():
            self.step(batch)
            tokens += batch.n_tokens
            targets += self.targets(batch)
        return Speed(time.perf_counter() - began, tokens, targets)

    def step(self, batch: Batch) -> None:
        """Train a step."""
        train_step(self.cost.train(), batch, self.optimiser, self.config)

    def targets(self, batch: Batch) -> int:
        """Count the positions at which the loss is taken."""
        last = (batch.columns > 0).sum(-1, keepdim=True) - 1
        return int((batch.at + batch.ranks.min(-1, keepdim=True).values.neg() < last).sum())

    def ranker(self) -> Ranker:
        """Return the ranker of the weights as they are."""
        return Ranker(replace(self.start, weights=weights_of(self.model)))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    options = parser().parse_args(arguments)
    torch.set_num_threads(options.threads)
    try:
        dataset = Dataset.load(options.data)
        ordered = bool(np.isfinite(dataset.timestamps).any())
        trial = leave_one_out_in_time(dataset) if ordered else random_leave_one_out(dataset)
        trial = replace(trial, training=likes(trial.training))
        options.out.mkdir(parents=True, exist_ok=not options.rounds)
        write_sequences(options.out / "sequences.npz", trial.training, {"validation": trial.validation})
        if options.rounds:
            throughput(trial.training, options)
            utilisation(trial.training, options)
        if options.epochs:
            curves(trial, options)
    except (DataError, OSError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def parser() -> argparse.ArgumentParser:
    """Define the command line."""
    command = argparse.ArgumentParser(
        prog="python -m benchmarks.train",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("--data", type=Path, required=True, help="directory made by python -m ml.prepare")
    command.add_argument("--rectools", type=Path, required=True, help="the Python of RecTools' environment")
    command.add_argument("--out", type=Path, required=True, help="directory to make, for what RecTools wrote")
    command.add_argument("--rounds", type=int, default=3, help="0 goes on with the curves")
    command.add_argument("--threads", type=int, default=1)
    command.add_argument("--batch-size", type=int, default=128, help="people a step; RecTools' default")
    command.add_argument("--epochs", type=int, default=24, help="of RecTools' curve; 0 leaves the curves out")
    return command


def shape_for_rectools(options: argparse.Namespace, batch_size: int) -> dict[str, object]:
    """Return RecTools' options for the same model."""
    shape = {"length": LENGTH, "width": WIDTH, "blocks": BLOCKS, "heads": HEADS, "dropout": DROPOUT}
    return {**shape, "batch_size": batch_size, "threads": options.threads}


def throughput(training: Dataset, options: argparse.Namespace) -> None:
    """Print tokens and targets a second, the median of the rounds, and the ratio round by round."""
    speeds: dict[str, list[Speed]] = {name: [] for name in ("RecTools", *OURS)}
    learners = {name: Learner(training, how, options.batch_size) for name, how in OURS.items()}
    for learner in learners.values():
        learner.epoch()  # as RecTools' first epoch, not counted
    for number in tqdm(range(options.rounds), unit="round"):
        speeds["RecTools"].append(epoch_of_rectools(options, number))
        for name, learner in learners.items():
            speeds[name].append(learner.epoch())
    print(f"{training.n_users} people, {training.n_items} titles, {options.threads} threads")
    for name, rows in speeds.items():
        tokens, targets = (
            statistics.median(getattr(row, kind) / row.seconds for row in rows)
            for kind in ("tokens", "targets")
        )
        ratios = [
            row.tokens / row.seconds / (base.tokens / base.seconds)
            for row, base in zip(rows, speeds["RecTools"], strict=True)
        ]
        print(
            f"{name}: {tokens:,.0f} tokens/s, {targets:,.0f} targets/s, "
            f"{statistics.median(ratios):.1f} times RecTools ({min(ratios):.1f} to {max(ratios):.1f})",
            flush=True,
        )


def epoch_of_rectools(options: argparse.Namespace, number: int) -> Speed:
    """Run two epochs of RecTools and time the second."""
    shape = shape_for_rectools(options, options.batch_size)
    out = options.out / f"round-{number}.npz"
    found = rectools(options.rectools, options.out / "sequences.npz", out, epochs=2, every=1, **shape)
    return Speed(
        float(found["seconds"][1] - found["seconds"][0]), int(found["tokens"]), int(found["targets"])
    )


def utilisation(training: Dataset, options: argparse.Namespace) -> None:
    """Print the share of the matrix-multiply peak that our steps reach, and their dearest operations."""
    peaks = {bf16: matrix_peak(torch.bfloat16 if bf16 else torch.float32) for bf16 in (False, True)}
    print(
        ", ".join(f"peak in {'bfloat16' if b else 'float32'} {p / 1e9:.0f} GFLOP/s" for b, p in peaks.items())
    )
    for name, how in OURS.items():
        learner = Learner(training, how, options.batch_size)
        peak = peaks[how[1]]
        batches = list(learner.batches.epoch())
        learner.step(batches[0])
        began = time.perf_counter()
        for batch in batches:
            learner.step(batch)
        rate = sum(flops(batch, training.n_items) for batch in batches) / (time.perf_counter() - began)
        print(f"{name}: {rate / 1e9:.0f} GFLOP/s, {rate / peak:.0%} of the peak; its dearest operations:")
        with profile(activities=[ProfilerActivity.CPU]) as profiled:
            for batch in batches:
                learner.step(batch)
        rows: list[Any] = list(profiled.key_averages())
        total = sum(row.self_cpu_time_total for row in rows)
        for row in sorted(rows, key=lambda row: -row.self_cpu_time_total)[:8]:
            print(f"  {row.self_cpu_time_total / total:6.1%} {row.key}", flush=True)


def matrix_peak(kind: torch.dtype, repetitions: int = 50) -> float:
    """Return the most operations a second that a product of square matrices reached."""
    a, b = torch.randn(2, PEAK_SIZE, PEAK_SIZE).to(kind)
    best = 0.0
    for _ in range(repetitions):
        began = time.perf_counter()
        a @ b
        best = max(best, 2 * PEAK_SIZE**3 / (time.perf_counter() - began))
    return best


def flops(batch: Batch, n_items: int) -> float:
    """Count the operations of a step: two for each multiplication, and twice as many backwards.

    Padding is computed, so it counts; the last block finishes only the answered positions. Attention counts
    the half that causality leaves.
    """
    B, L = batch.inputs[0].shape
    P, D = batch.at.shape[1], WIDTH
    whole, keys, rest = 6 * D**2, 2 * D**2, 4 * D**2  # of a token: a block; keys and values; the others
    tokens = B * L * ((BLOCKS - 1) * (whole + L * D) + keys)
    answers = B * P * (rest + L * D + n_items * D)
    return 3.0 * 2 * (tokens + answers)


def curves(trial: Trial, options: argparse.Namespace) -> None:
    """Print NDCG@10 on the validation titles against seconds of training, and the time to RecTools' best."""
    found = rectools(
        options.rectools,
        options.out / "sequences.npz",
        options.out / "curve.npz",
        epochs=options.epochs,
        every=max(options.epochs // 8, 1),
        **shape_for_rectools(options, 32),
    )
    scores = found["validation_scores"]
    theirs = [ndcg(row, trial) for row in scores]
    best = max(theirs)
    reached = float(found["seconds"][theirs.index(best)])
    print(f"RecTools: {described(found['seconds'], theirs)}; its best, {best:.4f}, after {reached:.1f} s")
    for name, how in OURS.items():
        seconds, ours = our_curve(trial, how)
        reached = next((s for s, value in zip(seconds, ours, strict=True) if value >= best), float("nan"))
        print(f"{name}: {described(seconds, ours)}; {best:.4f} after {reached:.1f} s", flush=True)


def our_curve(trial: Trial, how: tuple[int, bool], epochs: int = 4) -> tuple[list[float], list[float]]:
    """Return seconds, the spectral start included, and NDCG@10 at the start and after each epoch."""
    began = time.perf_counter()
    learner = Learner(trial.training, how, batch_size=32)
    seconds = [time.perf_counter() - began]
    known = [case.known for case in trial.validation]
    figures = [ndcg(learner.ranker().scores(known), trial)]
    for _ in range(epochs):
        seconds.append(seconds[-1] + learner.epoch().seconds)
        figures.append(ndcg(learner.ranker().scores(known), trial))
    return seconds, figures


def ndcg(scores: Any, trial: Trial) -> float:
    """Return the mean NDCG@10 of scores (U, N + 1)."""
    return float(judge(scores, trial.training, trial.validation)["ndcg@10"].mean())


def described(seconds: Iterable[float], figures: Sequence[float]) -> str:
    """Write a curve."""
    return ", ".join(f"{value:.4f} at {s:.1f} s" for s, value in zip(seconds, figures, strict=True))


if __name__ == "__main__":
    sys.exit(main())
