"""The whole site as people start it: `manage.py run` in a folder and on a port of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
START = 300.0  # seconds for whatever would else hang: a first start took 84 beside a full load on two cores


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def eventually(condition: Callable[[], object], seconds: float = 90.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


class Site:
    """One run of the site, its log in a file."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port
        self.log_path = folder / "site.log"
        folder.mkdir(mode=0o700, exist_ok=True)
        mine = {"NOSTRADE_DATA_DIR": str(folder), "PORT": str(port), "HOST": "127.0.0.1"}
        self.environ = os.environ | mine | {"DJANGO_SETTINGS_MODULE": "nostrade_site.settings"}

    def start(self) -> Site:
        with self.log_path.open("wb") as log:
            command = [sys.executable, "manage.py", "run"]
            self.process = subprocess.Popen(command, cwd=ROOT, env=self.environ, stdout=log, stderr=log)
        return self

    def wait_until_ready(self) -> Site:
        ready = eventually(lambda: "ready after" in self.log or self.process.poll() is not None, START)
        assert ready, self.log
        assert self.process.poll() is None, self.log
        return self

    def stop(self, number: int = signal.SIGINT) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(START)

    @property
    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    def get(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=START) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def shell(self, code: str) -> str:
        """Run code in the site's own environment and return what it prints."""
        command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", code]
        outcome = subprocess.run(
            command, cwd=ROOT, env=self.environ, capture_output=True, text=True, check=False
        )
        assert outcome.returncode == 0, outcome.stderr
        return outcome.stdout.strip()

    def processes(self, word: str = "") -> list[int]:
        """Return the processes of this run, with `word` in their command line."""
        mark = f"NOSTRADE_DATA_DIR={self.folder}".encode()
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):  # it ended meanwhile, or is another user's
                line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                # Valkey writes its title over its environment, but names the socket there.
                mine = (
                    mark in (folder / "environ").read_bytes().split(b"\0") or f"{self.folder}/broker" in line
                )
                if mine and line and word in line:
                    found.append(int(folder.name))
        return sorted(found)
