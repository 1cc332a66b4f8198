"""A socket that a thread never waits for: what has arrived is read, and what is answered is kept, in buffers.

Small things stay in memory, large ones in a file without a name, and all of a process's files together are
counted, so that two hundred people who send or fetch something large cost disk and not memory.
"""

from __future__ import annotations

import contextlib
import select
import socket
import tempfile
import threading
import time
from pathlib import Path
from typing import IO

IN_MEMORY = 64 << 10  # bytes of one buffer; what is more goes to a file
PIECE = 64 << 10  # bytes read or sent at once, so that everybody has a turn
LARGEST_WAITING = 64 << 20  # bytes of one answer that may wait; then the thread waits too
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Disk:
    """Counts the bytes that the buffers of this process have on disk."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder, self.taken = folder, 0
        self._lock = threading.Lock()

    def take(self, size: int) -> None:
        with self._lock:
            self.taken += size


class Buffer:
    """First in, first out, for one thread at a time."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._file: IO[bytes] | None = None
        self._memory = bytearray()
        self._read = self._written = self.on_disk = 0

    def __len__(self) -> int:
        return len(self._memory) + self._written - self._read

    def write(self, data: bytes | memoryview) -> None:
        """Append. Raises OSError where the disk is full."""
        if self._file is None and len(self._memory) + len(data) <= IN_MEMORY:
            self._memory += data
            return
        if self._file is None:
            self._file = tempfile.TemporaryFile(dir=self._disk.folder, buffering=0)  # noqa: SIM115
            data, self._memory = bytes(self._memory) + data, bytearray()
        self._append(memoryview(data))

    def _append(self, data: memoryview) -> None:
        assert self._file is not None  # noqa: S101 - for the type checker
        self._file.seek(self._written)
        while data:
            written = self._file.write(data)
            self._written += written
            self.on_disk += written
            self._disk.take(written)
            data = data[written:]

    def peek(self, size: int) -> bytes:
        """Return the first bytes, at most `size`, and keep them."""
        if self._file is None:
            return bytes(self._memory[:size])
        self._file.seek(self._read)
        return self._file.read(min(size, self._written - self._read))

    def skip(self, size: int) -> None:
        """Drop the first bytes; an empty buffer gives its file back."""
        if self._file is None:
            del self._memory[:size]
            return
        self._read += size
        if self._read == self._written:
            self.clear()

    def read(self, size: int) -> bytes:
        data = self.peek(size)
        self.skip(len(data))
        return data

    def clear(self) -> None:
        self._memory = bytearray()
        if self._file is not None:
            self._file.close()
            self._disk.take(-self.on_disk)
        self._file = None
        self._read = self._written = self.on_disk = 0


class BufferedSocket:
    """Stands for a client's socket where gunicorn parses a request and writes its answer.

    Reading ends where what has arrived ends. Writing sends what the network takes at once and keeps the rest
    in `outgoing`, for the worker to send when the client is ready.
    """

    def __init__(self, client: socket.socket, disk: Disk) -> None:
        client.setblocking(False)
        self._client = client
        self.incoming, self.outgoing = Buffer(disk), Buffer(disk)
        self.asked_for_body = False
        self.patience = 30.0  # seconds for a client that takes nothing of an answer that is too large to keep

    def fileno(self) -> int:
        return self._client.fileno()

    def getsockname(self) -> object:
        return self._client.getsockname()

    def receive(self) -> bytes | None:
        """Return what the client has sent: nothing where it hung up, None where it sent nothing yet."""
        try:
            return self._client.recv(PIECE)
        except (BlockingIOError, InterruptedError):
            return None

    def recv(self, size: int) -> bytes:
        return self.incoming.read(size)

    def send(self, data: bytes) -> int:
        if data != CONTINUE or not self.asked_for_body:  # gunicorn asks when the body is here already
            self.sendall(data)
        return len(data)

    def ask_for_body(self) -> None:
        if not self.asked_for_body:
            self.asked_for_body = True
            self.sendall(CONTINUE)

    def sendall(self, data: bytes) -> None:
        rest = memoryview(data)
        if not self.outgoing:
            rest = rest[self._send_now(rest) :]
        if rest:
            self.outgoing.write(rest)
        if len(self.outgoing) > LARGEST_WAITING:
            self._wait_for_client()

    def sendfile(self, file: IO[bytes], offset: int = 0, count: int | None = None) -> int:
        file.seek(offset)
        left = count
        while left is None or left > 0:
            piece = file.read(PIECE if left is None else min(PIECE, left))
            if not piece:
                break
            self.sendall(piece)
            left = None if left is None else left - len(piece)
        return file.tell() - offset

    def flush(self) -> int:
        """Send one piece of what waits; return how much of it the network took."""
        sent = self._send_now(memoryview(self.outgoing.peek(PIECE)))
        self.outgoing.skip(sent)
        return sent

    def _send_now(self, data: memoryview) -> int:
        try:
            return self._client.send(data)
        except (BlockingIOError, InterruptedError):
            return 0

    def _wait_for_client(self) -> None:
        """Let a thread wait until half of what is too much has been taken: few answers are so large."""
        deadline = time.monotonic() + self.patience
        while len(self.outgoing) > LARGEST_WAITING // 2:
            poll = select.poll()
            poll.register(self._client, select.POLLOUT)
            poll.poll(1000)
            if self.flush():
                deadline = time.monotonic() + self.patience
            elif time.monotonic() > deadline:
                raise ConnectionResetError("The client does not take its answer.")

    def hang_up_politely(self) -> None:
        """Say that nothing more comes, so that the client reads the answer before the connection goes."""
        with contextlib.suppress(OSError):
            self._client.shutdown(socket.SHUT_WR)

    # What gunicorn asks of a socket besides: it never waits, whatever it is set to.

    def setblocking(self, flag: bool) -> None: ...

    def settimeout(self, seconds: float | None) -> None: ...

    def gettimeout(self) -> None: ...

    def shutdown(self, how: int) -> None: ...

    def close(self) -> None:
        self.incoming.clear()
        self.outgoing.clear()
        self._client.close()
