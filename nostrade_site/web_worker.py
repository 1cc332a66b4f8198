"""gunicorn's threaded worker, whose threads never wait for a client.

One loop reads what clients send, without blocking, and gives a thread a request when all of it is here. A
thread writes its answer into a buffer, and the loop sends that as the client takes it. Each step has a
deadline: 408 for a request that comes too slowly, the end of the connection for an answer that is not taken.
Where connections or disk run short, whoever has waited longest makes room.
"""

from __future__ import annotations

import contextlib
import errno
import resource
import selectors
import socket
import time
from collections.abc import Callable
from concurrent.futures import Future
from enum import IntEnum
from functools import partial
from typing import Any

from django.conf import settings
from gunicorn.errors import ConfigError
from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, TConn, ThreadWorker

from nostrade_site.buffered_socket import BufferedSocket, Disk
from nostrade_site.framing import Framing, TooLargeError

HEAD_SECONDS = 20.0  # for the request line and all header fields, from their first byte
BODY_SECONDS = 30.0  # for a body or an answer, and more for what has moved:
SLOWEST = 4096  # bytes a second
LINGER_SECONDS = 5.0  # for a client to read an answer before the connection goes
SWEEP_SECONDS = 0.5
# Twice the most that a page or the API takes: what is a little too large gets their own words.
LARGEST_BODY = 2 * max(48, settings.API_BODY_MB, settings.LIST_UPLOAD_MB) << 20
DISK_BYTES = 512 << 20  # for all buffers of a worker
FILES_EACH = 3  # a connection's own, and two buffers on disk
OTHER_FILES = 200
SLOW = ("408 Request Timeout", "The request did not arrive in time. Please send it again.")
CROWDED = ("503 Service Unavailable", "Too much is being sent to this site just now. Please try again later.")


class State(IntEnum):
    """What a connection is waiting for; the first make room first."""

    LINGERING = 0
    IDLE = 1
    READING = 2
    SENDING = 3
    BUSY = 4  # with a thread


class Connection(TConn):
    """A client: what it has sent of a request, and what it has yet to take of an answer."""

    def __init__(self, cfg: Any, client: socket.socket, address: Any, server: Any, disk: Disk) -> None:
        super().__init__(cfg, BufferedSocket(client, disk), address, server)
        self.sock: BufferedSocket
        self.data_ready = True  # for gunicorn: it need not wait
        self.state, self.since, self.deadline = State.IDLE, time.monotonic(), 0.0
        self.framing = Framing(LARGEST_BODY)
        self.ahead = b""  # of the next request
        self.stays = False  # for another request
        self.watcher: Callable[[Connection], None] | None = None

    def enter(self, state: State, seconds: float) -> None:
        self.state, self.since = state, time.monotonic()
        self.deadline = self.since + seconds

    def move(self, size: int) -> None:
        self.deadline += size / SLOWEST

    @property
    def takes_disk(self) -> bool:
        if self.state == State.READING:
            return self.sock.incoming.on_disk > 0
        return self.state == State.SENDING and self.sock.outgoing.on_disk > 0


class BufferingWorker(ThreadWorker):
    """`worker_class` of nostrade_site/gunicorn.py."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.worker_connections: int = self.cfg.worker_connections
        self.disk = Disk(settings.DATA_DIR)
        self.connections: set[Connection] = set()
        self._next_sweep = 0.0

    @classmethod
    def check_config(cls, cfg: Any, log: Any) -> None:
        if cfg.is_ssl:
            raise ConfigError("This worker speaks plain HTTP: put a proxy with TLS before the site.")

    def init_process(self) -> None:
        self._allow_files()
        super().init_process()

    def _allow_files(self) -> None:
        """Open as many files as the connections may need, or take fewer connections."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        needed = self.worker_connections * FILES_EACH + OTHER_FILES
        most = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        if soft < most:
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        soft = max(soft, most)
        self.worker_connections = max(8, min(self.worker_connections, (soft - OTHER_FILES) // FILES_EACH))

    # --- Clients come ---------------------------------------------------------------------------

    def accept(self, listener: socket.socket) -> None:
        if self.nr_conns >= self.worker_connections - 1:
            self._make_room()
        try:
            client, address = listener.accept()
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE):
                self._make_room()
            elif error.errno not in (errno.EAGAIN, errno.ECONNABORTED, errno.EWOULDBLOCK):
                raise
            return
        self.nr_conns += 1
        conn = Connection(self.cfg, client, address, listener.getsockname(), self.disk)
        self.connections.add(conn)
        conn.enter(State.IDLE, self.cfg.keepalive)
        self._watch(conn, selectors.EVENT_READ, self._hear)
        self._hear(conn)

    def _make_room(self) -> None:
        """Close the connection that has waited longest; whoever a thread works for is left alone."""
        waiting = [conn for conn in self.connections if conn.state != State.BUSY]
        if waiting:
            self._close(min(waiting, key=lambda conn: (conn.state, conn.since)))

    # --- A request arrives ----------------------------------------------------------------------

    def _hear(self, conn: Connection) -> None:
        try:
            data = conn.sock.receive()
        except OSError:
            data = b""
        if data == b"":
            self._close(conn)
        elif data:
            self._take(conn, data)

    def _take(self, conn: Connection, data: bytes) -> None:
        """Add to the request; give it to a thread where it is whole now."""
        if conn.state == State.IDLE:
            conn.framing = Framing(LARGEST_BODY)
            conn.sock.asked_for_body = False
            conn.enter(State.READING, HEAD_SECONDS)
        had_head = conn.framing.has_head
        try:
            used = conn.framing.feed(data)
            conn.sock.incoming.write(data[:used])
        except TooLargeError as error:
            self._refuse(conn, error.status, str(error))
            return
        except OSError:  # the disk is full
            self._refuse(conn, *CROWDED)
            return
        conn.ahead = data[used:]
        if conn.framing.whole:
            self._give_to_thread(conn)
        elif conn.framing.has_head:
            self._await_body(conn, used, begins=not had_head)

    def _give_to_thread(self, conn: Connection) -> None:
        self._unwatch(conn)
        conn.enter(State.BUSY, 0)
        self.enqueue_req(conn)

    def _await_body(self, conn: Connection, size: int, *, begins: bool) -> None:
        if begins:
            conn.enter(State.READING, BODY_SECONDS)
            if conn.framing.expects_continue:
                with contextlib.suppress(OSError):  # it hung up, and the next look will show it
                    conn.sock.ask_for_body()
        conn.move(size)
        self._make_room_on_disk()

    def _make_room_on_disk(self) -> None:
        """End what has been arriving or leaving longest: it is the slowest, or nearly."""
        if self.disk.taken <= DISK_BYTES:
            return
        moving = [conn for conn in self.connections if conn.takes_disk]
        if moving:
            self._expire(min(moving, key=lambda conn: conn.since), CROWDED)

    def _refuse(self, conn: Connection, status: str, sentence: str) -> None:
        """Answer without a thread, and end the connection."""
        self.log.debug("%s to %s", status, conn.client)
        body = f"{sentence}\n".encode()
        head = (
            f"HTTP/1.1 {status}\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n"
            f"Cache-Control: no-store\r\nRetry-After: 10\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        conn.sock.incoming.clear()
        conn.stays = False
        try:
            conn.sock.sendall(head.encode() + body)
        except OSError:
            self._close(conn)
        else:
            self._send_rest(conn)

    # --- An answer goes -------------------------------------------------------------------------

    def finish_request(self, conn: Connection, fs: Future[object]) -> None:
        """Send what the thread left of its answer; then wait for the next request, or end the connection."""
        try:
            conn.stays = bool(fs.result()) and not _has_more(conn)
        except Exception:
            self.log.exception("Error handling a connection")
            conn.stays = False
        conn.sock.incoming.clear()
        if conn.sock.fileno() < 0:  # gunicorn closed it in the middle of a broken answer
            self._close(conn)
        else:
            self._send_rest(conn)

    def _send_rest(self, conn: Connection) -> None:
        self._unwatch(conn)
        if not conn.sock.outgoing:
            self._answered(conn)
            return
        conn.enter(State.SENDING, BODY_SECONDS)
        self._watch(conn, selectors.EVENT_WRITE, self._send)
        self._make_room_on_disk()

    def _send(self, conn: Connection) -> None:
        try:
            conn.move(conn.sock.flush())
        except OSError:
            self._close(conn)
            return
        if not conn.sock.outgoing:
            self._unwatch(conn)
            self._answered(conn)

    def _answered(self, conn: Connection) -> None:
        if not conn.stays:
            conn.sock.hang_up_politely()
            conn.enter(State.LINGERING, LINGER_SECONDS)
            self._watch(conn, selectors.EVENT_READ, self._ignore)
            return
        conn.enter(State.IDLE, self.cfg.keepalive if self.alive else STOP_KEEPALIVE_LINGER)
        self._watch(conn, selectors.EVENT_READ, self._hear)
        if conn.ahead:
            self._take(conn, conn.ahead)

    def _ignore(self, conn: Connection) -> None:
        """Read on while a client that was refused is still sending: else it would never see why."""
        try:
            ended = conn.sock.receive() == b""
        except OSError:
            ended = True
        if ended:
            self._close(conn)

    # --- Time passes ----------------------------------------------------------------------------

    def murder_keepalived(self, force: bool = False) -> None:
        """End what is over its deadline, as gunicorn's own loop asks after every turn."""
        now = time.monotonic()
        if now < self._next_sweep and not force:
            return
        self._next_sweep = now + SWEEP_SECONDS
        for conn in list(self.connections):
            if conn.state != State.BUSY and (force or now > conn.deadline):
                self._expire(conn)

    def _expire(self, conn: Connection, reason: tuple[str, str] = SLOW) -> None:
        if conn.state == State.READING:
            self._refuse(conn, *reason)
        else:
            self._close(conn)

    def murder_pending(self) -> None:
        """Nothing is pending here that the sweep above does not see."""

    def _cap_keepalive(self, deadline: float) -> None:
        for conn in self.connections:
            if conn.state == State.IDLE:
                conn.deadline = min(conn.deadline, deadline)

    # --- The poller -----------------------------------------------------------------------------

    def _watch(self, conn: Connection, event: int, watcher: Callable[[Connection], None]) -> None:
        conn.watcher = watcher
        self.poller.register(conn.sock, event, partial(self._look, conn, watcher))

    def _unwatch(self, conn: Connection) -> None:
        if conn.watcher is not None:
            conn.watcher = None
            self.poller.unregister(conn.sock)

    def _look(self, conn: Connection, watcher: Callable[[Connection], None], _: object) -> None:
        """Act on an event, unless one before it in the same turn has ended what it was about."""
        if conn.watcher == watcher:
            watcher(conn)

    def _close(self, conn: Connection) -> None:
        self._unwatch(conn)
        self.connections.discard(conn)
        self.nr_conns -= 1
        with contextlib.suppress(OSError):
            conn.sock.close()


def _has_more(conn: Connection) -> bool:
    """Tell whether gunicorn saw the request end earlier than we did: what follows is no request then."""
    return bool(conn.sock.incoming) or bool(conn.parser.unreader.take_buffered())
