"""Batch scoring over HTTP: histories a second from the whole site, and whether its memory stays flat.

    python -m benchmarks.batch_http [--batches 40] [--histories 1000] [--events 50] [--clients 2]

Starts the site with the starter in a folder of its own, with two web workers of one computing thread each.
Each client posts its batches to POST /api/v1/score/batch/ one after the other over one connection, as a
program with a token does, and reads the answer as it comes. Prints histories a second by the clock (with the
clients on the same cores) and by the site's processor time, how soon the first line is there, and the memory
of the site's processes, at every tenth of the run.
"""

# ruff: noqa: PLC0415  # the site's code can be imported only after its settings were chosen

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from benchmarks.swap import pss
from nostrade_site.tests.site import Site, free_port

FEEDBACK = ("dislike", "like", "love")
TENTHS = 10
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Answer:
    """One batch: seconds until its first line and its last."""

    first: float
    last: float


def main() -> None:
    """Set up, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--batches", type=int, default=40, help="of all clients together")
    parser.add_argument("--histories", type=int, default=1000, help="in a batch")
    parser.add_argument("--events", type=int, default=50, help="in a history")
    parser.add_argument("--clients", type=int, default=2)
    options = parser.parse_args()
    os.environ |= {"WEB_CONCURRENCY": "2", "OMP_NUM_THREADS": "1", "LOG_LEVEL": "WARNING"}
    os.environ["API_SCORE_RATE"] = "100000/min"
    with tempfile.TemporaryDirectory(prefix="nostrade-batch-") as name:
        site = Site(Path(name) / "var", free_port()).start().wait_until_ready()
        try:
            token, ids = set_up(site)
            body = question(ids, options.histories, options.events)
            measure(site, token, body, options)
        finally:
            site.stop()


def set_up(site: Site) -> tuple[str, list[int]]:
    """Become a process of the site; return a new token's secret and the titles that the starter ranks."""
    os.environ |= {"NOSTRADE_DATA_DIR": str(site.folder), "DJANGO_SETTINGS_MODULE": "nostrade_site.settings"}
    import django

    django.setup()
    from django.contrib.auth import get_user_model

    from ml.checkpoint import Checkpoint as Weights
    from nostrade_site.tokens.models import ApiToken
    from recommender.models import Checkpoint

    program = get_user_model()._default_manager.create_user("program")
    starter = Checkpoint.objects.active()
    assert starter is not None
    return ApiToken(label="benchmark", scores=True).issue(program), list(
        Weights.mapped(starter.path).id_map.ids
    )


def question(ids: list[int], histories: int, events: int) -> bytes:
    """Draw a batch."""
    draw = random.Random(0)  # noqa: S311  # not a secret
    batch = [
        [
            {"anime_id": anime_id, "feedback_type": draw.choice(FEEDBACK)}
            for anime_id in draw.sample(ids, events)
        ]
        for _ in range(histories)
    ]
    return json.dumps({"histories": batch, "k": 20}).encode()


def measure(site: Site, token: str, body: bytes, options: argparse.Namespace) -> None:
    """Post all batches, after two that only warm up."""
    workers = sorted(site.processes("gunicorn"))
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def ask(batches: int) -> list[Answer]:
        connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=600)
        return [post(connection, body, headers, options.histories) for _ in range(batches)]

    each = max(options.batches // options.clients // TENTHS, 1)
    memory: list[list[float]] = []
    answers: list[Answer] = []
    with ThreadPoolExecutor(options.clients) as clients:
        list(clients.map(ask, [2] * options.clients))
        processor, start = spent(workers), time.perf_counter()
        for _ in range(TENTHS):
            memory.append([pss(process) for process in workers])
            answers += [answer for found in clients.map(ask, [each] * options.clients) for answer in found]
        seconds, busy = time.perf_counter() - start, spent(workers) - processor
    memory.append([pss(process) for process in workers])
    n = len(answers) * options.histories
    print(f"{n:,} histories of {options.events} events in {seconds:.1f} s: {n / seconds:,.0f} a second")
    print(f"{n / busy:,.0f} a second of the site's processor time ({busy / seconds:.2f} cores busy)")
    first, last = (statistics.median(getattr(a, name) for a in answers) for name in ("first", "last"))
    print(f"first line after {first:.2f} s, last after {last:.2f} s (medians)")
    for process, weights in zip(workers, zip(*memory, strict=True), strict=True):
        print(f"process {process}, MB: " + ", ".join(f"{mb:.0f}" for mb in weights))


def post(connection: http.client.HTTPConnection, body: bytes, headers: dict[str, str], lines: int) -> Answer:
    """Post a batch and read its lines."""
    start = time.perf_counter()
    connection.request("POST", "/api/v1/score/batch/", body, headers)
    response = connection.getresponse()
    assert response.status == 200, response.read(1000)
    response.readline()
    first = time.perf_counter() - start
    assert response.read().count(b"\n") == lines - 1
    return Answer(first, time.perf_counter() - start)


def spent(processes: list[int]) -> float:
    """Return the processor seconds of some processes so far."""
    stats = (Path(f"/proc/{p}/stat").read_text().rpartition(")")[2].split() for p in processes)
    return sum(int(fields[11]) + int(fields[12]) for fields in stats) / TICKS


if __name__ == "__main__":
    main()
