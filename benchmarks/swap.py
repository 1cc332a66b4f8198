"""Hot swaps under load: 20 promotions while people read and react, and what that costs in time and memory.

    python -m benchmarks.swap [--swaps 20] [--readers 8] [--reactors 4] [--pause 10]

Starts the whole site in a folder of its own, with two web workers and the starter, and a second checkpoint
that is the starter with other biases. Locust (`swap_people.py`) keeps up a steady load; each of its readers
knows what page each version must give them, reasons included. This process promotes at low priority, as the
trainer does, and asks /healthz ten times a second, over new connections, what each worker serves.
"""

# ruff: noqa: PLC0415  # the site's code can be imported only after its settings were chosen

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.swap_report import PATIENCE, Swap, report
from nostrade_site.tests.site import Site, eventually, free_port

PEOPLE = Path(__file__).with_name("swap_people.py")
COPY = "starter-with-other-biases"
CARD = re.compile(
    r'data-card="(\d+)".*?(?:<p class="obi" title="([^"]*)"|<div class="card__body">)', re.DOTALL
)


def main() -> None:
    """Set up, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--swaps", type=int, default=20)
    parser.add_argument("--readers", type=int, default=8)
    parser.add_argument("--reactors", type=int, default=4)
    parser.add_argument("--pause", type=float, default=10.0, help="seconds without a swap after each")
    arguments = parser.parse_args()
    os.environ |= {"WEB_CONCURRENCY": "2", "OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory(prefix="nostrade-swap-") as name:
        site = Site(Path(name) / "var", free_port()).start()
        try:
            assert eventually(lambda: "ready after" in site.log, 600), site.log
            watch = Watch(site)
            versions = set_up(site)
            people(site, watch, versions, arguments)
            with load(site, arguments):
                swaps = swap(watch, versions, arguments)
            report(swaps, read_notes(site), watch.weights)
            print(f"/healthz without an answer: {watch.silent}")
        finally:
            site.stop()


@dataclass
class Watch:
    """What each worker serves and takes, asked and noted by a thread."""

    site: Site
    serving: dict[int, tuple[float, str]] = field(default_factory=dict)  # process -> since when, which
    memory: list[tuple[float, int, float]] = field(default_factory=list)  # time, process, PSS in MB
    silent: int = 0

    def start(self) -> None:
        threading.Thread(target=self._ask_for_ever, daemon=True).start()
        threading.Thread(target=self._weigh_for_ever, daemon=True).start()

    def ask(self) -> None:
        """Ask whichever worker takes a new connection."""
        url = f"http://127.0.0.1:{self.site.port}/healthz"
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                health = json.load(answer)
        except OSError:
            self.silent += 1
            return
        process, version = health["process"], health["ranker"]["version"]
        if self.serving.get(process, (0.0, ""))[1] != version:
            self.serving[process] = (time.time(), version)

    def all_serve(self, version: str) -> bool:
        """Say whether both workers answered that they serve a version."""
        return [serving for _, serving in list(self.serving.values())] == [version] * 2

    def weights(self, since: float, until: float) -> list[list[float]]:
        """Return each worker's memory in MB as it was weighed between two moments."""
        return [
            [mb for at, pid, mb in self.memory if pid == process and since <= at <= until]
            for process in sorted(self.serving)
        ]

    def _ask_for_ever(self) -> None:
        while True:
            self.ask()
            time.sleep(0.1)

    def _weigh_for_ever(self) -> None:
        while True:
            for process in list(self.serving):
                with suppress(OSError):  # the site has been stopped
                    self.memory.append((time.time(), process, pss(process)))
            time.sleep(0.4)


def pss(process: int) -> float:
    """Return a process's proportional set size in MB."""
    lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:"))


def set_up(site: Site) -> tuple[str, str]:
    """Become a process of the site, register the second checkpoint, and return both versions."""
    os.environ |= {"NOSTRADE_DATA_DIR": str(site.folder), "DJANGO_SETTINGS_MODULE": "nostrade_site.settings"}
    import django

    django.setup()
    import torch

    from ml.checkpoint import Checkpoint as Weights
    from recommender.models import Checkpoint

    torch.set_num_threads(1)
    starter = Checkpoint.objects.active()
    assert starter is not None
    other = Weights.load(starter.path)
    noise = torch.randn(other.weights["bias"].shape, generator=torch.Generator().manual_seed(20))
    other.weights["bias"] += noise
    copy = Checkpoint(version=COPY)
    other.save(copy.path, half=True)
    copy.read_manifest()
    copy.save()
    return starter.version, copy.version


def people(site: Site, watch: Watch, versions: tuple[str, str], arguments: argparse.Namespace) -> None:
    """Make people with histories, and note which page each version gives the readers."""
    from recommender.models import Checkpoint

    kinds = {"readers": arguments.readers, "reactors": arguments.reactors}
    known = {
        kind: [person(f"{kind}-{number}", 5 + 5 * number) for number in range(n)] for kind, n in kinds.items()
    }
    for version in (*versions[::-1],):
        Checkpoint.objects.get(version=version).promote()
        assert eventually(lambda: watch.ask() or watch.all_serve(version), PATIENCE)  # noqa: B023  # called at once
        for reader in known["readers"]:
            request = urllib.request.Request(
                f"http://127.0.0.1:{site.port}/", headers={"Cookie": f"sessionid={reader['session']}"}
            )
            with urllib.request.urlopen(request) as answer:  # noqa: S310  # our own site
                reader["lists"][version] = cards_of(answer.read().decode())
    for reader in known["readers"]:
        one, other = (reader["lists"][version] for version in versions)
        assert len(one) == len(other) == 20
        assert one != other, "the versions must rank differently, or a mixture could not be seen"
    (site.folder / "people.json").write_text(json.dumps(known))


def cards_of(page: str) -> list[list[str]]:
    """Return the cards of a page, each with its reason, from top to bottom."""
    return [list(found) for found in CARD.findall(page)]


def person(name: str, n: int) -> dict[str, Any]:
    """Make somebody with n reactions, logged in."""
    from django.contrib.auth import get_user_model
    from django.test import Client

    from catalog.models import Item
    from feedback.models import Event, FeedbackType

    user = get_user_model()._default_manager.create_user(name)
    for number, item in enumerate(Item.objects.visible().popular()[: 2 * n : 2]):
        Event.objects.record(user, item, FeedbackType(1 + number % 3))
    client = Client()
    client.force_login(user)
    return {"session": client.cookies["sessionid"].value, "lists": {}}


@contextmanager
def load(site: Site, arguments: argparse.Namespace) -> Iterator[None]:
    """Keep locust running; its notes lie in the site's folder."""
    n = arguments.readers + arguments.reactors
    command = [
        sys.executable,
        "-m",
        "locust",
        "-f",
        str(PEOPLE),
        "--headless",
        "--only-summary",
        "-u",
        str(n),
    ]
    command += [
        "-r",
        str(n),
        "--only-summary",
        "-H",
        f"http://127.0.0.1:{site.port}",
        "--exit-code-on-error",
        "0",
    ]
    names = {"SWAP_PEOPLE": str(site.folder / "people.json"), "SWAP_NOTES": str(site.folder / "notes")}
    locust = subprocess.Popen(command, env=os.environ | names, stdout=subprocess.DEVNULL)
    try:
        yield
        assert locust.poll() is None, "locust ended by itself"
    finally:
        locust.terminate()
        locust.wait(60)


def swap(watch: Watch, versions: tuple[str, str], arguments: argparse.Namespace) -> list[Swap]:
    """Promote back and forth, with a pause before each promotion and after the last."""
    from recommender.models import Checkpoint

    watch.start()
    os.nice(10)  # this thread: as the trainer, from which promotions come
    swaps = []
    time.sleep(arguments.pause)
    for number in range(arguments.swaps):
        version = versions[(number + 1) % 2]
        asked = time.time()
        Checkpoint.objects.get(version=version).promote()
        committed = time.time()
        done = eventually(lambda: watch.all_serve(version), PATIENCE)  # noqa: B023  # called at once
        served = max(since for since, _ in watch.serving.values()) if done else None
        swaps.append(Swap(version, asked, committed, served))
        time.sleep(arguments.pause)
    return swaps


def read_notes(site: Site) -> list[dict[str, Any]]:
    """Return what locust noted of each request."""
    return [json.loads(line) for line in (site.folder / "notes").read_text().splitlines()]


if __name__ == "__main__":
    main()
