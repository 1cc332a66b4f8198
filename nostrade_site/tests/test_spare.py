"""Threads of a web process while what they wait for does not come."""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import closing

import pytest

from nostrade_site import spare
from nostrade_site.asking import PATIENCE, SILENT, Question, answers
from nostrade_site.spare import Places, with_spare_thread
from nostrade_site.sqlite3.line import Line

PLENTY = 60.0  # seconds; what is waited for comes at once, or never


@pytest.fixture
def places(monkeypatch) -> Places:
    mine = Places()
    mine.count = 2
    monkeypatch.setattr(spare, "places", mine)
    monkeypatch.setattr(spare, "STUCK", 0.2)
    return mine


class Gate:
    """An application that answers when it is let."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.inside = threading.Semaphore(0)

    def __call__(self, environ, start_response):
        if environ["PATH_INFO"] not in spare.HEALTH:
            self.inside.release()
            assert self.open.wait(PLENTY)
        start_response("200 OK", [])
        return [b"answered"]


def ask(application, path: str = "/") -> str:
    said: list[str] = []
    body = application({"PATH_INFO": path}, lambda status, headers: said.append(status))
    assert b"".join(body)
    if hasattr(body, "close"):
        body.close()
    return said[0][:3]


def test_while_all_wait_health_is_served_and_others_are_sent_away(places) -> None:
    gate = Gate()
    application = with_spare_thread(gate)
    waiting = [threading.Thread(target=ask, args=[application]) for _ in range(2)]
    for thread in waiting:
        thread.start()
        assert gate.inside.acquire(timeout=PLENTY)
    assert [ask(application, path) for path in spare.HEALTH] == ["200", "200"]
    assert [ask(application) for _ in range(3)] == ["503"] * 3
    gate.open.set()
    for thread in waiting:
        thread.join(PLENTY)
    assert ask(application) == "200"


def test_who_comes_while_the_others_are_still_fresh_waits_for_them(places, monkeypatch) -> None:
    monkeypatch.setattr(spare, "STUCK", PLENTY)
    gate, answered = Gate(), []
    application = with_spare_thread(gate)
    crowd = [threading.Thread(target=lambda: answered.append(ask(application))) for _ in range(6)]
    for thread in crowd:
        thread.start()
    assert gate.inside.acquire(timeout=PLENTY)
    gate.open.set()
    for thread in crowd:
        thread.join(PLENTY)
    assert answered == ["200"] * 6


def test_a_place_is_held_until_the_answer_is_sent_and_given_back_after_an_error(places) -> None:
    places.count = 1
    application = with_spare_thread(lambda environ, start_response: iter([b"slowly", b"sent"]))
    body = application({"PATH_INFO": "/"}, lambda *_: None)
    assert ask(application) == "503"
    body.close()

    def broken(environ, start_response):
        raise ZeroDivisionError

    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            with_spare_thread(broken)({"PATH_INFO": "/"}, lambda *_: None)


def test_a_question_without_an_answer_is_waited_for_once() -> None:
    """Not by everybody, and not without end: nor is a second thread lost to it."""
    comes, asked = threading.Event(), []

    def frozen() -> str:
        asked.append(1)
        assert comes.wait(PLENTY)
        return "ok"

    questions = {"frozen": Question(frozen, keeps=0.0), "well": Question(lambda: "ok", keeps=0.0)}
    for _ in range(3):
        assert answers(questions) == {"frozen": SILENT, "well": "ok"}
    assert len(asked) == 1
    comes.set()
    until = time.monotonic() + PLENTY
    while answers(questions)["frozen"] != "ok":
        assert time.monotonic() < until
    assert PATIENCE < 1  # a probe's own deadline


@pytest.fixture
def database(tmp_path) -> str:
    path = str(tmp_path / "locked.sqlite3")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE said (word)")
    return path


def test_writers_beyond_half_do_not_wait_for_a_lock_that_is_held_long(database) -> None:
    line, refused = Line(), []
    line.places = 1

    def write(timeout: float) -> None:
        with closing(sqlite3.connect(database, timeout=timeout, isolation_level=None)) as mine:
            with line.turn(mine):
                mine.execute("INSERT INTO said VALUES ('word')")
            assert mine.execute("PRAGMA busy_timeout").fetchone() == (int(timeout * 1000),)

    with closing(sqlite3.connect(database, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        patient = threading.Thread(target=write, args=[PLENTY])
        patient.start()
        while not line._since:
            time.sleep(0.01)
        for _ in range(5):
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                write(PLENTY)
            refused.append(1)
        assert patient.is_alive()
        holder.rollback()
        patient.join(PLENTY)
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("SELECT count(*) FROM said").fetchone() == (1,)
    write(PLENTY)
