"""An hour of the whole site under load, with retraining runs and swaps in the middle: leaks, locks, losses.

    python -m benchmarks.soak [--minutes 60] [--attack] [--database sqlite|postgresql] [--people 8]

The mix of `benchmarks/load.py`, at a pace that leaves the trainer its share. Meanwhile the trainer is asked
for a run twice, and the active checkpoint changes twelve times, back and forth between the starter and a copy
with other biases (a candidate that a run promotes takes its turn too). Every ten seconds the processes are
weighed and the database is asked who holds a lock, and for how long.

With `--attack` every second of twelve spans has 200 slow clients and a hostile upload a minute beside the mix
(`benchmarks/attack.py`): what a click takes then is compared with the spans without.
"""

# ruff: noqa: PLC0415  # the site's code can be imported only after its settings were chosen

from __future__ import annotations

import argparse
import os
import time
from dataclasses import dataclass, field

from benchmarks.attack import Attack
from benchmarks.load import newest_event
from benchmarks.load_report import report_losses, report_mix, report_weights
from benchmarks.load_site import Scales, locust, make_people, read_notes, running_site
from benchmarks.swap import Watch, set_up
from nostrade_site.tests.site import ROOT, Site, eventually

ACQUAINTANCES = 120  # readers with histories, on whom a candidate can be judged
SWAPS = 12
RUNS = (0.15, 0.55)  # shares of the time after which the trainer is asked for a run
WEIGHED_EVERY = 10.0
LONGEST_WAIT = 20.0  # seconds for a lock; the site's own writers wait as long for SQLite's
LONG_TRANSACTIONS = """
SELECT pid, state, query FROM pg_stat_activity
WHERE datname = current_database() AND state <> 'idle' AND pid <> pg_backend_pid()
AND xact_start < now() - %s::interval
"""
LONGEST_RUN = 3600.0  # seconds until the last run must have ended


def main() -> None:
    """Set up, load, disturb, count."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--people", type=int, default=8)
    parser.add_argument("--pause", type=float, default=2.0, help="seconds between a person's actions")
    parser.add_argument(
        "--attack", action="store_true", help="slow clients and hostile uploads in every second span"
    )
    arguments = parser.parse_args()
    os.environ["LIST_RATE"] = "1000/h/ip"  # all people and the attacker are of one address
    with running_site(arguments.database) as site:
        versions = set_up(site)
        people = make_people(site, ACQUAINTANCES, arguments.people)  # most of them only have a history
        attack = Attack(site, people[ACQUAINTANCES - 1]["session"]) if arguments.attack else None
        soak(site, versions, arguments, attack)


@dataclass
class Locks:
    """How long a writer had to wait, and what was found stuck."""

    waits: list[float] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)

    def look(self) -> None:
        """Write nothing, but as a writer would; then ask PostgreSQL whom it keeps waiting."""
        from django.db import DatabaseError, connection, transaction

        began = time.monotonic()
        try:
            with transaction.atomic(), connection.cursor() as cursor:  # on SQLite it takes the writer's lock
                if connection.vendor == "postgresql":
                    cursor.execute(LONG_TRANSACTIONS, [f"{LONGEST_WAIT} s"])
                    self.stuck += [f"{pid} {state}: {query[:120]}" for pid, state, query in cursor.fetchall()]
        except DatabaseError as error:
            self.stuck.append(f"{type(error).__name__}: {error}")
        self.waits.append(time.monotonic() - began)


def soak(site: Site, versions: tuple[str, str], arguments: argparse.Namespace, attack: Attack | None) -> None:
    """Keep up the mix, disturb it, and say what was left behind."""
    notes, people, seconds = site.folder / "notes", site.folder / "people.json", 60 * arguments.minutes
    last, scales, locks, watch = newest_event(), Scales(site, WEIGHED_EVERY).start(), Locks(), Watch(site)
    swapped: list[str] = []
    asked = {"users": arguments.people, "pause": arguments.pause}
    with locust(notes, people, site.port, "Reader", "Program", **asked):
        began, runs = time.monotonic(), [share * seconds for share in RUNS]
        swaps = [(number + 1) / (SWAPS + 1) * seconds for number in range(SWAPS)]
        if attack:
            attack.start(seconds)
        while (at := time.monotonic() - began) < seconds:
            if runs and at >= runs[0]:
                runs.pop(0)
                ask_for_a_run(site)
            if swaps and at >= swaps[0]:
                swaps.pop(0)
                swapped.append(swap(watch, versions[len(swaps) % 2]))
            locks.look()
            time.sleep(WEIGHED_EVERY)
        if attack:
            attack.stop()
    scales.stop()
    ended = eventually(lambda: not training(), LONGEST_RUN)
    lines = read_notes(notes)
    report_mix(lines)
    report_losses(lines, last)
    report_weights(scales.weights)
    if attack:
        attack.report(lines)
    report_disturbances(site, swapped, locks, ended=ended)


def ask_for_a_run(site: Site) -> None:
    """Have the trainer begin a run, as beat does."""
    site.shell("from recommender.tasks import retrain; retrain.delay()")


def swap(watch: Watch, version: str) -> str:
    """Promote a checkpoint, and say how long it took until every worker served it."""
    from recommender.models import Checkpoint

    Checkpoint.objects.get(version=version).promote()
    committed = time.monotonic()
    done = eventually(lambda: watch.ask() or watch.all_serve(version), 60)
    return f"{time.monotonic() - committed:.1f}" if done else f"{version} not served after a minute"


def training() -> bool:
    """Say whether a run is going on."""
    from recommender.models import Checkpoint

    return Checkpoint.objects.filter(state=Checkpoint.State.TRAINING).exists()


def report_disturbances(site: Site, swapped: list[str], locks: Locks, *, ended: bool) -> None:
    """Print how swaps and runs went, what held locks, and what the site's log complains of."""
    from nostrade_site.health import broker_client
    from recommender.models import Checkpoint

    print(f"\n{len(swapped)} swaps, seconds until every worker served: {', '.join(swapped)}")
    for candidate in Checkpoint.objects.exclude(parent=None):
        print(f"run {candidate} is {candidate.state} after {candidate.attempts} tries: {candidate.verdict}")
    print("a run is still going" if not ended else "no run is going")
    client = broker_client()
    queues = {queue: client.llen(queue) for queue in ("celery", "train")}
    print(f"waiting tasks: {queues}; longest wait for a lock: {max(locks.waits):.1f} s", end="; ")
    print(f"stuck: {len(locks.stuck)}", *locks.stuck[:10], sep="\n  ")
    bad = [line for line in site.log.splitlines() if any(word in line for word in ("ERROR", "Traceback"))]
    print(f"errors in the log: {len(bad)}", *bad[:20], sep="\n  ")


if __name__ == "__main__":
    os.chdir(ROOT)
    main()
