"""The small world of the recommender's tests, for the tests here that ask for it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connections

from nostrade_site import health, outages
from recommender.tests.fixtures import ann, catalogue, live, log, own_ranker, promote, trained  # noqa: F401


@pytest.fixture(autouse=True)
def _nothing_remembered() -> None:
    """What the health checks of one test found must not answer the next."""
    for question in health.READY.values():
        question.forget()
    outages._damage_seen.clear()


@pytest.fixture
def lost_database(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return a function: whoever connects from then on finds no database."""

    def lose() -> None:
        server = {"NAME": "/nowhere/db.sqlite3", "HOST": "127.0.0.1", "PORT": "1"}
        for name, value in server.items():
            monkeypatch.setitem(connections.settings["default"], name, value)

    return lose
