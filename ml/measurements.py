"""What a comparison has measured, ranker by ranker, in files: a killed one goes on where it stopped."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np

from ml.directories import new_directory
from ml.protocols import Case, Measured, examine
from ml.ratings import DataError
from ml.scoring import Scorer
from ml.strata import Titles

SETTINGS = "settings.json"
ARRAYS, NOTES = "measured.npz", "notes.json"
SHOWN = "shown"


@dataclass(frozen=True)
class Built:
    """A ranker, and what is worth saying about how it came about."""

    scorer: Scorer
    notes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Contender:
    """One ranker of a comparison; several of the same name and other seeds are averaged.

    `build` makes it when its turn comes and it was not measured before. A `baseline` may be the best baseline
    of the report.
    """

    name: str
    build: Callable[[], Built]
    seed: int = 0
    baseline: bool = True

    @property
    def slug(self) -> str:
        """Return a name for files."""
        return f"{re.sub('[^a-z0-9.]+', '-', self.name.lower()).strip('-')}-{self.seed}"


@dataclass(frozen=True)
class Measurement:
    """One ranker at every history length; the keys are "3", "10", … and "all"."""

    by_length: dict[str, Measured]
    notes: dict[str, Any]

    @classmethod
    def of(cls, built: Built, cases: Sequence[Case], lengths: Sequence[int | None], titles: Titles) -> Self:
        """Measure a ranker on the cases."""
        return cls(
            {str(n or "all"): examine(built.scorer, cases, n, titles=titles) for n in lengths}, built.notes
        )

    def save(self, path: Path) -> None:
        """Write the directory `path` atomically."""
        arrays = {
            f"{label}/{name}": row
            for label, measured in self.by_length.items()
            for name, row in (*measured.values.items(), (SHOWN, measured.shown))
        }
        with new_directory(path) as draft:
            np.savez_compressed(draft / ARRAYS, **arrays)  # type: ignore[arg-type]
            (draft / NOTES).write_text(json.dumps(self.notes) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote. Raises DataError when it cannot be read."""
        columns: dict[str, dict[str, Any]] = {}
        try:
            with np.load(path / ARRAYS) as arrays:
                for key in arrays:
                    label, name = key.split("/")
                    columns.setdefault(label, {})[name] = arrays[key]
            notes = json.loads((path / NOTES).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise DataError(f"{path} cannot be read; remove it, it will be measured again.") from error
        return cls({label: Measured(rows, rows.pop(SHOWN)) for label, rows in columns.items()}, notes)


class Workplace:
    """The directory of one comparison: what was measured, and what was trained for it."""

    def __init__(self, path: Path, settings: dict[str, Any]) -> None:
        """Make the directory, or take up one of a comparison with the same settings, else DataError."""
        self.path = path
        wanted = json.dumps(settings, indent=1, sort_keys=True) + "\n"
        try:
            path.mkdir(parents=True)
            (path / SETTINGS).write_text(wanted, encoding="utf-8")
        except FileExistsError:
            file = path / SETTINGS
            if not file.is_file() or file.read_text(encoding="utf-8") != wanted:
                raise DataError(
                    f"{path} exists already and is not of this comparison; choose another directory."
                ) from None

    def trained(self, slug: str) -> Path:
        """Return where a checkpoint trained for this comparison belongs."""
        return self.path / "trained" / slug

    def measure(
        self,
        contender: Contender,
        cases: Sequence[Case],
        lengths: Sequence[int | None],
        titles: Titles,
    ) -> Measurement:
        """Build and measure a contender, or read what was measured of it before."""
        path = self.path / "measured" / contender.slug
        if not path.exists():
            Measurement.of(contender.build(), cases, lengths, titles).save(path)
        return Measurement.load(path)
