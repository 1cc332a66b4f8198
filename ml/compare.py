"""Compare the baselines, and a checkpoint, on what none of them saw: a table and a picture.

What was measured is kept in the output directory: a comparison that was stopped goes on when it is asked for
again.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ml.ablations import FULL, ablated, making, recipe_of
from ml.chart import draw
from ml.checkpoint import Checkpoint, CheckpointError
from ml.config import PRESETS
from ml.contenders import field, parts
from ml.content import ContentMatrix, ContentOnly, read_items
from ml.data import Dataset
from ml.leave_out import PROTOCOLS, Trial
from ml.measurements import Contender, Measurement, Workplace
from ml.ratings import DataError
from ml.report import markdown
from ml.results import CRITERION, summarise
from ml.rules import read_franchises
from ml.splits import Split
from ml.strata import Titles


@dataclass(frozen=True)
class Comparison:
    """What to compare: the files, the protocol, and where the results go."""

    data: Path
    out: Path
    protocol: str = "fold-in"
    checkpoint: Path | None = None
    items: Path | None = None
    franchises: Path | None = None
    preset: str | None = None
    ablations: bool = False
    seeds: int = 1
    device: str = "auto"

    def settings(self, dataset: Dataset) -> dict[str, Any]:
        """Return what decides the figures; a directory holds results of one such setting only."""
        files = {"items": self.items, "franchises": self.franchises}
        return {
            "data": dataset.fingerprint,
            "protocol": self.protocol,
            "preset": self.preset,
            "checkpoint": Checkpoint.load(self.checkpoint).version if self.checkpoint else None,
            **{name: _digest(path) for name, path in files.items()},
        }


def run(comparison: Comparison) -> dict[str, Any]:
    """Measure every contender, or read what was measured of it before, and write tables and picture.

    Returns what `ml.results.summarise` does, with the protocol, the numbers of people and titles and the
    notes of each ranker. The split of people is the checkpoint's, or the default one. Raises DataError when a
    file cannot be used, the checkpoint is of other data or does not suit the protocol, or nobody is left to
    tune on.
    """
    items = read_items(comparison.items) if comparison.items else None
    franchises = read_franchises(comparison.franchises) if comparison.franchises else None
    dataset = Dataset.load(comparison.data)
    checkpoint = _checkpoint(comparison, dataset)
    split = Split(**checkpoint.training["split"]) if checkpoint else Split()
    trial = PROTOCOLS[comparison.protocol](dataset, split)
    _refuse_empty(trial)
    workplace = Workplace(comparison.out, comparison.settings(dataset))
    titles = Titles.of(trial.training, franchises)
    by_content = ContentOnly(ContentMatrix(items), dataset.id_map) if items is not None else None
    ours = _ours(comparison, checkpoint, trial, workplace, by_content)
    contenders = [*field(trial, items, franchises), *ours]
    measured: dict[str, list[Measurement]] = {}
    for contender in contenders:
        measurement = workplace.measure(contender, trial.test, trial.lengths, titles)
        measured.setdefault(contender.name, []).append(measurement)
        _say(contender, measurement)
    report = {
        "protocol": comparison.protocol,
        "people": len(trial.test),
        "items": dataset.n_items,
        "data": dataset.fingerprint,
        "notes": {name: seeds[0].notes for name, seeds in measured.items()},
        **summarise(measured, [c.name for c in contenders if c.baseline], dataset.n_items),
    }
    _write(comparison.out, report)
    return report


def _ours(
    comparison: Comparison,
    checkpoint: Checkpoint | None,
    trial: Trial,
    workplace: Workplace,
    content: ContentOnly | None,
) -> Iterator[Contender]:
    """Yield a checkpoint's ranker and its parts, or those of a recipe to train; then its ablations."""
    if checkpoint:
        yield from parts(lambda: checkpoint, trial, content)
    elif comparison.preset:
        recipe = recipe_of(PRESETS[comparison.preset], trial.training)
        rest = workplace.trained, comparison.device
        for seed in range(comparison.seeds):
            yield from parts(making(recipe, trial, FULL, seed, *rest), trial, content, seed)
            if comparison.ablations:
                yield from ablated(recipe, trial, seed, *rest)


def _checkpoint(comparison: Comparison, dataset: Dataset) -> Checkpoint | None:
    """Load the checkpoint to compare."""
    if comparison.checkpoint is None:
        if comparison.ablations and not comparison.preset:
            raise DataError("--ablations trains a recipe again and again; say which with --preset.")
        return None
    if comparison.preset:
        raise DataError("Compare a --checkpoint or train a --preset, not both.")
    if comparison.protocol != "fold-in":
        raise DataError(
            f"A checkpoint has trained on events that {comparison.protocol} holds out; "
            "leave --checkpoint away or compare it with --protocol fold-in."
        )
    checkpoint = Checkpoint.load(comparison.checkpoint)
    if checkpoint.data.get("fingerprint") != dataset.fingerprint:
        raise DataError(
            f"{comparison.checkpoint} was trained on other data; compare it on its own dataset directory."
        )
    return checkpoint


def _refuse_empty(trial: Trial) -> None:
    """Refuse a split that leaves a part without people."""
    if not trial.training.n_users or not trial.validation:
        raise DataError(
            "Nobody is left to train or to tune on; use more data, or a checkpoint with validation people."
        )
    if not trial.test:
        raise DataError("Nobody is held out with enough titles; bring more data.")


def _say(contender: Contender, measurement: Measurement) -> None:
    """Print one line about what was just measured."""
    figures = ", ".join(
        f"{label} {measured.values[CRITERION].mean():.4f}"
        for label, measured in measurement.by_length.items()
    )
    sys.stdout.write(f"{contender.name} (seed {contender.seed}): {CRITERION} {figures}\n")
    sys.stdout.flush()


def _write(out: Path, report: dict[str, Any]) -> None:
    """Write the figures, the table and the picture."""
    (out / "results.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    (out / "results.md").write_text(markdown(report), encoding="utf-8")
    if len(report["known"]) > 1:
        (out / "results.svg").write_text(draw(report), encoding="utf-8")


def _digest(path: Path | None) -> str | None:
    """Hash a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path else None


def parser() -> argparse.ArgumentParser:
    """Define the command line."""
    command = argparse.ArgumentParser(prog="python -m ml.compare", description=__doc__)
    command.add_argument("--data", type=Path, required=True, help="directory made by python -m ml.prepare")
    command.add_argument(
        "--protocol", choices=tuple(PROTOCOLS), default="fold-in", help="what is held out (fold-in: people)"
    )
    command.add_argument("--checkpoint", type=Path, help="compare its ranker too, on its own holdout")
    command.add_argument("--preset", choices=sorted(PRESETS), help="train this recipe and compare it too")
    command.add_argument("--ablations", action="store_true", help="train the recipe without each thing, too")
    command.add_argument("--seeds", type=int, default=1, help="how often to train each")
    command.add_argument("--device", default="auto", help="auto, cpu, cuda, …")
    command.add_argument("--items", type=Path, help="CSV of titles, for the content baseline")
    command.add_argument("--franchises", type=Path, help="JSON of franchises, for the sibling baseline")
    command.add_argument(
        "--out", type=Path, required=True, help="directory for results.json, .md and .svg; may be resumed"
    )
    return command


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    options = parser().parse_args(arguments)
    try:
        report = run(Comparison(**vars(options)))
    except (DataError, CheckpointError, OSError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write("\n" + markdown(report))
    return 0


if __name__ == "__main__":
    sys.exit(main())
