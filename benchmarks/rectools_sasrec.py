"""Train RecTools' SASRecModel on the sequences of a file, and write its seconds and its scores to another.

    python benchmarks/rectools_sasrec.py --sequences in.npz --out out.npz [--epochs 20] [--length 64] ...

Runs in an environment of its own (`benchmarks/requirements-rectools.txt`) and knows nothing of Nostrade;
`benchmarks/sequences.py` says what the files hold. The clock runs during epochs only: neither the reading of
the data nor the scoring counts.
"""

from __future__ import annotations

import argparse
import logging
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from pytorch_lightning import Callback, LightningModule, Trainer, seed_everything
from rectools import Columns
from rectools.dataset import Dataset
from rectools.models import SASRecModel


class Clock(Callback):
    """Adds up the seconds of the training epochs."""

    seconds = 0.0
    began = 0.0

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start."""
        Clock.began = time.perf_counter()

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Stop; the numbers are of the class, because RecTools copies its trainer."""
        Clock.seconds += time.perf_counter() - Clock.began


def main() -> None:
    """Train, score, write."""
    options = parser().parse_args()
    warnings.filterwarnings("ignore")
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    torch.set_num_threads(options.threads)
    seed_everything(options.seed, verbose=False)
    with np.load(options.sequences) as file:
        arrays = dict(file)
    training = interactions(arrays["offsets"], arrays["items"])
    model = make(options)
    epochs, seconds, scores = [], [], []
    for epoch in blocks(options.epochs, options.every):
        model.fit_partial(training, min_epochs=epoch, max_epochs=epoch)
        epochs.append(epoch + (epochs[-1] if epochs else 0))
        seconds.append(Clock.seconds)
        scores.append({name: score(model, arrays, name) for name in cases(arrays)})
    lengths = np.minimum(np.diff(arrays["offsets"]) - 1, options.length)
    np.savez(
        options.out,
        epochs=epochs,
        seconds=seconds,
        tokens=lengths.sum(),
        targets=lengths.sum(),
        **{f"{name}_scores": np.array([row[name] for row in scores]) for name in cases(arrays)},
    )


def parser() -> argparse.ArgumentParser:
    """Define the command line; the defaults are RecTools' own, but for the threads."""
    command = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    command.add_argument("--sequences", type=Path, required=True, help="what to train on and what to score")
    command.add_argument("--out", type=Path, required=True, help="where to write seconds and scores")
    command.add_argument("--epochs", type=int, default=3)
    command.add_argument("--every", type=int, default=0, help="epochs between two scorings; 0 = at the end")
    command.add_argument("--length", type=int, default=100)
    command.add_argument("--width", type=int, default=256)
    command.add_argument("--blocks", type=int, default=2)
    command.add_argument("--heads", type=int, default=4)
    command.add_argument("--dropout", type=float, default=0.2)
    command.add_argument("--loss", default="softmax", help="softmax, BCE, gBCE or sampled_softmax")
    command.add_argument("--negatives", type=int, default=1, help="of the losses that draw some")
    command.add_argument("--calibration", type=float, default=0.2, help="t of gBCE")
    command.add_argument("--learning-rate", type=float, default=1e-3)
    command.add_argument("--batch-size", type=int, default=128)
    command.add_argument("--threads", type=int, default=1)
    command.add_argument("--seed", type=int, default=0)
    return command


def make(options: argparse.Namespace) -> SASRecModel:
    """Make the model, with RecTools' default trainer and the clock."""
    return SASRecModel(
        n_blocks=options.blocks,
        n_heads=options.heads,
        n_factors=options.width,
        dropout_rate=options.dropout,
        session_max_len=options.length,
        loss=options.loss,
        n_negatives=options.negatives,
        gbce_t=options.calibration,
        lr=options.learning_rate,
        batch_size=options.batch_size,
        recommend_batch_size=256,
        recommend_torch_device="cpu",
        get_trainer_func=trainer,
    )


def trainer() -> Trainer:
    """Make what RecTools makes by itself, on the CPU and with the clock."""
    return Trainer(
        max_epochs=1,
        accelerator="cpu",
        devices=1,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=[Clock()],
    )


def blocks(epochs: int, every: int) -> Iterator[int]:
    """Split the epochs into blocks between two scorings."""
    every = every or epochs
    for start in range(0, epochs, every):
        yield min(every, epochs - start)


def interactions(offsets: np.ndarray[Any, Any], items: np.ndarray[Any, Any]) -> Dataset:
    """Make a dataset of sequences, their order as the time."""
    lengths = np.diff(offsets)
    places = np.arange(len(items)) - np.repeat(offsets[:-1], lengths)
    table = pd.DataFrame(
        {
            Columns.User: np.repeat(np.arange(len(lengths)), lengths),
            Columns.Item: items,
            Columns.Weight: 1.0,
            Columns.Datetime: pd.Timestamp("2000-01-01") + pd.to_timedelta(places, unit="h"),
        }
    )
    return Dataset.construct(table)


def cases(arrays: dict[str, Any]) -> list[str]:
    """Name the kinds of histories to score."""
    return [name.removesuffix("_offsets") for name in arrays if name.endswith("_offsets")]


def score(model: SASRecModel, arrays: dict[str, Any], name: str) -> np.ndarray[Any, Any]:
    """Score every title after each history, (U, N + 1); what it has seen or never learned is -inf."""
    offsets = arrays[f"{name}_offsets"]
    known = interactions(offsets, arrays[f"{name}_items"])
    n_items = int(arrays["n_items"])
    people = np.arange(len(offsets) - 1)
    lists = model.recommend(people, known, k=n_items, filter_viewed=True, on_unsupported_targets="ignore")
    scores = np.full((len(people), n_items + 1), -np.inf, dtype=np.float32)
    scores[lists[Columns.User], lists[Columns.Item]] = lists[Columns.Score]
    return scores


if __name__ == "__main__":
    main()
