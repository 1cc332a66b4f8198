"""The web worker as clients meet it: HTTP as before, and a deadline for whoever is slow."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import os
import random
import re
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest

from feedback.networks import network_of
from nostrade_site.probe import Probe
from nostrade_site.tests.site import ROOT, eventually, free_port

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads memory and files in /proc")
MB = 1 << 20


class Server:
    """gunicorn with the site's configuration and worker, and the application of `echo.py`."""

    def __init__(self, folder: Path, host: str = "127.0.0.1", **settings: object) -> None:
        self.host = {"127.0.0.1": "127.0.0.1"}.get(host, "::1")
        self.port, self.log_path = free_port(), folder / "log"
        mine = {"PORT": str(self.port), "HOST": host, "NOSTRADE_DATA_DIR": str(folder)}
        mine |= {f"ECHO_{name}": str(value) for name, value in settings.items()}
        environ = os.environ | mine | {"DJANGO_SETTINGS_MODULE": "nostrade_site.settings"}
        echo = "nostrade_site.tests.echo"
        command = [sys.executable, "-m", "gunicorn", "-c", f"python:{echo}", f"{echo}:application"]
        with self.log_path.open("wb") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=log, stderr=log)
        assert eventually(lambda: self.answers() or self.process.poll() is not None)
        assert self.process.poll() is None, self.log_path.read_text()

    def answers(self) -> bool:
        try:
            return self.get("/")["method"] == "GET"
        except OSError:
            return False

    def get(self, path: str, timeout: float = 30) -> dict:
        with contextlib.closing(http.client.HTTPConnection(self.host, self.port, timeout=timeout)) as client:
            client.request("GET", path)
            return json.loads(client.getresponse().read())

    def connect(self, timeout: float = 30) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=timeout)

    def send(self, *pieces: bytes, pause: float = 0.05) -> bytes:
        """Send pieces one by one, and return all that comes back until the server ends the connection."""
        with self.connect() as client:
            for piece in pieces:
                client.sendall(piece)
                time.sleep(pause)
            return read_all(client)

    @property
    def worker(self) -> Path:
        return Path("/proc", str(self.get("/")["pid"]))

    def memory(self) -> int:
        """Return the megabytes that the worker has in memory."""
        [line] = re.findall(r"VmRSS:\s+(\d+) kB", (self.worker / "status").read_text())
        return int(line) >> 10

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)


def read_all(client: socket.socket) -> bytes:
    return b"".join(iter(lambda: client.recv(1 << 20), b""))


def bodies(answers: bytes) -> list[dict]:
    return [json.loads(found) for found in re.findall(rb"\{[^{}]*\}", answers)]


@pytest.fixture(scope="module")
def start(tmp_path_factory) -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def begin(**settings: object) -> Server:
        servers.append(Server(tmp_path_factory.mktemp("server"), **settings))
        return servers[-1]

    yield begin
    for server in servers:
        server.stop()


@pytest.fixture(scope="module")
def server(start) -> Server:
    return start()


@pytest.fixture(scope="module")
def hasty(start) -> Server:
    return start(HEAD_SECONDS=1, BODY_SECONDS=1)


# --- HTTP as before -----------------------------------------------------------------------------------

CLOSE = b"Host: x\r\nConnection: close\r\n"


def test_a_request_in_single_bytes_is_one_request(server) -> None:
    request = b"POST /a HTTP/1.1\r\n" + CLOSE + b"Content-Length: 5\r\n\r\nhello"
    [said] = bodies(server.send(*(request[n : n + 1] for n in range(len(request))), pause=0))
    assert (said["method"], said["path"], said["size"]) == ("POST", "/a", 5)


@pytest.mark.parametrize("size", [1, 65_536, 3 * MB, 48 * MB])
def test_a_large_body_arrives_as_it_was_sent(server, size: int) -> None:
    body = random.Random(size).randbytes(size)
    client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    for _ in range(2):  # the second time on the same connection
        client.request("POST", "/", body)
        said = json.loads(client.getresponse().read())
        assert (said["size"], said["sha256"]) == (size, hashlib.sha256(body).hexdigest())
    client.close()


@pytest.mark.parametrize("sizes", [[5], [1, 70_000, 3], [1] * 3000, [2 * MB] * 3])
def test_chunks_arrive_as_they_were_sent(server, sizes: list[int]) -> None:
    chunks = [random.Random(n).randbytes(size) for n, size in enumerate(sizes)]
    client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    client.request("POST", "/", iter(chunks), {"Transfer-Encoding": "chunked"}, encode_chunked=True)
    said = json.loads(client.getresponse().read())
    assert said["sha256"] == hashlib.sha256(b"".join(chunks)).hexdigest()
    client.request("GET", "/after")
    assert json.loads(client.getresponse().read())["path"] == "/after"
    client.close()


def test_chunks_with_extensions_and_trailers_are_one_request(server) -> None:
    chunked = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    body = b"3;a=b\r\nabc\r\nA\r\n0123456789\r\n0\r\nChecked: x\r\n\r\n"
    after = b"GET /after HTTP/1.1\r\n" + CLOSE + b"\r\n"
    for pieces in ([chunked + body + after], [bytes([byte]) for byte in chunked + body + after]):
        first, second = bodies(server.send(*pieces, pause=0))
        assert (first["size"], second["path"]) == (13, "/after")


def test_requests_sent_ahead_are_answered_in_order(server) -> None:
    ahead = b"".join(
        b"POST /%d HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc" % number for number in range(50)
    )
    said = bodies(server.send(ahead + b"GET /last HTTP/1.1\r\n" + CLOSE + b"\r\n"))
    assert [each["path"] for each in said] == [f"/{number}" for number in range(50)] + ["/last"]
    assert {each["size"] for each in said[:-1]} == {3}


def test_whoever_asks_before_sending_a_body_is_answered_once(server) -> None:
    with server.connect() as client:
        client.sendall(b"POST / HTTP/1.1\r\n" + CLOSE + b"Content-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        assert client.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"hello")
        answer = read_all(client)
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert bodies(answer)[0]["size"] == 5
    assert b"100 Continue" not in answer


def test_a_head_has_no_body_and_keeps_the_connection(server) -> None:
    answer = server.send(
        b"HEAD /?size=1000 HTTP/1.1\r\nHost: x\r\n\r\nGET /after HTTP/1.1\r\n" + CLOSE + b"\r\n"
    )
    assert b"Content-Length: 1000" in answer
    assert b"xxx" not in answer
    assert bodies(answer)[0]["path"] == "/after"


@pytest.mark.parametrize("status", ["204%20No%20Content", "304%20Not%20Modified"])
def test_an_answer_without_a_body_keeps_the_connection(server, status: str) -> None:
    answer = server.send(
        b"GET /?status=%s HTTP/1.1\r\nHost: x\r\n\r\n" % status.encode()
        + b"GET /after HTTP/1.1\r\n"
        + CLOSE
        + b"\r\n"
    )
    assert bodies(answer)[0]["path"] == "/after"


def test_an_old_client_is_answered_and_left(server) -> None:
    assert bodies(server.send(b"GET /old HTTP/1.0\r\n\r\n"))[0]["path"] == "/old"


def test_a_body_that_nobody_reads_does_not_become_a_request(server) -> None:
    inner = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
    outer = b"POST /?unread=1 HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(inner)
    said = bodies(server.send(outer + inner + b"GET /after HTTP/1.1\r\n" + CLOSE + b"\r\n"))
    assert [each["path"] for each in said] == ["/", "/after"]


@pytest.mark.parametrize("how", ["size=30000000", "size=30000000&file=1"])
def test_a_large_answer_arrives_whole(server, how: str) -> None:
    answer = server.send(b"GET /?%s HTTP/1.1\r\n%s\r\n" % (how.encode(), CLOSE), pause=1)
    assert answer.partition(b"\r\n\r\n")[2] == b"x" * 30_000_000


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /%s HTTP/1.1\r\n" % (b"a" * 40_000), 431),
        (b"GET /%s" % (b"a" * 40_000), 431),
        (b"GET / HTTP/1.1\r\nHost: x\r\nLong: %s\r\n\r\n" % (b"a" * 40_000), 431),
        (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 8000 + b"\r\n", 431),
        (b"nonsense\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 400),
        (
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
        ),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1" * 9000, 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: " + b"a" * 9000, 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %s\r\n\r\n" % (b"9" * 1000), 413),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %s\r\n\r\n" % (b"9" * 5000), 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 999999999\r\n\r\n", 413),
    ],
    ids=lambda value: str(value)[:60],
)
def test_what_is_no_request_is_refused_at_once(server, request_: bytes, status: int) -> None:
    answer = server.send(request_)
    assert re.match(rb"HTTP/1.[01] (\d+)", answer)[1] == str(status).encode()
    assert b"200 OK" not in answer


def test_whoever_sends_too_much_reads_why(server) -> None:
    """A browser reads the answer when it has sent all: the connection must last as long."""
    client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    client.request("POST", "/", b"x" * (110 * MB))
    answer = client.getresponse()
    assert answer.status == 413
    assert b"exceeds max_body" in answer.read()
    client.close()


# --- Whoever is slow ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "beginning",
    [
        b"G",
        b"GET / HTTP/1.1\r\nHost: x\r\n",
        b"\x16\x03\x01",
        b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nab",
    ],
)
def test_a_request_that_does_not_arrive_is_timed_out(hasty, beginning: bytes) -> None:
    answer = hasty.send(beginning)
    assert answer.startswith((b"HTTP/1.0 408 ", b"HTTP/1.1 408 "))
    assert b"did not arrive in time" in answer


def test_single_bytes_do_not_buy_time(hasty) -> None:
    with hasty.connect() as client, contextlib.suppress(OSError):
        began = time.monotonic()
        client.setblocking(False)
        answer = b""
        for byte in b"GET / HTTP/1.1\r\nX: " + b"a" * 2000:
            client.send(bytes([byte]))
            time.sleep(0.05)
            with contextlib.suppress(BlockingIOError):
                answer += client.recv(1000)
            if answer:
                break
        assert answer.startswith((b"HTTP/1.0 408 ", b"HTTP/1.1 408 "))
        assert time.monotonic() - began < 60


def test_an_answer_that_nobody_takes_is_given_up(hasty) -> None:
    before = open_files(hasty)
    with hasty.connect() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.sendall(b"GET /?size=30000000 HTTP/1.1\r\n" + CLOSE + b"\r\n")
        assert eventually(lambda: open_files(hasty) > before)
        assert eventually(lambda: open_files(hasty) <= before)


def open_files(server: Server) -> int:
    return len(list((server.worker / "fd").iterdir()))


def test_threads_wait_for_nobody(hasty, server) -> None:
    """Ten times as many slow clients as threads, of each kind; each answer comes at its first try."""
    kinds = {
        "silent": b"",
        "head": b"GET / HTTP/1.1\r\n",
        "body": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n",
        "chunks": b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
        "kept alive": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        "left open": b"GET / HTTP/1.1\r\n" + CLOSE + b"\r\n",
        "reader": b"GET /?size=30000000 HTTP/1.1\r\nHost: x\r\n\r\n",
    }
    for beginning in kinds.values():
        with contextlib.ExitStack() as stack:
            for _ in range(40):
                client = stack.enter_context(server.connect())
                client.sendall(beginning)
            for _ in range(3):
                assert server.get("/here", timeout=20)["path"] == "/here"


AHEAD = b"GET /?size=1500000 HTTP/1.1\r\nHost: x\r\n\r\n" * 100  # what their answers hold no buffer does


def test_requests_sent_ahead_hold_no_thread(start) -> None:
    """More answers than a connection may leave waiting, to clients that take none of them."""
    server = start(CONNECTIONS=100)
    clients = [server.connect() for _ in range(20)]
    for client in clients:
        client.sendall(AHEAD)
    for _ in range(3):  # while threads would write as many answers as they may
        time.sleep(1)
        assert server.get("/", timeout=15)["method"] == "GET"
    assert len(list((server.worker / "fd").iterdir())) < 20 + 4 * len(clients)
    for client in clients:
        client.close()


def test_answers_to_requests_sent_ahead_arrive_whole(server) -> None:
    request = b"GET /?size=%d&file=1 HTTP/1.1\r\nHost: x\r\n"
    sizes = [700_000, 3, 1_500_000, 65_536]
    last = b"GET /last HTTP/1.1\r\n" + CLOSE + b"\r\n"
    answers = server.send(b"".join(request % size + b"\r\n" for size in sizes) + last)
    for size in sizes:
        head, answers = answers.split(b"\r\n\r\n", 1)
        assert f"Content-Length: {size}".encode() in head
        assert set(answers[:size]) == set(b"x")
        answers = answers[size:]
    assert bodies(answers)[0]["path"] == "/last"


def test_whoever_takes_no_answer_makes_room(start) -> None:
    """With requests sent ahead too, on more connections than there may be in all."""
    server = start(CONNECTIONS=20)
    with contextlib.ExitStack() as stack:
        for _ in range(100):
            client = stack.enter_context(server.connect())
            with contextlib.suppress(OSError):  # it made room already
                client.sendall(AHEAD)
            time.sleep(0.05)  # its requests arrive before the next connection
        assert server.get("/", timeout=15)["method"] == "GET"


def test_health_is_asked_before_all_that_waits(start) -> None:
    """Forty requests of a second each would keep the threads for eight."""
    server = start()
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(server.connect()) for _ in range(40)]
        for client in clients:
            client.sendall(b"GET /?sleep=1 HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(0.5)  # they arrive
        assert server.get("/healthz")["path"] == "/healthz"
        assert len(select.select(clients, [], [], 0)[0]) < 25


def test_when_connections_run_short_whoever_waits_longest_makes_room(start) -> None:
    small = start(CONNECTIONS=20)
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(small.connect()) for _ in range(60)]
        for client in clients:
            client.sendall(b"GET / HT")
        assert small.get("/here")["path"] == "/here"


def test_many_large_bodies_cost_disk_and_not_memory(start) -> None:
    roomy = start()
    before = roomy.memory()
    with contextlib.ExitStack() as stack:
        for _ in range(100):
            client = stack.enter_context(roomy.connect())
            client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (3 * MB))
            client.sendall(b"x" * (2 * MB))
        assert roomy.get("/here")["path"] == "/here"
        assert roomy.memory() - before < 60  # of 200 MB


def test_when_the_disk_runs_short_the_oldest_body_makes_room(start) -> None:
    narrow = start(DISK_BYTES=10 * MB)
    with contextlib.ExitStack() as stack:
        clients = []
        for _ in range(8):
            clients.append(stack.enter_context(narrow.connect()))
            clients[-1].sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (3 * MB))
            clients[-1].sendall(b"x" * (2 * MB))
        assert read_all(clients[0]).startswith((b"HTTP/1.0 503 ", b"HTTP/1.1 503 "))
        clients[-1].sendall(b"x" * MB)
        assert clients[-1].recv(15) == b"HTTP/1.1 200 OK"


@pytest.mark.parametrize("host", ["::1", "[::1]", "0:0:0:0:0:0:0:1", "::"])
def test_it_listens_on_ipv6(start, host: str) -> None:
    """Written either way; on all addresses an IPv4 client shows as IPv6, and counts as what it is."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("no IPv6 here")
    listening = start(host=host)
    assert eventually(Probe(str(ip_address(host.strip("[]"))), listening.port).answers)
    if host == "::":
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", listening.port)) as client:
            client.request("GET", "/")
            assert network_of(json.loads(client.getresponse().read())["address"]) == "127.0.0.1"


def test_whoever_hangs_up_before_the_answer_ends_is_no_error(start) -> None:
    left = start()
    for _ in range(500):
        with left.connect() as client:
            client.sendall(b"GET / HTTP/1.1\r\n" + CLOSE + b"\r\n")
            client.recv(12)
    assert left.get("/here")["path"] == "/here"
    assert "uncaptured" not in left.log_path.read_text()


def test_stopping_does_not_lose_an_answer(start) -> None:
    stopping = start()
    with stopping.connect() as client:
        client.sendall(b"GET /?sleep=1 HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(0.3)
        stopping.process.terminate()
        answer = client.recv(65536)
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert stopping.process.wait(30) == 0
