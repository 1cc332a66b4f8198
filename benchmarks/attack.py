"""An attack on a site under load, in every second span of `benchmarks/soak.py --attack`, and what it cost."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field

from benchmarks.load_report import Note, percentiles
from nostrade_site.tests.hostile import HostileUploads, Pulse
from nostrade_site.tests.site import Site
from nostrade_site.tests.slow_clients import SlowClients, large_file

SPANS = 12  # without and with the attack in turns
SLOW_CLIENTS = 200
CLICK = ("reaction", "feed after a reaction")
SETTLING = 5.0  # seconds at the beginning of a span that count for neither side


@dataclass
class Span:
    """A part of the run, with the attack or without."""

    begin: float
    is_attacked: bool
    end: float = 0.0

    def has(self, moment: float) -> bool:
        return self.begin + SETTLING <= moment < self.end


@dataclass
class Attack:
    """Slow clients and hostile uploads, switched on and off by a thread."""

    site: Site
    session: str  # of the person who uploads
    spans: list[Span] = field(default_factory=list)
    held: list[int] = field(default_factory=list)  # connections of slow clients at the end of each attack
    uploads: Counter[str] = field(default_factory=Counter)

    def start(self, seconds: float) -> None:
        """Begin the turns, which take so many seconds together."""
        self._stopping = threading.Event()
        self._pulse = Pulse(self.site.port).__enter__()
        self._thread = threading.Thread(target=self._run, args=[seconds / SPANS], daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()
        self._pulse.__exit__()

    def _run(self, seconds: float) -> None:
        while not self._stopping.is_set():
            is_attacked = len(self.spans) % 2 == 1
            with self._attack() if is_attacked else nullcontext():
                span = Span(time.time(), is_attacked)
                self.spans.append(span)
                self._stopping.wait(seconds)
                span.end = time.time()

    @contextmanager
    def _attack(self) -> Iterator[None]:
        large = large_file(self.site.folder / "static")
        uploads = HostileUploads(self.site.port, self.session, begins_with=self.uploads.total())
        with SlowClients(self.site.port, large, SLOW_CLIENTS) as clients, uploads:
            yield
            self.held.append(clients.connected)
        self.uploads += uploads.answers

    def report(self, lines: list[Note]) -> None:
        """Print what a click and `/healthz` took with the attack and without."""
        print(f"\nslow clients held at the end of each attack: {self.held}\nuploads: {dict(self.uploads)}")
        print("\n| | n | p50 ms | p95 ms | p99 ms | longest | above 1 s |")
        print("| --- | --- | --- | --- | --- | --- | --- |")
        tails = [
            self._row(lines, name, attacked) for name in (*CLICK, "/healthz") for attacked in (False, True)
        ]
        for quiet, attacked, name in zip(tails[::2], tails[1::2], (*CLICK, "/healthz"), strict=True):
            print(f"p95 of {name} with the attack, times without: {attacked / quiet:.2f}")
        statuses = Counter(status for _, _, status in self._pulse.beats)
        print(f"answers of /healthz: {dict(statuses)}")

    def _row(self, lines: list[Note], name: str, attacked: bool) -> float:
        """Print a row of the table and return its p95."""
        spans = [span for span in self.spans if span.is_attacked == attacked]
        if name == "/healthz":
            asked = [(began, 1000 * seconds) for began, seconds, _ in self._pulse.beats]
        else:
            asked = [(line["end"], line["ms"]) for line in lines if line.get("name") == name]
        ms = [each for at, each in asked if any(span.has(at) for span in spans)]
        middle = " | ".join(f"{each:.0f}" for each in percentiles(ms))
        above = sum(each > 1000 for each in ms)
        label = f"{name}, {'attacked' if attacked else 'without'}"
        print(f"| {label} | {len(ms)} | {middle} | {max(ms, default=0):.0f} | {above} |")
        return percentiles(ms)[1]
