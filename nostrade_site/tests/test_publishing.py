"""Asking for a task while the broker is away, or frozen."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator

import pytest
from celery import Celery
from django.conf import settings
from kombu.exceptions import OperationalError

from nostrade_site import broker, publishing


@pytest.fixture
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("b")
    return folder / "valkey.sock", folder


@pytest.fixture
def server(place) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(broker.command(*place))
    while not broker.answers(place[0], process.pid):
        assert process.poll() is None
    yield process
    process.send_signal(signal.SIGCONT)
    process.terminate()
    process.wait(60)


@pytest.fixture
def task(place, monkeypatch):
    """A task of an application with the site's settings, on the broker of the test."""
    monkeypatch.setattr(publishing, "_ask_again_at", 0.0)
    app = Celery("test", task_cls="nostrade_site.publishing:PublishedTask", set_as_current=False)
    app.config_from_object(settings, namespace="CELERY")
    app.conf.broker_url = f"redis+socket://{place[0]}?virtual_host=0"

    @app.task(name="of-a-test")
    def of_a_test() -> None:
        """Never run here."""

    yield of_a_test
    app.close()


def test_it_works(task, server) -> None:
    assert task.delay().id


def test_a_frozen_broker_is_given_up_and_left_alone_for_a_moment(task, server, monkeypatch) -> None:
    """Without a deadline the first of these never returns."""
    task.delay()
    server.send_signal(signal.SIGSTOP)
    for sentence in ("[Tt]imeout", publishing.SENTENCE):
        with pytest.raises(OperationalError, match=sentence):
            task.delay()
    server.send_signal(signal.SIGCONT)
    monkeypatch.setattr(publishing, "_ask_again_at", 0.0)
    assert task.delay().id


def test_a_broker_that_is_not_there_is_given_up_too(task) -> None:
    for _ in range(2):
        with pytest.raises(OperationalError):
            task.delay()
