"""What every test shares. Django is optional here: `pytest ml` runs where it is not installed."""

from __future__ import annotations

import gc
import importlib.util
import math
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

E2E = Path(__file__).parent / "e2e"
# Playwright's synchronous API runs an event loop in the very thread that then asks the database.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")


def _chromium() -> str | None:
    """Return the browser to drive: CHROMIUM, or the system's own."""
    names = (os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome")
    return next((path for name in names if name and (path := shutil.which(name))), None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what lies in e2e/, and skip it where no browser is; on CI that is an error instead."""
    in_browser = [item for item in items if E2E in item.path.parents]
    for item in in_browser:
        item.add_marker("e2e")
    if not in_browser or _chromium():
        return
    reason = "no Chromium found: install it (`apt-get install chromium`) or name it in CHROMIUM"
    if os.environ.get("CI"):
        raise pytest.UsageError(f"browser tests must run on CI, but {reason}")
    for item in in_browser:
        item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Drive the system's Chromium; as root, as in containers, it only starts without its sandbox."""
    args = ["--no-sandbox"] if os.geteuid() == 0 else []
    return browser_type_launch_args | {"executable_path": _chromium(), "args": args}


def _processor_time(work: Callable[[], object]) -> float:
    begin = time.process_time()
    work()
    return time.process_time() - begin


def _growth(once: Callable[[], object], twice: Callable[[], object]) -> float:
    """Compare the quickest of several runs, to which other load adds nothing; two may be enough."""
    once()  # what is done at the first time only belongs to neither
    gc.collect()
    gc.freeze()  # nor does looking for garbage among what other tests left behind
    first = second = math.inf
    try:
        for run in range(5):
            first, second = min(first, _processor_time(once)), min(second, _processor_time(twice))
            if run and second <= 2.2 * first:
                break
    finally:
        gc.unfreeze()
    return second / max(first, 1e-4)


@pytest.fixture
def growth() -> Callable[[Callable[[], object], Callable[[], object]], float]:
    """Return a function: the processor time of a second piece of work over that of the first.

    Give it one input and another of twice the size, large enough for milliseconds:
    linear work gives about 2, quadratic work about 4. `assert growth(once, twice) <= 2.5`.
    """
    return _growth


if importlib.util.find_spec("django"):
    from django.conf import settings
    from django.core.cache import cache

    from nostrade_site.broker import running_broker

    if settings.SETTINGS_MODULE != "nostrade_site.tests.settings":
        raise pytest.UsageError(
            "unset DJANGO_SETTINGS_MODULE: tests must not run on an installation's settings"
        )

    @pytest.fixture(autouse=True)
    def _empty_cache() -> None:
        """Throttles and cached lists of one test must not reach the next."""
        cache.clear()

    @pytest.fixture(scope="session")
    def broker() -> Iterator[str]:
        """Run the real embedded broker of the test folder (or use REDIS_URL), and yield its address."""
        if settings.EMBEDDED_BROKER_SOCKET is None:
            yield settings.CELERY_BROKER_URL
            return
        with running_broker(settings.EMBEDDED_BROKER_SOCKET, settings.DATA_DIR / "broker"):
            yield settings.CELERY_BROKER_URL
