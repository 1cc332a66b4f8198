"""What slow clients cost everybody else, by the kind of worker that gunicorn runs.

    python -m benchmarks.slow_clients [--worker CLASS ...] [--clients 200] [--seconds 10]

Prepares one site in a folder of its own, then starts its gunicorn with each kind of worker in turns,
`--rounds` times. Four connections ask for `/privacy/` and the feed as fast as answers come, alone and while
clients hold on in every slow way (`nostrade_site/tests/slow_clients.py`), and a probe asks `/healthz` every
0.2 s. `CLASS:N` is a class with N threads.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

from nostrade_site.tests.site import ROOT, eventually, free_port
from nostrade_site.tests.slow_clients import SlowClients, large_file, probe

WORKERS = ("nostrade_site.web_worker.WaitressWorker:5", "gthread:5", "gthread:128")
ASKERS = 4
PATHS = ("/privacy/", "/")
PATIENCE = 10.0


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--worker", nargs="+", default=WORKERS)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=10.0, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    measured: dict[tuple[str, str], list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory(prefix="nostrade-slow-") as name:
        folder = Path(name)
        environ = os.environ | {"NOSTRADE_DATA_DIR": name, "DJANGO_SETTINGS_MODULE": "nostrade_site.settings"}
        subprocess.run([sys.executable, "manage.py", "prepare"], cwd=ROOT, env=environ, check=True)
        for number in range(arguments.rounds):
            for worker in arguments.worker[:: 1 if number % 2 else -1]:
                with running(worker, folder, environ) as port:
                    measure(worker, port, folder, arguments, measured)
    for (worker, what), values in sorted(measured.items()):
        spread = f"({min(values):.1f} to {max(values):.1f})"
        print(f"{worker:<48} {what:<30} {statistics.median(values):8.1f}  {spread}")


@contextlib.contextmanager
def running(worker: str, folder: Path, environ: dict[str, str]) -> Iterator[int]:
    """Run the site's gunicorn with a kind of worker; yield its port."""
    kind, _, threads = worker.partition(":")
    port = free_port()
    words = ["-m", "gunicorn", "-c", "python:nostrade_site.gunicorn", "--worker-class", kind]
    words += ["--threads", threads or "4", "nostrade_site.wsgi"]
    mine = environ | {"PORT": str(port), "LOG_LEVEL": "ERROR"}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([sys.executable, *words], cwd=ROOT, env=mine, stdout=log, stderr=log)
    try:
        assert eventually(lambda: probe(port)[0] == 200, 60), (folder / "log").read_text()
        for _ in range(8):  # both workers have loaded what they load lazily
            probe(port, "/")
        yield port
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def measure(
    worker: str,
    port: int,
    folder: Path,
    arguments: argparse.Namespace,
    measured: dict[tuple[str, str], list[float]],
) -> None:
    large = large_file(folder / "static")
    for path in PATHS:
        measured[worker, f"{path} alone, a second"].append(rate(port, path, arguments.seconds))
    with SlowClients(port, large, arguments.clients):
        time.sleep(2)
        seconds: list[float] = []
        stop = every(0.2, lambda: seconds.append(answered(port)))
        for path in PATHS:
            measured[worker, f"{path} beside, a second"].append(rate(port, path, arguments.seconds))
        stop()
    ordered = sorted(seconds)
    measured[worker, "healthz beside, median ms"].append(1000 * statistics.median(ordered))
    measured[worker, "healthz beside, p95 ms"].append(1000 * ordered[int(0.95 * (len(ordered) - 1))])


def answered(port: int) -> float:
    """Return the seconds that /healthz took; no answer counts as the whole patience."""
    status, seconds = probe(port, patience=PATIENCE)
    return seconds if status == 200 else PATIENCE


def every(pause: float, act: Callable[[], object]) -> Callable[[], None]:
    """Act again and again until what is returned is called, at least once."""
    ended = threading.Event()

    def repeat() -> None:
        act()
        while not ended.wait(pause):
            act()

    thread = threading.Thread(target=repeat, daemon=True)
    thread.start()

    def stop() -> None:
        ended.set()
        thread.join()

    return stop


def rate(port: int, path: str, seconds: float) -> float:
    """Return how many answers a second a few kept connections get."""
    ended, counts = time.monotonic() + seconds, [0] * ASKERS

    def ask(number: int) -> None:
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        while time.monotonic() < ended:
            try:
                client.request("GET", path)
                answer = client.getresponse()
                counts[number] += answer.read() != b"" and answer.status == 200
            except (OSError, http.client.HTTPException):
                client.close()

    threads = [threading.Thread(target=ask, args=[number]) for number in range(ASKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / seconds


if __name__ == "__main__":
    main()
