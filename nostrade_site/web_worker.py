"""gunicorn's workers with Waitress inside: no thread waits for a client.

Waitress reads requests and sends answers in one loop, buffers both (large ones on disk), and gives a thread a
request when all of it is here. It drops clients that do nothing; this module also drops those that do too
little, and lets them make room where connections or disk run short.
"""

from __future__ import annotations

import contextlib
import os
import resource
import socket
import time
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from gunicorn.errors import ConfigError
from gunicorn.workers.base import Worker
from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.server import TcpWSGIServer
from waitress.task import ThreadedTaskDispatcher, WSGITask
from waitress.utilities import BadRequest, Error

from nostrade_site.spare import HEALTH

HEAD_SECONDS = 20.0  # for the request line and all header fields, from the first byte
BODY_SECONDS = 30.0  # for a body or an answer, and more for what has moved:
SLOWEST = 4096  # bytes a second
LINGER_SECONDS = 5.0  # for a client to read an answer before the connection goes
IN_MEMORY = 64 << 10  # bytes of one request or answer; what is more goes to a file
# Bytes of the request line and all header fields. Our longest address is a view of the feed (`LONGEST_VIEW`)
# that waits, quoted, in the address of the log-in page: 6 KB.
LARGEST_HEAD = 32 << 10
LONGEST_LINE = 8190  # of a chunked body
# Twice the most that a page or the API takes: what is a little too large gets their own words.
LARGEST_BODY = 2 * max(48, settings.API_BODY_MB, settings.LIST_UPLOAD_MB) << 20
LARGEST_WAITING = 64 << 20  # bytes of one answer that may wait for its client; then its thread waits too
DISK_BYTES = 512 << 20  # for all that a worker buffers
SPARE = 50  # connections that are on their way out when the limit is reached
FILES_EACH, OTHER_FILES = 3, 200  # a connection's own, and two buffers on disk


class RequestTimeoutError(Error):
    code, reason = 408, "Request Timeout"


class ServiceUnavailableError(Error):
    code, reason = 503, "Service Unavailable"


SLOW = RequestTimeoutError("The request did not arrive in time. Please send it again.")
CROWDED = ServiceUnavailableError("Too much is being sent to this site just now. Please try again later.")


class Request(HTTPRequestParser):
    """A request as it arrives, and since when; stricter than Waitress about lengths."""

    completed: bool
    path = ""  # of what could not be read

    def __init__(self, adj: Any) -> None:
        super().__init__(adj)
        self.began = time.monotonic()

    def parse_header(self, header_plus: bytes) -> None:
        try:
            super().parse_header(header_plus)
        except ValueError as error:  # Python reads no number of thousands of digits
            raise ParsingError("A number in the header fields is too long") from error
        if self.chunked and "CONTENT_LENGTH" in self.headers:
            raise ParsingError("Content-Length and Transfer-Encoding contradict one another")

    def received(self, data: bytes) -> int:
        """Take what belongs to this request; Waitress has no bound for a line of a chunked body."""
        used: int = super().received(data)
        body = self.body_rcv
        if self.chunked and not self.completed and len(body.control_line) + len(body.trailer) > LONGEST_LINE:
            self.error, self.completed = BadRequest("A line of the chunked body is too long"), True
        if self.error:
            self.expect_continue = False  # whoever asks first is refused before sending
        return used

    @property
    def is_late(self) -> bool:
        seconds = BODY_SECONDS + self.body_bytes_received / SLOWEST if self.headers_finished else HEAD_SECONDS
        return time.monotonic() - self.began > seconds


class Task(WSGITask):
    """A request with a thread of its own."""

    def write(self, data: bytes) -> None:
        super().write(b"" if self.request.command == "HEAD" else data)

    def set_close_on_finish(self) -> None:
        """End the connection, though not for want of a length where no body follows (204, 304)."""
        asked = self.request.headers.get("CONNECTION", "").lower() == "close"
        if self.has_body or asked or self.version != "1.1":
            super().set_close_on_finish()


class Channel(HTTPChannel):
    """A connection; `waiting_since` is when its answer began to wait for the client."""

    parser_class, task_class = Request, Task
    request: Request | None
    close_when_flushed: bool
    waiting_since: float | None = None
    lingers_until: float | None = None
    holds_back = False  # the next request, until the answer before it has left
    sent = 0

    def writable(self) -> bool:
        return self.holds_back or bool(super().writable())

    def handle_write(self) -> None:
        """Send what waits. A last answer is to be read before the connection goes."""
        if self.holds_back:
            self._flush_exception(self._flush_some)
            if self.connected and not self.total_outbufs_len and not self.will_close:
                self.holds_back = False
                self.server.add_task(self)
                return  # what is written from now on is the thread's
        if self.close_when_flushed and not self.requests:
            self._flush_exception(self._flush_some)
            if not self.connected:  # it hung up, and that closed the channel
                return
            if not self.total_outbufs_len and not self.will_close:
                self.close_when_flushed, self.lingers_until = False, time.monotonic() + LINGER_SECONDS
                with contextlib.suppress(OSError):  # it hung up
                    self.socket.shutdown(socket.SHUT_WR)
                return
        super().handle_write()

    def received(self, data: bytes) -> bool:
        return self.lingers_until is None and super().received(data)

    def send(self, data: bytes, do_close: bool = True) -> int:
        sent: int = super().send(data, do_close=do_close)
        self.sent += sent
        return sent

    @property
    def is_idle(self) -> bool:
        return self.request is None and not self.requests and not self.total_outbufs_len

    @property
    def is_late(self) -> bool:
        """Tell whether a request has been arriving for too long, or an answer leaving; call now and then."""
        now = time.monotonic()
        if self.lingers_until is not None:
            return now > self.lingers_until
        if not self.total_outbufs_len:
            self.waiting_since = None
            return self.request is not None and not self.requests and self.request.is_late
        if self.waiting_since is None:  # what the network took at once was no client's doing
            self.waiting_since, self.sent = now, 0
        return now - self.waiting_since > BODY_SECONDS + self.sent / SLOWEST

    @property
    def on_disk(self) -> int:
        """Return how much of what waits here does not fit into memory, in bytes."""
        arriving = self.request.body_bytes_received if self.request is not None else 0
        return sum(size for size in (arriving, self.total_outbufs_len) if size > IN_MEMORY)

    def refuse(self, error: Error) -> None:
        """End a request that has not arrived with an answer, and anything else without."""
        if self.request is None or self.requests:
            self.will_close = True
            return
        with self.requests_lock:
            self.request.error, self.request.completed = error, True
            self.requests.append(self.request)
            self.request = None
        self.server.add_task(self)


class Server(TcpWSGIServer):
    """Waitress's server, with deadlines and bounds for all connections together."""

    channel_class = Channel

    @property
    def is_busy(self) -> bool:
        return any(channel.requests or channel.total_outbufs_len for channel in self.active_channels.values())

    def add_task(self, channel: Channel) -> None:
        """Let a thread have the next request, but none while the answer before it waits for its client.

        Hundreds of requests fit into one packet: their answers would fill the bound for one connection, and
        then the thread would wait, however slowly the client reads.
        """
        if channel.total_outbufs_len:
            channel.holds_back = True
        else:
            super().add_task(channel)

    def handle_accept(self) -> None:
        """Take a client; where there are too many, the idle make room first, then who has waited longest."""
        if len(self.active_channels) >= self.adj.connection_limit - SPARE:
            self._make_room()
        super().handle_accept()

    def _make_room(self) -> None:
        channels = self.active_channels.values()
        waiting = [
            each for each in channels if not each.will_close and (each.holds_back or not each.requests)
        ]
        if waiting:
            min(waiting, key=lambda each: (not each.is_idle, each.last_activity)).will_close = True

    def maintenance(self, now: float) -> None:
        """Drop who is late, and free the disk where it is short; called every second."""
        super().maintenance(now)
        channels = sorted(self.active_channels.values(), key=lambda channel: channel.creation_time)
        for channel in channels:
            if channel.will_close:  # Waitress waits with that until it can send, which may be never
                channel.handle_close()
            elif channel.is_late:
                channel.refuse(SLOW)
        self._free_disk(channels)

    def _free_disk(self, channels: Iterable[Channel]) -> None:
        taken = sum(channel.on_disk for channel in channels)
        for channel in channels:
            if taken <= DISK_BYTES:
                return
            if channel.on_disk:
                taken -= channel.on_disk
                channel.refuse(CROWDED)


class Threads(ThreadedTaskDispatcher):
    """Waitress's, which take a health check before all that waits: a crowd is no reason to be restarted."""

    def add_task(self, channel: Channel) -> None:
        if channel.requests[0].path not in HEALTH:
            super().add_task(channel)
            return
        with self.lock:
            self.queue.appendleft(channel)
            self.queue_cv.notify()


class WaitressWorker(Worker):
    """`worker_class` of nostrade_site/gunicorn.py: gunicorn's processes, signals and restarts."""

    @classmethod
    def check_config(cls, cfg: Any, log: Any) -> None:
        if cfg.is_ssl:
            raise ConfigError("This worker speaks plain HTTP: put a proxy with TLS before the site.")

    def run(self) -> None:
        """Serve until a signal, then finish the answers that were begun."""
        connections: dict[int, Any] = {}
        threads = Threads()
        threads.set_thread_count(self.cfg.threads)
        servers = [self._server(listener.sock, connections, threads) for listener in self.sockets]
        while self.alive and self.ppid == os.getppid():
            self._turn(connections, 1.0)
        for server in servers:
            server.del_channel()  # no new connections
        deadline = time.monotonic() + self.cfg.graceful_timeout
        while time.monotonic() < deadline and any(server.is_busy for server in servers):
            self._turn(connections, 0.1)

    def _turn(self, connections: dict[int, Any], seconds: float) -> None:
        self.notify()
        wasyncore.loop(timeout=seconds, use_poll=True, map=connections, count=1)

    def _server(
        self, listener: socket.socket, connections: dict[int, Any], threads: ThreadedTaskDispatcher
    ) -> Server:
        """Serve where gunicorn listens; the server and all its connections register themselves."""
        adjustments = Adjustments(
            sockets=[listener],
            connection_limit=_room_for(self.cfg.worker_connections) + SPARE,
            channel_timeout=self.cfg.keepalive,
            cleanup_interval=1,
            max_request_header_size=LARGEST_HEAD,
            max_request_body_size=LARGEST_BODY,
            inbuf_overflow=IN_MEMORY,
            outbuf_overflow=IN_MEMORY,
            outbuf_high_watermark=LARGEST_WAITING,
            log_socket_errors=False,
            clear_untrusted_proxy_headers=False,  # BEHIND_PROXY says whether Django believes them
            ident=None,
        )
        address = (listener.family, listener.type, listener.proto, listener.getsockname())
        return Server(
            self.wsgi,
            map=connections,
            _sock=listener,
            dispatcher=threads,
            adj=adjustments,
            sockinfo=address,
            bind_socket=False,
        )


def _room_for(connections: int) -> int:
    """Allow this process the files that so many connections may need; return how many it may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = (connections + SPARE) * FILES_EACH + OTHER_FILES
    most = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    if soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return max(20, min(connections, (max(soft, most) - OTHER_FILES) // FILES_EACH))
