"""Command: train a checkpoint from a dataset directory, anew or from another checkpoint."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

from ml.checkpoint import Checkpoint, CheckpointError
from ml.config import CONTEXT, PRESETS, Loss, SASRecConfig, TrainingConfig
from ml.data import Dataset
from ml.distributed import Processes, joined
from ml.fine_tuning import fine_tune
from ml.fitting import Surroundings
from ml.progress import tensorboard
from ml.ratings import DataError
from ml.resuming import StateFile
from ml.time_bins import MONTHS_PER_BIN
from ml.training import train

SHAPES = ("context", "time_granularity", "dropout")  # of the model
OVERRIDES: dict[str, type] = {
    "epochs": int,
    "batch_size": int,
    "learning_rate": float,
    "anchor_strength": float,
    "dislike_strength": float,
    "pretended_people": float,
    "negatives": int,
    "negatives_per_target": int,
    "negative_popularity": float,
    "calibration": float,
    "distillation": float,
    "max_steps": int,
    "max_seconds": float,
    "seed": int,
}


def parser() -> argparse.ArgumentParser:
    """Define the command line."""
    command = argparse.ArgumentParser(prog="python -m ml.train", description=__doc__)
    command.add_argument("--data", type=Path, required=True, help="directory made by python -m ml.prepare")
    command.add_argument("--out", type=Path, required=True, help="checkpoint directory to make")
    command.add_argument("--preset", choices=sorted(PRESETS), default="starter")
    command.add_argument("--init", type=Path, help="checkpoint to fine-tune; its model settings are kept")
    command.add_argument("--device", default="auto", help="auto, cpu, cuda, …")
    command.add_argument(
        "--save-every",
        type=int,
        default=100,
        help="steps between two states of the run, kept as OUT.state: after a kill the same command goes on "
        "from there; 0 keeps none",
    )
    command.add_argument("--log-dir", type=Path, help="write TensorBoard logs (pip install tensorboard)")
    command.add_argument("--half", action="store_true", help="store float16 weights")
    command.add_argument(
        "--holdout", type=float, help="share of people never trained on, by a hash of their id"
    )
    command.add_argument(
        "--validation", type=float, help="share of people for early stopping; 0 trains to the end"
    )
    command.add_argument(
        "--context",
        nargs="*",
        choices=CONTEXT,
        help="what the model is told of an event, all of them if absent",
    )
    command.add_argument("--time-granularity", choices=sorted(MONTHS_PER_BIN), help="calendar bins")
    command.add_argument("--dropout", type=float, help="share of the values that training leaves out")
    command.add_argument("--loss", choices=get_args(Loss), help="full softmax, or one over drawn negatives")
    for name, kind in OVERRIDES.items():
        command.add_argument(f"--{name.replace('_', '-')}", type=kind, help="instead of the preset's")
    return command


def settings(options: argparse.Namespace) -> TrainingConfig:
    """Apply the options to the preset."""
    config = PRESETS[options.preset].training
    split = replace(config.split, **_given(options, ("holdout", "validation")))
    return replace(config, **_given(options, ("loss", *OVERRIDES)), split=split)


def shape(options: argparse.Namespace, n_items: int) -> SASRecConfig:
    """Apply the options to the preset's model."""
    config = SASRecConfig(n_items=n_items, **PRESETS[options.preset].model)
    return replace(config, **_given(options, SHAPES))


def _given(options: argparse.Namespace, names: Sequence[str]) -> dict[str, Any]:
    """Return those of the options that were given."""
    return {name: getattr(options, name) for name in names if getattr(options, name) is not None}


def run(options: argparse.Namespace, config: TrainingConfig, processes: Processes) -> Checkpoint:
    """Train, and save in the first process. Raises what `main` turns into a sentence."""
    if options.init and _given(options, SHAPES):
        raise ValueError(
            "--context, --time-granularity and --dropout are --init's; leave them out or train anew."
        )
    dataset = Dataset.load(options.data)
    state = StateFile(options.out.with_name(f"{options.out.name}.state"), options.save_every)
    with tensorboard(options.log_dir if processes.is_first else None) as watch:
        around = Surroundings(state, watch, processes)
        if options.init:
            parent = Checkpoint.load(options.init)
            result = fine_tune(parent, dataset, None, config, device=options.device, around=around)
        else:
            model_config = shape(options, dataset.n_items)
            result = train(dataset, model_config, config, options.device, around=around)
    if not processes.is_first:
        return result
    saved = result.save(options.out, half=options.half)
    state.remove()
    return saved


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    options = parser().parse_args(arguments)
    try:
        config = settings(options)
        if options.out.exists():
            raise FileExistsError(f"{options.out} exists already; choose another name or remove it first.")
        with joined(options.device) as processes:
            saved = run(options, config, processes)
    except (DataError, CheckpointError, OSError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if processes.is_first:
        sys.stdout.write(f"{options.out}: version {saved.version[:12]}, {saved.metrics['steps']} steps.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
