"""The cache beside a real broker that is stopped and started."""

from __future__ import annotations

import signal
import subprocess
import threading

import pytest
from django.core.cache import caches
from django.test import Client
from django.urls import reverse

from catalog.tests.factories import ItemFactory
from feedback.models import Event
from feedback.tests.factories import UserFactory
from nostrade_site import broker
from nostrade_site.broker import running_broker
from nostrade_site.cache import Outage
from nostrade_site.settings import REDIS_CACHE


@pytest.fixture
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("b")
    return folder / "valkey.sock", folder


@pytest.fixture
def cache(place, settings, monkeypatch):
    """The site's cache, on a broker that each test starts; it is asked again at once."""
    monkeypatch.setattr("nostrade_site.cache.RETRY_SECONDS", 0)
    settings.CACHES = {"default": REDIS_CACHE | {"LOCATION": f"unix://{place[0]}?db=1"}}
    yield caches["default"]
    caches["default"].stand_in.clear()


def test_it_works(cache, place):
    with running_broker(*place):
        cache.set("a", [1])
        assert cache.get("a") == [1]
        assert cache.stand_in.get("a") is None
        assert cache.incr("n", delta=1) if cache.add("n", 1) else None
        assert cache.get_many(["a", "n"]) == {"a": [1], "n": 2}


def test_an_outage_is_bridged_and_ends(cache, place):
    with running_broker(*place):
        cache.set("kept", "by the broker")
    assert cache.get("kept") is None
    assert cache.add("lock", True)
    assert not cache.add("lock", True)
    cache.delete("lock")
    assert cache.add("lock", True)
    cache.set_many({"a": 1, "b": 2})
    assert cache.get_many(["a", "b"]) == {"a": 1, "b": 2}
    assert cache.incr("a") == 2
    with running_broker(*place):
        assert cache.get("a") is None
        cache.set("a", 7)
        assert cache.get("a") == 7


def test_a_broker_that_is_away_is_not_asked_for_each_entry(cache, place, monkeypatch, caplog):
    monkeypatch.setattr("nostrade_site.cache.RETRY_SECONDS", 3600)
    for number in range(10):
        cache.set("a", number)
    assert cache.get("a") == 9
    assert len([record for record in caplog.records if "does not answer" in record.message]) == 1


def test_each_outage_is_told_once(cache, place, caplog):
    for _ in range(2):
        with running_broker(*place):
            cache.get("a")
        for _ in range(3):
            cache.get("a")
    assert len([record for record in caplog.records if "does not answer" in record.message]) == 2


def test_a_frozen_broker_is_waited_for_once_and_not_by_every_thread(place, cache, monkeypatch):
    monkeypatch.setattr("nostrade_site.cache.RETRY_SECONDS", 3600)
    monkeypatch.setattr("nostrade_site.cache.LONGEST_PAUSE", 3600)
    noted: list[Exception] = []
    monkeypatch.setattr(
        Outage, "note", lambda self, error, note=Outage.note: (noted.append(error), note(self, error))
    )
    process = subprocess.Popen(broker.command(*place))
    try:
        while not broker.answers(place[0], process.pid):
            assert process.poll() is None
        cache.set("a", 1)
        process.send_signal(signal.SIGSTOP)
        assert cache.get("a") is None  # waits a second
        threads = [
            threading.Thread(target=lambda: caches["default"].set_many({"a": 1, "b": 2})) for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert cache.get("b") == 2
        assert len(noted) == 1
    finally:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        process.wait(60)


def test_pauses_grow_while_it_is_away_and_end_with_it(monkeypatch):
    outage, now = Outage(), [1000.0]
    monkeypatch.setattr("nostrade_site.cache.time.monotonic", lambda: now[0])
    for pause in (1, 2, 4, 8, 15, 15):
        assert outage.lets_ask()
        outage.note(OSError("silent"))
        now[0] += pause - 0.1
        assert not outage.lets_ask()
        now[0] += 0.2
    assert outage.lets_ask()
    assert not outage.lets_ask()  # one thread asks
    outage.end()
    assert outage.lets_ask()


@pytest.mark.django_db
def test_an_outage_is_harmless_to_reactions(cache, place, client: Client):
    item, member = ItemFactory(), UserFactory()

    def react() -> int:
        return Client().post(reverse("feedback:react", args=[item.pk]), {"feedback_type": 3}).status_code

    def post() -> int:
        client.force_login(member)
        data = {"anime_id": item.pk, "feedback_type": "love"}
        return client.post(reverse("api:events"), data, content_type="application/json").status_code

    with running_broker(*place):
        assert (react(), post()) == (303, 201)
    assert (react(), post()) == (303, 201)
    assert Event.objects.count() == 3  # two guests and the member, who said the same twice


@pytest.mark.django_db
def test_limits_hold_through_an_outage(cache, settings, client: Client):
    settings.ACCOUNT_RATE_LIMITS = {"guest": "2/h/ip"}
    url = reverse("feedback:react", args=[ItemFactory().pk])
    codes = [Client().post(url, {"feedback_type": 3}).status_code for _ in range(3)]
    assert codes == [303, 303, 429]
