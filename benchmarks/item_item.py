"""Try recipes of the item-item term on two folds of the people who are not held out.

    python -m benchmarks.item_item --data DATA --out DIR [--only GROUP ...] [--franchises JSON]

DATA is made by `python -m ml.prepare --items …`. Each fold is a fifth of the people, judged by what the
others teach. A figure is NDCG@20 over the people of both folds; after it stands how far it is from the recipe
that the table names, person by person, with a 95 % bootstrap interval. Mixtures with the shipped sparse part
take the share that is best on the other fold. What was measured is kept in DIR: a stopped run goes on.
"""

import argparse
import re
import sys
import time
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.folds import SHARES, Fold
from benchmarks.recipes import Group, Recipe, groups
from ml.data import Dataset
from ml.metrics import bootstrap
from ml.protocols import KNOWN
from ml.ratings import DataError
from ml.rules import read_franchises

FOLDS = (0, 1)
KINDS = ("any", "loved")
Array = NDArray[np.float64]
Key = tuple[str, str]  # a group and one of its recipes
Values = dict[str, Array]  # by length told: NDCG alone (2, B), and mixed (shares, 2, B)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    options = parser().parse_args(arguments)
    torch.set_num_threads(1)
    try:
        franchises = read_franchises(options.franchises) if options.franchises else None
        trials = Trials(Dataset.load(options.data), options.out, franchises)
        for name in options.only or trials.groups:
            print(report(name, trials), flush=True)
    except (DataError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def parser() -> argparse.ArgumentParser:
    """Define the command line."""
    command = argparse.ArgumentParser(
        prog="python -m benchmarks.item_item",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("--data", type=Path, required=True, help="directory made by python -m ml.prepare")
    command.add_argument("--out", type=Path, required=True, help="where to keep what was measured")
    command.add_argument("--only", nargs="+", choices=tuple(groups()), help="groups of recipes to try")
    command.add_argument("--franchises", type=Path, help="JSON of franchises, for their rows")
    return command


class Trials:
    """Every recipe's values on every fold, measured when asked for and kept in a folder."""

    def __init__(self, dataset: Dataset, folder: Path, franchises: Mapping[int, str] | None = None) -> None:
        self._dataset, self._franchises = dataset, franchises
        self._folder = folder / dataset.fingerprint[:12]
        self._folder.mkdir(parents=True, exist_ok=True)
        self.groups = groups(bool(franchises))

    @cached_property
    def _folds(self) -> list[Fold]:
        return [Fold(self._dataset, number, self._franchises) for number in FOLDS]

    def __call__(self, key: Key) -> list[Values]:
        """Return the values of a recipe on each fold."""
        group = self.groups[key[0]]
        return [self._values(key, number, group.recipes[key[1]], group.mixed) for number in FOLDS]

    def _values(self, key: Key, number: int, recipe: Recipe, mixed: bool) -> Values:
        name = re.sub(r"[^\w.^-]+", "-", " ".join(key))
        path = self._folder / f"{name}-{number}.npz"
        if not path.exists():
            start = time.process_time()
            values = tried(recipe, self._folds[number], mixed)
            draft = path.with_suffix(".draft.npz")
            np.savez(draft, **values)  # type: ignore[arg-type]
            draft.rename(path)  # a run that is stopped leaves no half file
            seconds = time.process_time() - start
            print(f"{' '.join(key)}, fold {number}: {seconds:.0f} processor s", file=sys.stderr)
        with np.load(path) as arrays:
            return dict(arrays)


def tried(recipe: Recipe, fold: Fold, mixed: bool) -> Values:
    """Measure one recipe on one fold."""
    scores = recipe(fold)
    values = {f"alone {n}": fold.ndcg(scores[n]) for n in KNOWN}
    return values | ({f"mixed {n}": fold.mixed(scores[n], n) for n in KNOWN} if mixed else {})


def crossed(folds: Sequence[Values], n: int | None) -> tuple[Array, list[float]]:
    """Mix at the share that is best on the other fold, any and loved alike: (2, people), and the shares."""
    mixtures = [values[f"mixed {n}"] for values in folds]
    best = [int(np.nanmean(mixture, axis=2).sum(1).argmax()) for mixture in mixtures][::-1]
    rows = [mixture[share] for mixture, share in zip(mixtures, best, strict=True)]
    return np.concatenate(rows, axis=1), [float(SHARES[share]) for share in best]


def alone(folds: Sequence[Values], n: int | None) -> Array:
    """Join the folds' people, (2, people)."""
    return np.concatenate([values[f"alone {n}"] for values in folds], axis=1)


def report(name: str, trials: Trials) -> str:
    """Write a group's tables: each recipe alone, and in the mixture."""
    group = trials.groups[name]
    found = {key: trials(key) for key in keys(name, group)}
    lines = [f"### {name}: alone", *table(name, group.against, found, False)]
    if group.mixed:
        both = {key: values for key, values in found.items() if "mixed None" in values[0]}
        lines += [f"### {name}: with the sparse part", *table(name, group.mixed_against, both, True)]
    return "\n".join(lines) + "\n"


def keys(name: str, group: Group) -> list[Key]:
    """Name what a group is compared with first, then its recipes."""
    against = [group.against, *([group.mixed_against] if group.mixed else [])]
    return list(dict.fromkeys([*against, *((name, recipe) for recipe in group.recipes)]))


def table(name: str, base: Key, found: Mapping[Key, Sequence[Values]], mixed: bool) -> list[str]:
    """Write a row for each recipe and kind of target."""
    told = " | ".join("all told" if n is None else f"{n} told" for n in KNOWN)
    lines = ["", f"| recipe, beside {' '.join(base)} | targets | {told} |", "| --- " * 6 + "|"]
    shown = {key: [people(folds, n, mixed) for n in KNOWN] for key, folds in found.items()}
    for key in (k for k in found if k == base or k[0] == name):
        for kind, target in enumerate(KINDS):
            pairs = zip(shown[key], shown[base], strict=True)
            cells = [cell(mine[kind], theirs[kind], key == base) for mine, theirs in pairs]
            label = " ".join(key) if key[0] != name else key[1]
            lines.append(f"| {label if not kind else ''} | {target} | {' | '.join(cells)} |")
        if mixed:
            shares = [", ".join(f"{s:.1f}" for s in crossed(found[key], n)[1]) for n in KNOWN]
            lines.append(f"| | its share | {' | '.join(shares)} |")
    return [*lines, ""]


def people(folds: Sequence[Values], n: int | None, mixed: bool) -> Array:
    """Return each person's values (2, people)."""
    return crossed(folds, n)[0] if mixed else alone(folds, n)


def cell(mine: Array, base: Array, is_base: bool) -> str:
    """Write a mean, and how far it is from the base's over the people who have such targets."""
    some = ~np.isnan(mine)
    mean = f"{mine[some].mean():.4f}"
    if is_base:
        return mean
    lead = bootstrap(mine[some] - base[some])
    return f"{mean}, {lead.mean:+.4f} [{lead.low:+.4f}, {lead.high:+.4f}]"


if __name__ == "__main__":
    sys.exit(main())
