"""A month of a small site, simulated: do nightly runs raise the love-rate of people whose tastes are known?

    python -m benchmarks.month --out month [--people 300] [--days 30] [--seeds 1]

Three sites with the same people run side by side, day by day, through the site's own code (the feed's order,
the log, the impressions, `retrain` with its gate): one that learns every night, one that keeps the starter
checkpoint, and one that shows popular titles. The clock is simulated; everything else is real. Each world
comes in a process of its own. The table and the curve go to `--out`.

The tastes: everybody loves a few genres, dislikes others, and belongs to one of five circles, each of which
loves thirty titles whatever their genres. Genres the starter knows; the circles nobody but the clicks can
tell it. Somebody who visits looks at the top twenty, the less the further down, and reacts to what is far
enough from indifferent.
"""

# ruff: noqa: PLC0415  # the site's code can be imported only after its settings were chosen

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import time_machine
from numpy.typing import NDArray

from benchmarks.feed import set_up

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from ml.metrics import Interval

ARMS = ("learning", "starter", "popular")
START = datetime(2026, 3, 2, 18, tzinfo=UTC)
N_CIRCLES, CIRCLE_TITLES = 5, 30
TITLES = slice(20, 420)  # those of the circles, by popularity: what people come across
WEEK = 6  # days that a row of the table takes together
VISITS = 0.4  # a person and day
LOOK, LOSE = 0.9, 0.05  # the chance to look at the first card, and what each further one loses
LOVE, LIKE, DISLIKE = 1.6, 0.9, -0.2  # from which utility on somebody says so


@dataclass(frozen=True)
class World:
    """Who likes what: utilities of the titles (T,) for each person (P, T), in standard deviations."""

    anime_ids: NDArray[np.int64]
    utilities: NDArray[np.float32]

    @classmethod
    def of(cls, n_people: int, seed: int) -> World:
        """Draw tastes over the visible catalogue."""
        from catalog.models import Item

        rng = np.random.default_rng(seed)
        items = list(Item.objects.visible().popular().prefetch_related("genres"))
        names = sorted({genre.name for item in items for genre in item.genres.all()})
        has = np.zeros((len(items), len(names)), dtype=np.float32)
        for row, item in enumerate(items):
            has[row, [names.index(genre.name) for genre in item.genres.all()]] = 1
        tastes = rng.normal(0, 1, (n_people, len(names))) * (rng.random((n_people, len(names))) < 0.25)
        matches = tastes.astype(np.float32) @ (has / np.sqrt(np.maximum(has.sum(1, keepdims=True), 1))).T
        circles = np.zeros((N_CIRCLES, len(items)), dtype=np.float32)
        for circle in circles:
            circle[rng.choice(np.arange(len(items))[TITLES], CIRCLE_TITLES, replace=False)] = 1
        quality = np.array([item.rating_mean or 6.5 for item in items], dtype=np.float32)
        noise = rng.normal(0, 0.5, matches.shape).astype(np.float32)
        utilities = 1.0 * matches + 2.0 * circles[rng.integers(0, N_CIRCLES, n_people)]
        utilities += 0.4 * (quality - quality.mean()) / quality.std() + noise
        return cls(np.array([item.pk for item in items]), utilities.astype(np.float32))


class Visitor:
    """One person of the world, on one site."""

    def __init__(self, user: User, utilities: dict[int, float]) -> None:
        self.user, self.utilities = user, utilities

    def feed(self, arm: str) -> list[int]:
        """Return the twenty titles that the site shows, and log them as the site does."""
        from django.utils import timezone

        from recommender.feed import PAGE_SIZE
        from recommender.impressions import Showing, save
        from recommender.order import Order

        order = Order.of(self.user)
        if arm == "popular":
            order = replace(order, live=None)
        cards = order.slice(0, PAGE_SIZE)
        save([Showing(self.user.pk, order.version or "", 0, tuple(cards), timezone.now())])
        return cards

    def react(self, anime_id: int) -> str:
        """Say what the title deserves, and return it; nothing where the person is indifferent."""
        from catalog.models import Item
        from feedback.models import Event, FeedbackType

        utility = self.utilities.get(anime_id, 0.0)
        if DISLIKE < utility < LIKE:
            return ""
        said = FeedbackType.DISLIKE
        if utility >= LIKE:
            said = FeedbackType.LOVE if utility >= LOVE else FeedbackType.LIKE
        Event.objects.record(self.user, Item.objects.get(pk=anime_id), said)
        return said.name

    def visit(self, arm: str, rng: np.random.Generator) -> tuple[int, int, int]:
        """Open the feed and look through it: how many cards were looked at, loved and disliked."""
        looked, said = 0, []
        for place, anime_id in enumerate(self.feed(arm)):
            if rng.random() < max(LOOK - LOSE * place, 0.1):
                looked += 1
                said.append(self.react(anime_id))
        return looked, said.count("LOVE"), said.count("DISLIKE")


def simulate(arm: str, n_people: int, days: int, seed: int, world: World | None = None) -> dict[str, Any]:
    """Live the month on one site and return each person's looks, loves and dislikes by day.

    The people are the first of `world`, or of one drawn for as many.
    """
    from django.contrib.auth import get_user_model

    world, rng = world or World.of(n_people, seed), np.random.default_rng([seed, 1])
    users = get_user_model()._default_manager
    people = [
        Visitor(
            users.create_user(f"person-{n}", date_joined=START),
            dict(zip(world.anime_ids.tolist(), row.tolist(), strict=True)),
        )
        for n, row in enumerate(world.utilities[:n_people])
    ]
    counts = np.zeros((days, n_people, 3), dtype=int)
    verdicts = []
    for day in range(days):
        for number in np.flatnonzero(rng.random(n_people) < VISITS):
            moment = START + timedelta(days=day, minutes=int(rng.integers(0, 240)))
            with time_machine.travel(moment, tick=True):
                counts[day, number] = people[number].visit(arm, np.random.default_rng([seed, day, number]))
        if arm == "learning":
            with time_machine.travel(START + timedelta(days=day, hours=9), tick=True):
                verdicts.append(night())
        print(f"{arm}, seed {seed}, day {day}: {counts[day].sum(0).tolist()} {verdicts[-1:]}", flush=True)
    return {"counts": counts.tolist(), "verdicts": verdicts}


def night() -> str:
    """Run what the schedule runs, and follow what it decides."""
    from recommender import serving
    from recommender.retraining import retrain
    from recommender.training import NothingToDo

    try:
        candidate = retrain()
    except NothingToDo as news:
        return f"nothing: {news}"
    serving.forget()
    return f"{candidate.state}: {candidate.verdict}"


def week_rates(runs: Sequence[NDArray[np.int64]], days: slice) -> NDArray[np.float64]:
    """Return each person's loves for each card looked at in those days, all seeds in a row, (U,)."""
    looked, loved = (np.concatenate([run[days, :, part].sum(0) for run in runs]) for part in (0, 1))
    return np.where(looked > 0, loved / np.maximum(looked, 1), np.nan)


def report(out: Path, seeds: int, days: int) -> str:
    """Lay out love-rates week by week, and the learning site's lead, person by person; draw them too."""
    from benchmarks.month_chart import draw
    from ml.metrics import bootstrap
    from ml.wording import interval_text

    runs = {
        arm: [np.array(json.loads((out / f"{arm}-{s}.json").read_text())["counts"]) for s in range(seeds)]
        for arm in ARMS
    }
    lines = [
        f"| days | {' | '.join(ARMS)} | learning less starter | learning less popular |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    windows = [slice(start, min(start + WEEK, days)) for start in range(0, days, WEEK)]
    drawn: dict[str, list[Interval]] = {arm: [] for arm in ARMS}
    for days_of in (*windows, slice(0, days)):
        rates = {arm: week_rates(runs[arm], days_of) for arm in ARMS}
        found = {arm: bootstrap(row[np.isfinite(row)]) for arm, row in rates.items()}
        cells = [interval_text(interval.to_dict()) for interval in found.values()]
        for other in ARMS[1:]:
            lead = rates["learning"] - rates[other]
            cells.append(interval_text(bootstrap(lead[np.isfinite(lead)]).to_dict(), "+"))
        lines.append(f"| {days_of.start + 1}-{days_of.stop} | {' | '.join(cells)} |")
        for arm, interval in found.items():
            drawn[arm].append(interval)
    weeks = [f"{days_of.start + 1}-{days_of.stop}" for days_of in windows]
    (out / "month.svg").write_text(draw({arm: row[: len(weeks)] for arm, row in drawn.items()}, weeks))
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run every site in a process of its own, then print the table."""
    command = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    command.add_argument("--out", type=Path, required=True)
    command.add_argument("--people", type=int, default=300)
    command.add_argument("--days", type=int, default=30)
    command.add_argument("--seeds", type=int, default=1)
    command.add_argument("--arm", choices=ARMS, help=argparse.SUPPRESS)  # of the processes that main starts
    options = command.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    if options.arm:
        os.environ["CHECKPOINT_POLL_SECONDS"] = "0.1"
        with tempfile.TemporaryDirectory() as folder:
            set_up(Path(folder))
            found = simulate(options.arm, options.people, options.days, options.seeds)
        (options.out / f"{options.arm}-{options.seeds}.json").write_text(json.dumps(found))
        return
    for seed in range(options.seeds):
        for arm in ARMS:
            if not (options.out / f"{arm}-{seed}.json").exists():
                asked = ["--out", options.out, "--people", options.people, "--days", options.days]
                own = [sys.executable, "-m", "benchmarks.month", *map(str, asked)]
                subprocess.run([*own, "--seeds", str(seed), "--arm", arm], check=True)
    table = report(options.out, options.seeds, options.days)
    (options.out / "month.md").write_text(table)
    print(table)


if __name__ == "__main__":
    main()
