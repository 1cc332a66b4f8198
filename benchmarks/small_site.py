"""A month of a site of a few people: how often does the gate promote, and was it right to?

    python -m benchmarks.small_site --out small [--people 5 10 15] [--days 30] [--replayed 500]

The site of `benchmarks.month` with so few people that no panel of the gate has twenty: a few must show a gain
that is luck in one case of a hundred. Printed is how many runs there were and what became of them, and what
the last champion does beside the starter for a hundred people of the same world who never came: NDCG@20 of
half of what they would like, given the other half.
"""

# ruff: noqa: PLC0415  # the site's code can be imported only after its settings were chosen

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest import mock

from benchmarks.feed import set_up
from benchmarks.month import World, simulate
from benchmarks.poisoning import gained, witnesses

WITNESSES = 100


def live(people: int, days: int, replayed: int) -> dict[str, Any]:
    """Live a month on an installation of its own."""
    from recommender import faithfulness, retraining, training
    from recommender.models import Checkpoint
    from recommender.serving import live_ranker

    world = World.of(people + WITNESSES, seed=0)
    with (
        mock.patch.object(training, "SAMPLED_PEOPLE", replayed),
        mock.patch.object(retraining, "references_of", return_value={}),  # reported, and decide nothing
        mock.patch.object(faithfulness, "measure"),  # neither does this
    ):
        verdicts = simulate("learning", people, days, 0, world)["verdicts"]
    starter = live_ranker(Checkpoint.objects.get(version__startswith="starter-"))
    champion = live_ranker(Checkpoint.objects.get(state="active"))
    return {
        "people": people,
        "verdicts": verdicts,
        "witnesses": gained(champion, starter, witnesses(world, people, WITNESSES)),
    }


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Lay the sites out."""
    from ml.wording import interval_text

    lines = [
        "| people | nights | runs | promoted | not shown | other reasons | last champion less starter |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        kinds = Counter(kind_of(verdict) for verdict in row["verdicts"])
        runs = sum(count for kind, count in kinds.items() if kind != "no run")
        cells = [row["people"], len(row["verdicts"]), runs]
        cells += [kinds[kind] for kind in ("promoted", "not shown", "other")]
        lines.append(f"| {' | '.join(map(str, cells))} | {interval_text(row['witnesses'], '+')} |")
    return "\n".join(lines) + "\n"


def kind_of(verdict: str) -> str:
    """Say what became of a night."""
    if verdict.startswith("nothing: "):
        return "no run"
    if "Promoted: " in verdict:
        return "promoted"
    return "not shown" if "Kept the champion: " in verdict else "other"


def main() -> None:
    """Live each month in a process of its own, one after another, and print the table."""
    command = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    command.add_argument("--out", type=Path, required=True)
    command.add_argument("--people", type=int, nargs="+", default=[5, 10, 15])
    command.add_argument("--days", type=int, default=30)
    command.add_argument("--replayed", type=int, default=500, help="histories sampled; a site takes 2,000")
    command.add_argument("--one", action="store_true", help=argparse.SUPPRESS)  # of the processes main starts
    options = command.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("SECRET_KEY", "the lots that are drawn follow from it")
    for people in options.people:
        file = options.out / f"{people}.json"
        if options.one:
            os.environ["CHECKPOINT_POLL_SECONDS"] = "0.1"
            with tempfile.TemporaryDirectory() as folder:
                set_up(Path(folder))
                file.write_text(json.dumps(live(people, options.days, options.replayed), indent=1))
        elif not file.exists():
            asked = ["--out", options.out, "--people", people, "--days", options.days]
            asked += ["--replayed", options.replayed, "--one"]
            subprocess.run([sys.executable, "-m", "benchmarks.small_site", *map(str, asked)], check=True)
    if not options.one:
        found = table([json.loads((options.out / f"{n}.json").read_text()) for n in options.people])
        (options.out / "small_site.md").write_text(found)
        print(found)


if __name__ == "__main__":
    main()
