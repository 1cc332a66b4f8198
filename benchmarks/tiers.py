"""What 10^4, 10^6 and 10^8 people need, computed from what one of each thing costs here.

    python -m benchmarks.tiers [--people 400] [--rounds 60]

Measures the real site's code in this process, on a database of its own with the starter data (DATABASE_URL
names an empty PostgreSQL one to use instead, whose own processes are not counted): bytes of a reaction and of
an impression with their indexes, processor time of a click, of the export, the preparation and the training.
Then it multiplies.
"""

# ruff: noqa: PLC0415  # the site's code can be imported only after its settings were chosen

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.feed import set_up  # chooses the settings

if TYPE_CHECKING:
    from ml.data import Dataset

EVENTS_EACH = 100  # reactions of a person, as in the starter's ratings
SHOWN_EACH = 100  # cards a visitor is shown on a day
REACTIONS_EACH = 8  # and reacts to
ACTIVE = 0.1  # share of the people who visit on a day
PEAK = 3.0  # times as many clicks as on average, in the evening
BUSY = 0.5  # share of a core that may be used at the peak
DAYS_SHOWN = 180  # that impressions are kept
STEPS = 40  # of training, and twice as many
TIERS = (10**4, 10**6, 10**8)


@dataclass(frozen=True)
class Units:
    """What one of each costs: bytes, processor seconds."""

    event_bytes: float
    impression_bytes: float
    click_seconds: float
    export_seconds: float  # of a million events
    prepare_seconds: float  # of a million events
    train_seconds: float  # of a million events, once through SASRec
    process_bytes: float  # of a process that serves, at its peak


def main() -> None:
    """Measure, print the units, multiply."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--people", type=int, default=400, help="who fill the database")
    parser.add_argument("--rounds", type=int, default=60, help="clicks")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        set_up(Path(folder))
        units = measure(Path(folder), arguments.people, arguments.rounds)
    print(table_of_units(units), table_of_tiers(units), sep="\n\n")


def measure(folder: Path, people: int, rounds: int) -> Units:
    """Fill the database, click, export, prepare and train."""
    empty = database_bytes()
    fill_events(people)
    with_events = database_bytes()
    fill_impressions(people)
    with_impressions = database_bytes()
    click = click_seconds(rounds)
    process = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    millions = people * EVENTS_EACH / 1e6
    export, prepare, train = learning_seconds(folder)
    return Units(
        event_bytes=(with_events - empty) / (people * EVENTS_EACH),
        impression_bytes=(with_impressions - with_events) / (people * SHOWN_EACH),
        click_seconds=click,
        export_seconds=export / millions,
        prepare_seconds=prepare / millions,
        train_seconds=train,
        process_bytes=process,
    )


def database_bytes() -> int:
    """Return how much the database takes on its disk."""
    from django.db import connection

    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("VACUUM")
            cursor.execute("SELECT pg_database_size(current_database())")
            return int(cursor.fetchone()[0])
        cursor.execute("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
        return int(cursor.fetchone()[0])


def titles() -> list[int]:
    """Return what the starter knows, most popular first."""
    from catalog.models import Item
    from recommender import serving

    serving.start()
    known = set(serving.get_ranker().ranker.item_ids)  # type: ignore[union-attr]
    return [pk for pk in Item.objects.visible().popular().values_list("pk", flat=True) if pk in known]


def fill_events(people: int) -> None:
    """Let everybody react, in turns as on a site, each to their own titles."""
    from django.contrib.auth import get_user_model
    from django.utils import timezone

    from feedback.models import Event

    items, users = titles(), get_user_model()._default_manager
    first = max(users.values_list("pk", flat=True), default=0) + 1
    users.bulk_create(users.model(pk=first + n, username=f"person-{n}") for n in range(people))
    start = timezone.now() - timedelta(days=EVENTS_EACH)
    Event.objects.bulk_create(
        (
            Event(
                user_id=first + person,
                item_id=items[(turn * turn + person * 7) % (len(items) // 3)],
                feedback_type=1 + (person + turn) % 3,
                timestamp=start + timedelta(days=turn, seconds=person),
            )
            for turn in range(EVENTS_EACH)
            for person in range(people)
        ),
        batch_size=2_000,
    )


def fill_impressions(people: int) -> None:
    """Show everybody a day's cards."""
    from django.contrib.auth import get_user_model
    from django.utils import timezone

    from recommender import impressions
    from recommender.impressions import Showing

    items, now = titles(), timezone.now()
    ids = get_user_model()._default_manager.order_by("-pk").values_list("pk", flat=True)[:people]
    for number, user_id in enumerate(ids):
        cards = tuple(items[number : number + SHOWN_EACH])
        impressions.save([Showing(user_id, "starter-0123456789ab", 0, cards, now)])


def click_seconds(rounds: int) -> float:
    """Return the processor time of a Love click with the list it answers with, of everything in it."""
    from django.contrib.auth import get_user_model
    from django.test import Client

    user: Any = get_user_model()._default_manager.latest("pk")
    client = Client(headers={"HX-Request": "true", "Host": "localhost"})
    client.force_login(user)
    loved = titles()[-rounds - 5 :]
    for number, anime_id in enumerate(loved):
        if number == 5:  # the first only warm up
            began = time.process_time()
        client.post(f"/feedback/{anime_id}/", {"feedback_type": 3, "next": "/?shown=20"}, follow=True)
    return (time.process_time() - began) / rounds


def learning_seconds(folder: Path) -> tuple[float, float, float]:
    """Return the processor time of the export, of the preparation, and of a million events of training."""
    from feedback.exporting import export_events
    from ml.data import clean
    from ml.ratings import read_ratings

    began = time.process_time()
    export_events(folder / "events.csv")
    exported = time.process_time()
    dataset = clean([read_ratings(folder / "events.csv")])
    prepared = time.process_time()
    # What comes before the first step is as long for both.
    (short, few), (long, many) = (trained(dataset, steps) for steps in (STEPS, 2 * STEPS))
    return exported - began, prepared - exported, 1e6 * (long - short) / (many - few)


def trained(dataset: Dataset, steps: int) -> tuple[float, float]:
    """Train for so many steps; return the processor time and how many events were read."""
    from ml.config import PRESETS, SASRecConfig
    from ml.splits import Split
    from ml.training import train

    preset = PRESETS["starter"]
    config = replace(preset.training, max_steps=steps, split=Split(0.0, 0.0))
    began = time.process_time()
    metrics = train(dataset, SASRecConfig(n_items=dataset.n_items, **preset.model), config, "cpu").metrics
    return time.process_time() - began, metrics["tokens_per_second"] * metrics["seconds"]


def table_of_units(units: Units) -> str:
    """Lay out what was measured."""
    rows = [
        ("a reaction in the log, with its indexes", f"{units.event_bytes:.0f} bytes"),
        ("an impression, with its indexes", f"{units.impression_bytes:.0f} bytes"),
        ("a click: reaction, ranking, reasons, list", f"{1000 * units.click_seconds:.0f} ms of a core"),
        ("exporting a million events", f"{units.export_seconds:.1f} s of a core"),
        ("preparing a million events", f"{units.prepare_seconds:.1f} s of a core"),
        ("training: a million events through SASRec once", f"{units.train_seconds:.0f} s of a core"),
        ("a process that serves", f"{units.process_bytes / 1e6:.0f} MB at its peak"),
    ]
    return "\n".join(
        ["| one of | costs |", "| --- | --- |", *(f"| {name} | {cost} |" for name, cost in rows)]
    )


def table_of_tiers(units: Units) -> str:
    """Multiply."""
    rows: dict[str, list[str]] = {}
    for people in TIERS:
        daily = people * ACTIVE * REACTIONS_EACH
        peak = PEAK * daily / 86_400
        impressions = people * ACTIVE * SHOWN_EACH * DAYS_SHOWN
        night = daily / 1e6
        reading = units.export_seconds + units.prepare_seconds
        for name, value in (
            ("reactions a day", f"{daily:,.0f}"),
            ("clicks a second in the evening", f"{peak:,.1f}"),
            ("cores for them, half busy", f"{peak * units.click_seconds / BUSY:,.2f}"),
            ("log after a year", size(365 * daily * units.event_bytes)),
            (f"impressions of {DAYS_SHOWN} days", size(impressions * units.impression_bytes)),
            ("exporting and preparing a day's news", hours(night * reading)),
            ("training once through a day's news and as much replay", hours(2 * night * units.train_seconds)),
            ("training once through a year", hours(365 * night * units.train_seconds)),
        ):  # fmt: skip
            rows.setdefault(name, []).append(value)
    head = ["| | " + " | ".join(f"{people:,} people" for people in TIERS) + " |", "| --- | --- | --- | --- |"]
    return "\n".join([*head, *(f"| {name} | {' | '.join(values)} |" for name, values in rows.items())])


def size(n_bytes: float) -> str:
    """Word a size."""
    unit = next(u for u in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB")) if n_bytes >= u[0] or u[1] == "MB")
    return f"{n_bytes / unit[0]:,.1f} {unit[1]}"


def hours(seconds: float) -> str:
    """Word processor time."""
    return f"{seconds / 3600:,.1f} core hours" if seconds >= 3600 else f"{seconds:,.1f} core seconds"


if __name__ == "__main__":
    main()
