"""The real site for browser tests: `manage.py run` on an empty data folder, as a self-hoster starts it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, expect

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 180
# A machine that does three things at once may take longer than Playwright's five seconds.
expect.set_options(timeout=60_000)


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return what the site and the commands beside it run with: its own empty data folder."""
    return os.environ | {
        "DJANGO_SETTINGS_MODULE": "nostrade_site.settings",
        "NOSTRADE_DATA_DIR": str(tmp_path_factory.mktemp("site")),
    }


@pytest.fixture(scope="session")
def base_url(environment: dict[str, str]) -> Iterator[str]:
    """Start the whole site once, yield its address and stop it as Ctrl-C does."""
    data, port = Path(environment["NOSTRADE_DATA_DIR"]), _free_port()
    environment = environment | {
        "PORT": str(port),
        "GUEST_RATE": "100000/h/ip",  # every test is a new guest from one address
    }
    with (data / "log").open("w") as log:
        command = [sys.executable, "manage.py", "run"]
        site = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(address, site, data / "log")
        yield address
    finally:
        site.terminate()
        site.wait(timeout=60)


@pytest.fixture(scope="session")
def _drawn(base_url: str, environment: dict[str, str]) -> None:
    """Draw the map now, of fewer titles and in few steps: the site would take its time."""
    draw = "from ml import map; map.MOST_TITLES = 1000; from recommender.mapping import draw_missing; "
    draw += "print(*draw_missing(steps=5))"
    command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", draw]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)


@pytest.fixture
def page(page: Page, base_url: str) -> Iterator[Page]:
    """Open pages that must stay free of errors and of requests to anybody else."""
    problems = watch(page.context, base_url)
    yield page
    assert problems == []


def watch(context: BrowserContext, base_url: str) -> list[str]:
    """Collect what a clean page never does: errors (also of the security policy), foreign requests."""
    problems: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type == "error":
            problems.append(f"{message.page and message.page.url}: {message.text}")

    context.on("console", note)
    context.on("weberror", lambda error: problems.append(str(error.error)))
    context.on(
        "request",
        lambda request: request.url.startswith((base_url, "data:")) or problems.append(request.url),
    )
    return problems


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(address: str, site: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until the site serves a model; say what it logged where it never does."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and site.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/healthz", timeout=5) as answer:  # noqa: S310
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    pytest.fail(f"The site did not start:\n{log.read_text()}")
