"""Uploads that are made to cost a site much, and a pulse that shows whether it still answers meanwhile.

They speak to a site on this machine only; the clients that hold on are in `slow_clients.py`.
"""

from __future__ import annotations

import contextlib
import gzip
import http.client
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from itertools import cycle, islice
from typing import Self

from nostrade_site.tests.slow_clients import probe


class _InBackground:
    """Does its work in a thread for the length of a block."""

    def __init__(self) -> None:
        self._stopping = threading.Event()

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *args: object) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        raise NotImplementedError


class Pulse(_InBackground):
    """Asks `/healthz` every second, and notes when, how long the answer took and what it was (0: none)."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self.port = port
        self.beats: list[tuple[float, float, int]] = []

    def _run(self) -> None:
        while not self._stopping.wait(1.0):
            began = time.time()
            status, seconds = probe(self.port)
            self.beats.append((began, seconds, status))


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


class HostileUploads(_InBackground):
    """Sends one hostile upload after the other for the length of a block, in all their shapes in turns."""

    def __init__(self, port: int, session: str, every: float = 60.0, begins_with: int = 0) -> None:
        """Upload in the name of the person of `session`, at once and then every so many seconds."""
        super().__init__()
        self.port, self.session, self.every = port, session, every
        self.answers: Counter[str] = Counter()
        self._shapes = islice(cycle([*HOSTILE_LISTS, "repeated names"]), begins_with, None)

    def _run(self) -> None:
        while True:
            shape = next(self._shapes)
            self.answers[f"{shape}: {self._send(shape)}"] += 1
            if self._stopping.wait(self.every):
                return

    def _send(self, shape: str) -> int:
        if shape in HOSTILE_LISTS:
            return upload(self.port, self.session, HOSTILE_LISTS[shape]())
        return send_repeated_names(self.port)
