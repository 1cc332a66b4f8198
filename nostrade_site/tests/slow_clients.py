"""Clients that hold on: they send or read a byte now and then, or nothing, and come back when put out."""

from __future__ import annotations

import contextlib
import itertools
import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

HEAD = b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: "
BODY = b"POST /feedback/1/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n"
# What each kind says at once; whoever reads does it as slowly as the others write.
KINDS = {
    "head": HEAD,
    "body": BODY,
    "kept alive": b"GET /privacy/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "left open": b"GET /privacy/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    "half of TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "reader": b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n",
}
TRICKLES = {"head", "body"}
READS = {"reader"}


class SlowClients:
    """Keep `number` clients on a port of this machine, of all kinds in turns, for the length of a block."""

    def __init__(
        self, port: int, large: str, number: int = 200, kinds: tuple[str, ...] = tuple(KINDS)
    ) -> None:
        """Let those who read ask for `large`, a path whose answer does not fit into a socket."""
        self.port, self.large = port, large.encode()
        self._kinds = list(itertools.islice(itertools.cycle(kinds), number))
        self._clients: list[socket.socket | None] = [None] * number
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._hold_on, daemon=True)

    def __enter__(self) -> SlowClients:
        for number in range(len(self._clients)):
            self._connect(number)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        for client in self._held():
            client.close()

    @property
    def connected(self) -> int:
        return len(list(self._held()))

    def _held(self) -> Iterator[socket.socket]:
        return (client for client in self._clients if client is not None)

    def _connect(self, number: int) -> None:
        kind, client = self._kinds[number], socket.socket()
        client.settimeout(0.2)  # a full queue of connections must not hold up the others
        if kind in READS:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        try:
            client.connect(("127.0.0.1", self.port))
            said = KINDS[kind]
            client.sendall(said % self.large if kind in READS else said)
        except OSError:
            client.close()
            return
        client.setblocking(False)
        self._clients[number] = client

    def _hold_on(self) -> None:
        while not self._stop.wait(0.5):
            for number, client in enumerate(self._clients):
                if client is None:
                    self._connect(number)
                elif not self._is_held(self._kinds[number], client):
                    client.close()
                    self._clients[number] = None

    @staticmethod
    def _is_held(kind: str, client: socket.socket) -> bool:
        """Send or read a byte; tell whether the server still holds the connection."""
        try:
            if kind in TRICKLES:
                client.send(b"x")
            if kind in READS:
                return client.recv(1) != b""
            if kind != "left open":
                return client.recv(65536) != b""
        except BlockingIOError:
            return True
        except OSError:
            return False
        return True


def large_file(static: Path) -> str:
    """Return the path of a file of the site's that does not fit into a socket's buffers."""
    names = json.loads((static / "staticfiles.json").read_text())["paths"]
    return f"/static/{names['swagger/swagger-ui-bundle.js']}"


def probe(port: int, path: str = "/healthz", patience: float = 30.0) -> tuple[int, float]:
    """Return the status that one request gets on a connection of its own, and its seconds; 0 is no answer."""
    began = time.monotonic()
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), patience) as client:
        client.sendall(b"GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" % path.encode())
        return int(client.recv(12)[9:] or 0), time.monotonic() - began
    return 0, time.monotonic() - began
