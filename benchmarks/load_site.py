"""The whole site for `benchmarks/load.py` and `soak.py`: started, peopled, and its processes weighed."""

# ruff: noqa: PLC0415  # the site's code can be imported only after its settings were chosen

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nostrade_site.tests.engines import _postgres, _postgres_binaries
from nostrade_site.tests.site import Site, eventually, free_port

PEOPLE = Path(__file__).with_name("load_people.py")
HISTORIES = (10, 25, 50, 50, 100, 150)  # reactions of the people, in turns
# Its processes, by a word of their command lines.
PROCESSES = ("gunicorn", "worker@", "trainer@", "nostrade_site beat", "valkey-server")
TICKS = os.sysconf("SC_CLK_TCK")


@contextmanager
def running_site(database: str, port: int | None = None) -> Iterator[Site]:
    """Run the site with two web workers in a folder of its own, on SQLite or on a PostgreSQL of its own."""
    binaries = _postgres_binaries()
    assert database == "sqlite" or binaries is not None, (
        "no PostgreSQL server here (apt-get install postgresql)"
    )
    os.environ |= {"WEB_CONCURRENCY": "2", "OMP_NUM_THREADS": "1", "LOG_LEVEL": "WARNING"}
    os.environ |= {f"API_{who}_RATE": "1000000/min" for who in ("ANON", "USER", "SCORE")}
    server = nullcontext("") if binaries is None or database == "sqlite" else _postgres(binaries)
    with tempfile.TemporaryDirectory(prefix="nostrade-load-") as name, server as url:
        os.environ["DATABASE_URL"] = url
        site = Site(Path(name) / "var", port or free_port()).start()
        try:
            assert eventually(lambda: "ready after" in site.log, 600), site.log
            assert eventually(lambda: all(site.processes(word) for word in PROCESSES), 120), site.log
            become_part_of(site)
            yield site
        finally:
            site.stop()


def become_part_of(site: Site) -> None:
    """Let this process use the site's models on the site's database."""
    os.environ |= {"NOSTRADE_DATA_DIR": str(site.folder), "DJANGO_SETTINGS_MODULE": "nostrade_site.settings"}
    import django

    django.setup()


def make_people(site: Site, readers: int, programs: int) -> list[dict[str, Any]]:
    """Make people with histories, sessions and tokens, and leave them where locust reads them."""
    people = [_person("reader", number) for number in range(readers)]
    people += [_person("program", number) for number in range(programs)]
    (site.folder / "people.json").write_text(json.dumps(people))
    return people


def _person(kind: str, number: int) -> dict[str, Any]:
    from django.contrib.auth import get_user_model
    from django.test import Client

    from catalog.models import Item
    from feedback.models import Event, FeedbackType
    from nostrade_site.tokens.models import ApiToken

    user = get_user_model()._default_manager.create_user(f"{kind}-{number}")
    n = HISTORIES[number % len(HISTORIES)]
    popular = [*Item.objects.visible().popular()[: 2 * n + 200]]
    said = [(item, FeedbackType(1 + place % 3)) for place, item in enumerate(popular[: 2 * n : 2])]
    Event.objects.record_many(user, said)
    client = Client()
    client.force_login(user)
    return {
        "kind": kind,
        "user_id": user.pk,
        "reactions": n,
        "session": client.cookies["sessionid"].value,
        "token": ApiToken(label="load", writes=True).issue(user),
        "titles": [item.pk for item in popular[2 * n :]],
    }


@contextmanager
def locust(notes: Path, people: Path, port: int, *classes: str, users: int, pause: float) -> Iterator[None]:
    """Keep locust running with these classes of people; what it notes is added to a file."""
    command = [sys.executable, "-m", "locust", "-f", str(PEOPLE), "--headless", "--only-summary"]
    command += ["-u", str(users), "-r", str(users), "-H", f"http://127.0.0.1:{port}"]
    command += ["--exit-code-on-error", "0", "--stop-timeout", "20", *classes]
    names = {"LOAD_PEOPLE": str(people), "LOAD_NOTES": str(notes), "LOAD_PAUSE": str(pause)}
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, env=os.environ | names, stdout=quiet, stderr=quiet)
    try:
        assert eventually(lambda: notes.exists() and notes.stat().st_size, 60), (
            "locust does not ask for anything"
        )
        yield
        assert process.poll() is None, "locust ended by itself"
    finally:
        process.terminate()
        process.wait(60)


def read_notes(notes: Path) -> list[dict[str, Any]]:
    """Return what locust noted, one line each."""
    return [json.loads(line) for line in notes.read_text().splitlines()]


@dataclass
class Scales:
    """What the site's processes weigh, noted by a thread."""

    site: Site
    every: float = 10.0
    weights: list[tuple[float, str, int, float, float]] = field(default_factory=list)
    _stopping: threading.Event = field(default_factory=threading.Event)

    def start(self) -> Scales:
        threading.Thread(target=self._weigh_for_ever, daemon=True).start()
        return self

    def stop(self) -> None:
        self._stopping.set()

    def _weigh_for_ever(self) -> None:
        while not self._stopping.wait(self.every):
            self.weigh()

    def weigh(self) -> None:
        for word in PROCESSES:
            for pid in self.site.processes(word):
                with suppress(OSError, StopIteration):  # it ended meanwhile
                    rss, pss = (_size(pid, name) for name in ("Rss", "Pss"))
                    self.weights.append((time.time(), word, pid, rss, pss))


def _size(process: int, name: str) -> float:
    """Return one of a process's sizes in MB."""
    lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{name}:"))


def cpu_seconds(parent: int) -> float:
    """Return the processor time of a process and of all its children, those that ended too."""
    total = _ticks(parent, with_ended=True)
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, IndexError):
            if _fields(int(folder.name))[1] == str(parent):
                total += _ticks(int(folder.name), with_ended=False)
    return total / TICKS


def _fields(process: int) -> list[str]:
    """Return the fields of a process's stat, from the third on: names may have blanks."""
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()


def _ticks(process: int, *, with_ended: bool) -> int:
    return sum(map(int, _fields(process)[11 : 15 if with_ended else 13]))


def slope(points: list[tuple[float, float]]) -> tuple[float, float]:
    """Return the least-squares slope of (hours, MB) and half its 95 % interval.

    Neighbouring weights are alike, so the interval is that of the means of ten equal spans.
    """
    if len(points) < 20:
        return float("nan"), float("nan")
    size = len(points) / 10
    spans = [points[round(n * size) : round((n + 1) * size)] for n in range(10)]
    x, y = ([statistics.fmean(point[axis] for point in span) for span in spans] for axis in (0, 1))
    line = statistics.linear_regression(x, y)
    residual = sum((b - line.slope * a - line.intercept) ** 2 for a, b in zip(x, y, strict=True))
    spread = sum((a - statistics.fmean(x)) ** 2 for a in x)
    return line.slope, 2.306 * (residual / 8 / spread) ** 0.5  # Student's t of 8 degrees of freedom
