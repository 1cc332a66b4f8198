"""Asks the web server whether it is up, without ever waiting for it."""

from __future__ import annotations

import select
import socket
import time

REQUEST = b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n"
PATIENCE = 30.0
WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104


class Probe:
    """One question at a time: a worker that is still booting finds a single request, not a queue of them."""

    def __init__(self, host: str, port: int) -> None:
        self._address = (WILDCARDS.get(host, host), port)
        self._connection: socket.socket | None = None
        self._asked = 0.0

    def answers(self) -> bool:
        """Tell whether the site has answered, with anything but an error of its own."""
        if self._connection is None:
            self._ask()
            return False
        if not select.select([self._connection], [], [], 0)[0]:
            if time.monotonic() - self._asked > PATIENCE:
                self._hang_up()
            return False
        status_line = self._hear()
        self._hang_up()
        return status_line.startswith(b"HTTP/1.") and status_line[9:10] in (b"2", b"3", b"4")

    def _ask(self) -> None:
        try:
            self._connection = socket.create_connection(self._address, timeout=1)
            self._connection.sendall(REQUEST)
            self._asked = time.monotonic()
        except OSError:
            self._hang_up()

    def _hear(self) -> bytes:
        try:
            return self._connection.recv(64) if self._connection else b""
        except OSError:
            return b""

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None
