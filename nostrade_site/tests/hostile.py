"""Clients that mean a site no good: slow ones that hold on to connections, and uploads made to cost much.

They speak to a site on this machine only, one byte a second each, until they are closed.
"""

from __future__ import annotations

import contextlib
import gzip
import http.client
import itertools
import socket
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

TICK = 1.0  # seconds between two bytes of a slow client
SMALL_WINDOW = 4096  # bytes that the system takes in for a client that does not read
HOST = b"Host: localhost\r\n"
# How each kind begins; then it sends or reads one byte at a time, or waits.
KINDS = {
    "slow headers": b"GET / HTTP/1.1\r\n" + HOST + b"X-Slow: ",
    "slow body": b"POST /api/v1/events/ HTTP/1.1\r\n" + HOST + b"Content-Length: 900000\r\n\r\n{",
    "silent": b"",
    "idle after an answer": b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n",
    "slow reader": b"GET /search/?q=a HTTP/1.1\r\n" + HOST + b"\r\n",
}


class SlowClients:
    """Clients that hold on to connections as long as they may, and connect again when they are cut off."""

    def __init__(self, port: int, count: int = 200) -> None:
        self._clients = [
            _SlowClient(port, kind) for kind, _ in zip(itertools.cycle(KINDS), range(count), strict=False)
        ]
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *args: object) -> None:
        self._stopping.set()
        self._thread.join()

    @property
    def connected(self) -> int:
        return sum(client.socket is not None for client in self._clients)

    def connections_by_kind(self) -> Counter[str]:
        """Return how often each kind has connected so far."""
        return sum((Counter({client.kind: client.connections}) for client in self._clients), Counter())

    def _run(self) -> None:
        while not self._stopping.is_set():
            for client in self._clients:
                client.tick()
            self._stopping.wait(TICK)
        for client in self._clients:
            client.close()


@dataclass
class _SlowClient:
    port: int
    kind: str
    socket: socket.socket | None = None
    connections: int = 0

    def tick(self) -> None:
        """Go on by one byte; connect where there is no connection."""
        try:
            if self.socket is None:
                self._connect()
            elif self.kind == "slow reader":
                self._read(1)
            elif self.kind.startswith("slow"):
                self.socket.send(b"a")
            else:
                self._read(65536)
        except BlockingIOError:  # nothing to read yet, or no room to send
            pass
        except OSError:
            self.close()

    def _connect(self) -> None:
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_WINDOW)
        self.socket.settimeout(TICK)
        self.socket.connect(("127.0.0.1", self.port))
        self.connections += 1
        self.socket.setblocking(False)
        self.socket.send(KINDS[self.kind])

    def _read(self, size: int) -> None:
        if self.socket is not None and not self.socket.recv(size):
            self.close()

    def close(self) -> None:
        if self.socket is not None:
            self.socket.close()
        self.socket = None


@dataclass
class Pulse:
    """Asks `/healthz` every second, and notes when, how long the answer took and what it was (0: none)."""

    port: int
    beats: list[tuple[float, float, int]] = field(default_factory=list)
    _stopping: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *args: object) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(1.0):
            began = time.time()
            status = health(self.port)
            self.beats.append((began, time.time() - began, status))


def health(port: int, patience: float = 30.0) -> int:
    """Ask `/healthz` by a connection of its own; return the status, 0 where there is no answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=patience)
    with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
        connection.request("GET", "/healthz", headers={"Host": "localhost"})
        return connection.getresponse().status
    return 0


def _packed(text: bytes) -> bytes:
    return gzip.compress(text, 9)


def _list_of(inside: Callable[[int], bytes]) -> Callable[[], bytes]:
    size = 60 << 20  # just below what may be unpacked
    return lambda: _packed(b"<myanimelist>" + inside(size) + b"</myanimelist>")


# Lists whose parsing cost a minute or gigabytes before their tokens, attributes and depth were bounded.
HOSTILE_LISTS: dict[str, Callable[[], bytes]] = {
    "one tag name": _list_of(lambda size: b"<" + b"a" * size + b"/>"),
    "one comment": _list_of(lambda size: b"<!--" + b"a" * size + b"-->"),
    "one attribute value": _list_of(lambda size: b'<a b="' + b"a" * size + b'"/>'),
    "many attributes": _list_of(
        lambda size: b"<a " + b" ".join(b'a%d=""' % n for n in range(size // 12)) + b"/>"
    ),
    "many elements": _list_of(lambda size: b"<a/>" * (size // 4)),
    "one cell": lambda: _packed(b"title,score\n" + b'"' + b"a" * (60 << 20) + b'",1\n'),
    "one JSON string": lambda: _packed(b'{"data": "' + b"a" * (60 << 20) + b'"}'),
}


def upload(port: int, session: str, data: bytes) -> int:
    """Upload a list as a person's browser does; return the status, 0 where there is no answer."""
    boundary, token = uuid.uuid4().hex, "t" * 32
    head = 'Content-Disposition: form-data; name="list"; filename="list.xml.gz"\r\n\r\n'
    body = f"--{boundary}\r\n{head}".encode() + data + f"\r\n--{boundary}--\r\n".encode()
    headers = {
        "Host": "localhost",
        "Content-Type": f"multipart/form-data; boundary={boundary}",
        "Cookie": f"sessionid={session}; csrftoken={token}",
        "X-CSRFToken": token,
    }
    return _post(port, "/lists/import/", body, headers)


def send_repeated_names(port: int, size: int = 1_000_000) -> int:
    """Send the API an object of distinct names and a repeated one at its end; return the status."""
    names = [f'"{n:x}":0' for n in range(size // 9)]
    body = "{" + ",".join([*names, names[-1]]) + "}"
    return _post(
        port, "/api/v1/score/", body.encode(), {"Host": "localhost", "Content-Type": "application/json"}
    )


def _post(port: int, path: str, body: bytes, headers: dict[str, str], patience: float = 120.0) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=patience)
    with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
        connection.request("POST", path, body, headers)
        return connection.getresponse().status
    return 0
