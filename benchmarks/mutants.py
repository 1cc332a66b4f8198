"""Would the tests notice? Small mistakes are made in the modules that decide something, one at a time.

    make mutants [MODULES="ml/mixing.py recommender/rules.py"]

`mutants.toml` says which modules, which mistakes and which tests. A mutant is killed when a test fails, runs
20 times as long, or for ever. One that survives needs a test, or an entry with its reason in
`mutants_explained.toml`; without one the run fails, and so it does where an entry explains nothing any more.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.mutants_made import Mutant, mutants_of

HERE = Path(__file__).parent
ROOT = HERE.parent
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

Key = tuple[str, str, str]


@dataclass
class Found:
    """What became of the mutants of one module."""

    module: str
    killed: int = 0
    explained: list[Key] = field(default_factory=list)
    unexplained: list[Mutant] = field(default_factory=list)
    stale: list[Key] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def total(self) -> int:
        return self.killed + len(self.explained) + len(self.unexplained)

    @classmethod
    def of(cls, module: str, outcomes: Iterable[tuple[Mutant, str]], reasons: dict[Key, str]) -> Found:
        found = cls(module)
        for mutant, outcome in outcomes:
            if outcome == "killed":
                found.killed += 1
            elif mutant.key in reasons or ("*", *mutant.key[1:]) in reasons:
                found.explained.append(mutant.key)
            else:
                found.unexplained.append(mutant)
        found.stale = [key for key in reasons if key[0] != "*" and key not in found.explained]
        return found

    def show(self) -> None:
        counts = f"{self.killed:>4} killed {len(self.explained):>3} explained"
        counts += f" {len(self.unexplained):>3} unexplained {self.seconds:>5.0f} s"
        print(f"{self.module:<40} {self.total:>4} mutants {counts}", flush=True)
        for function, line, becomes in [mutant.key for mutant in self.unexplained]:
            print(f"    survived in {function or 'the module'}\n      - {line}\n      + {becomes}")
        for function, line, becomes in self.stale:
            print(
                f"    explained, but no survivor: {function or 'module'}\n      - {line}\n      + {becomes}"
            )


def reasons_of(explained: dict[str, Any], module: str) -> dict[Key, str]:
    """Return the reason of each mutant of a module that may live; "*" stands for any module and function."""
    return {
        (entry["function"], line, becomes): entry["reason"]
        for entry in [*explained.get("*", []), *explained.get(module, [])]
        for line, becomes in entry["mutants"]
    }


def examine(module: str, config: dict[str, Any], reasons: dict[Key, str]) -> Found:
    settings = config["modules"][module]
    source = (ROOT / module).read_text(encoding="utf-8")
    mutants = mutants_of(source, config["operators"], settings.get("within", ()))
    python = config["environments"].get(module.split("/")[0], config["environments"]["other"])
    began = time.monotonic()
    outcomes = outcomes_of(module, [mutant.source for mutant in mutants], settings["tests"], python)
    found = Found.of(module, zip(mutants, outcomes, strict=True), reasons)
    found.seconds = time.monotonic() - began
    return found


def outcomes_of(module: str, sources: list[str], tests: list[str], python: str) -> list[str]:
    """Return the outcome of each version of a module. Raises SystemExit where the tests fail without any."""
    with tempfile.TemporaryDirectory() as folder:
        job, results = Path(folder) / "job.json", Path(folder) / "results"
        name = module.removesuffix(".py").replace("/", ".")
        job.write_text(json.dumps({"module": name, "sources": sources, "results": str(results)}))
        command = [python, "-m", "pytest", "-q", "-p", "benchmarks.mutants_worker", "-p", "no:cacheprovider"]
        run = subprocess.run(
            [*command, *tests],
            cwd=ROOT,
            env=os.environ | ONE_THREAD | {"NOSTRADE_MUTANTS": str(job)},
            capture_output=True,
            text=True,
            check=False,
        )
        lines = [json.loads(line) for line in results.read_text().splitlines()] if results.exists() else []
    if any("broken" in line for line in lines) or len(lines) != len(sources):
        sys.exit(f"{module}: the tests fail without any mutant.\n{lines[:1]}\n{run.stdout}{run.stderr}")
    return [line["outcome"] for line in lines]


def main() -> None:
    config = tomllib.loads((HERE / "mutants.toml").read_text(encoding="utf-8"))
    explained = tomllib.loads((HERE / "mutants_explained.toml").read_text(encoding="utf-8"))
    parser = argparse.ArgumentParser(description="Change the modules that decide something; see who notices.")
    parser.add_argument("modules", nargs="*", metavar="MODULE", help=f"of {', '.join(config['modules'])}")
    modules = parser.parse_args().modules or list(config["modules"])
    if unknown := set(modules) - set(config["modules"]):
        parser.error(f"{', '.join(sorted(unknown))}: not in benchmarks/mutants.toml")
    every = []
    for module in modules:
        every.append(examine(module, config, reasons_of(explained, module)))
        every[-1].show()
    killed, total = sum(found.killed for found in every), sum(found.total for found in every)
    explained_ones, left = (
        sum(len(found.explained) for found in every),
        sum(len(found.unexplained) for found in every),
    )
    print(f"score: killed {killed} of {total}, {explained_ones} explained, {left} unexplained")
    sys.exit(1 if left or any(found.stale for found in every) else 0)


if __name__ == "__main__":
    main()
