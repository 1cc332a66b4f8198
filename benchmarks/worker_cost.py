"""What the web worker costs a request beside gunicorn's own threaded worker, without any slow client.

    python -m benchmarks.worker_cost

Each serves an application that does nothing (`nostrade_site/tests/echo.py`), in turns, to one and to four
kept connections. The processor time of a request hardly depends on what else the machine does.
"""

from __future__ import annotations

import http.client
import os
import statistics
import tempfile
import threading
import time
from pathlib import Path

from nostrade_site.tests.test_web_worker import Server

ROUNDS, REQUESTS = 5, 600
TICKS = os.sysconf("SC_CLK_TCK")


def main() -> None:
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        servers = {"gthread": Server(Path(one), WORKER="gthread"), "WaitressWorker": Server(Path(other))}
        for connections in (1, 4):
            measured: dict[str, list[tuple[float, float]]] = {name: [] for name in servers}
            for _ in range(ROUNDS):
                for name, server in servers.items():
                    measured[name].append(turn(server, connections))
            for name, turns in measured.items():
                microseconds, milliseconds = (statistics.median(each) for each in zip(*turns, strict=True))
                print(
                    f"{name:<16} {connections} connections: {microseconds:.0f} us, p50 {milliseconds:.2f} ms"
                )
        for server in servers.values():
            server.stop()


def turn(server: Server, connections: int) -> tuple[float, float]:
    """Return the worker's processor time for a request (us), and the median wait (ms)."""
    waits: list[float] = []

    def ask() -> None:
        client = http.client.HTTPConnection("127.0.0.1", server.port)
        for _ in range(REQUESTS // connections):
            began = time.perf_counter()
            client.request("GET", "/")
            client.getresponse().read()
            waits.append(time.perf_counter() - began)
        client.close()

    before, threads = cpu_seconds(server), [threading.Thread(target=ask) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return 1e6 * (cpu_seconds(server) - before) / len(waits), 1e3 * statistics.median(waits)


def cpu_seconds(server: Server) -> float:
    fields = (server.worker / "stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "nostrade_site.tests.settings")
    main()
