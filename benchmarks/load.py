"""The whole site under a steady mix of readers and programs, and its feed beside a bare view of its page.

    python -m benchmarks.load [--minutes 10] [--database sqlite|postgresql] [--people 16] [--rounds 6]

Starts the whole site in a folder of its own, with two web workers and the starter. Locust (`load_people.py`)
keeps up the mix, and every reaction that was acknowledged is looked up in the database afterwards. Then the
feed alone is asked for in turns, opened again and after a reaction: from the site, and from bare Django views
(`bare_page.py`) that render the same page from constants and note nothing, under the same gunicorn settings.
"""

# ruff: noqa: PLC0415  # the site's code can be imported only after its settings were chosen

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.load_report import (
    AGAIN,
    ANEW,
    BARE_AGAIN,
    BARE_ANEW,
    Phase,
    report_losses,
    report_mix,
    report_ratio,
    report_weights,
)
from benchmarks.load_site import Scales, cpu_seconds, locust, make_people, read_notes, running_site
from nostrade_site.tests.site import ROOT, Site, eventually, free_port

READERS_ALONE = 4  # who ask for the feed as fast as it comes


def main() -> None:
    """Set up, load, compare, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--people", type=int, default=16, help="three in four are readers, one is a program")
    parser.add_argument("--pause", type=float, default=1.0, help="seconds between a person's actions")
    parser.add_argument(
        "--rounds", type=int, default=6, help="of the real and the bare feed; 0 leaves them out"
    )
    parser.add_argument("--seconds", type=float, default=15.0, help="of each turn in a round")
    arguments = parser.parse_args()
    with running_site(arguments.database) as site:
        # Locust gives three in four of its users to the first class, rounded: there is one to spare of each.
        make_people(site, arguments.people, arguments.people)
        print(f"{arguments.database}, {arguments.people} people, a pause of {arguments.pause:g} s\n")
        if arguments.minutes:
            mix(site, arguments)
        if arguments.rounds:
            compare(site, arguments.rounds, arguments.seconds)


def mix(site: Site, arguments: argparse.Namespace) -> None:
    """Keep up the mix, then say how it went."""
    notes, people = site.folder / "notes", site.folder / "people.json"
    last, scales = newest_event(), Scales(site).start()
    asked = {"users": arguments.people, "pause": arguments.pause}
    with locust(notes, people, site.port, "Reader", "Program", **asked):
        time.sleep(60 * arguments.minutes)
    scales.stop()
    lines = read_notes(notes)
    report_mix(lines)
    report_losses(lines, last)
    report_weights(scales.weights)


def newest_event() -> int:
    """Return the id of the newest event there is."""
    from feedback.models import Event

    return max(Event.objects.order_by("-pk").values_list("pk", flat=True)[:1], default=0)


def compare(site: Site, rounds: int, seconds: float) -> None:
    """Ask for the real and the bare feed in turns, by the same people."""
    from django.contrib.auth import get_user_model

    from benchmarks.bare_page import keep_constants

    user = get_user_model()._default_manager.get(username="reader-2")
    keep_constants(user, site.folder / "constants")
    database = postmaster()
    with bare_site(site) as (process, port):
        gunicorn = site.processes("gunicorn")[0]
        turns = [
            (BARE_AGAIN, "FeedReader", process, port),
            (AGAIN, "FeedReader", gunicorn, site.port),
            (BARE_ANEW, "FeedReactor", process, port),
            (ANEW, "FeedReactor", gunicorn, site.port),
        ]
        phases: list[Phase] = []
        for number in range(rounds):
            for name, people, pid, at in turns if number % 2 else turns[::-1]:
                phases.append(turn(site, (name, people), at, [pid, *database], seconds))
    report_ratio(phases)


def turn(site: Site, name: tuple[str, str], port: int, processes: list[int], seconds: float) -> Phase:
    """Let people of a class ask for one of the feeds for a while."""
    notes, people = site.folder / f"notes-{time.time()}", site.folder / "people.json"
    with locust(notes, people, port, name[1], users=READERS_ALONE, pause=0):
        time.sleep(2)  # everybody is there, and what is lazy was done
        began, before = time.time(), sum(map(cpu_seconds, processes))
        time.sleep(seconds)
        ended, used = time.time(), sum(map(cpu_seconds, processes)) - before
    lines = [line for line in read_notes(notes) if began <= line["end"] <= ended]
    return Phase(name[0], lines, ended - began, used)


def postmaster() -> list[int]:
    """Return the process of the PostgreSQL that the site uses, whose work is the site's too."""
    from django.db import connection

    if connection.vendor != "postgresql":
        return []
    folder = Path(connection.settings_dict["HOST"])
    return [int((folder / "data" / "postmaster.pid").read_text().split()[0])]


@contextmanager
def bare_site(site: Site) -> Iterator[tuple[int, int]]:
    """Run the bare view under the site's gunicorn settings; yield its process and its port."""
    port = free_port()
    mine = {"PORT": str(port), "BARE_CONSTANTS": str(site.folder / "constants")}
    mine["DJANGO_SETTINGS_MODULE"] = "benchmarks.bare_settings"
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        "-c",
        "python:benchmarks.bare_gunicorn",
        "benchmarks.bare_wsgi",
    ]
    environ: dict[str, Any] = site.environ | mine
    with (site.folder / "bare.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=log, stderr=log)
    bare = Site(site.folder, port)
    try:
        assert eventually(lambda: is_up(bare), 60), (site.folder / "bare.log").read_text()
        yield process.pid, port
    finally:
        process.terminate()
        process.wait(30)


def is_up(site: Site) -> bool:
    try:
        return site.get("/")[0] == 200
    except OSError:
        return False


if __name__ == "__main__":
    os.chdir(ROOT)
    main()
