"""Command: train a checkpoint from a dataset directory, anew or from another checkpoint."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ml.checkpoint import Checkpoint, CheckpointError
from ml.config import PRESETS, SASRecConfig, TrainingConfig
from ml.data import Dataset
from ml.ratings import DataError
from ml.training import fine_tune, train

OVERRIDES = ("epochs", "batch_size", "learning_rate", "anchor_strength", "max_steps", "max_seconds", "seed")


def parser() -> argparse.ArgumentParser:
    """Define the command line."""
    command = argparse.ArgumentParser(prog="python -m ml.train", description=__doc__)
    command.add_argument("--data", type=Path, required=True, help="directory made by python -m ml.prepare")
    command.add_argument("--out", type=Path, required=True, help="checkpoint directory to make")
    command.add_argument("--preset", choices=sorted(PRESETS), default="starter")
    command.add_argument("--init", type=Path, help="checkpoint to fine-tune; its model settings are kept")
    command.add_argument("--device", default="auto", help="auto, cpu, cuda, …")
    command.add_argument("--half", action="store_true", help="store float16 weights")
    command.add_argument(
        "--holdout", type=float, help="share of people never trained on, by a hash of their id"
    )
    command.add_argument(
        "--validation", type=float, help="share of people for early stopping; 0 trains to the end"
    )
    for name in OVERRIDES:
        kind = float if name in ("learning_rate", "anchor_strength", "max_seconds") else int
        command.add_argument(f"--{name.replace('_', '-')}", type=kind, help="instead of the preset's")
    return command


def settings(options: argparse.Namespace) -> TrainingConfig:
    """Apply the options to the preset."""
    config = PRESETS[options.preset].training
    given = {name: getattr(options, name) for name in OVERRIDES if getattr(options, name) is not None}
    shares = {
        name: getattr(options, name)
        for name in ("holdout", "validation")
        if getattr(options, name) is not None
    }
    return replace(config, **given, split=replace(config.split, **shares))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    options = parser().parse_args(arguments)
    config = settings(options)
    try:
        if options.out.exists():
            raise FileExistsError(f"{options.out} exists already; choose another name or remove it first.")
        dataset = Dataset.load(options.data)
        if options.init:
            result = fine_tune(Checkpoint.load(options.init), dataset, config, options.device)
        else:
            shape = SASRecConfig(n_items=dataset.n_items, **PRESETS[options.preset].model)
            result = train(dataset, shape, config, options.device)
        saved = result.save(options.out, half=options.half)
    except (DataError, CheckpointError, OSError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{options.out}: version {saved.version[:12]}, {saved.metrics['steps']} steps.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
