"""Reading a long list: by a worker, whatever the file does to it, and whatever becomes of the worker."""

from __future__ import annotations

import base64
import gzip
import itertools
import json
import os
from datetime import timedelta

import pytest
import time_machine
from django.urls import reverse
from django.utils import timezone

from catalog.tests.factories import ItemFactory
from feedback.lists import importing
from feedback.lists.apart import ReadingStoppedError
from feedback.lists.reading import SHORT
from feedback.lists.rows import MOST_ROWS
from feedback.models import ListImport
from feedback.tasks import carry_on_forgotten_lists, carry_on_list
from feedback.tests.factories import UserFactory
from feedback.tests.lists import UPLOAD, act, preview, upload

State = ListImport.State
LONG = b"title,score\nTrigun,9\n" + b"\n" * SHORT
REFUSED = b"title\n" + b"a\n" * (MOST_ROWS + 1)
LATER = timedelta(minutes=5)


@pytest.fixture
def asked(monkeypatch) -> list[int]:
    """Return what the workers were asked to do; nothing is done before the test does it."""
    asked: list[int] = []
    monkeypatch.setattr("feedback.tasks.carry_on_list.delay", asked.append)
    return asked


@pytest.fixture
def member(client, db):
    user = UserFactory()
    client.force_login(user)
    return user


def page_of(client, list_import: ListImport) -> str:
    return client.get(list_import.get_absolute_url()).content.decode()


def test_it_works(client, member, asked):
    ItemFactory(name="Trigun")
    list_import = preview(client, gzip.compress(LONG))
    assert (list_import.state, asked, bytes(list_import.file)) == (
        State.READING,
        [list_import.pk],
        gzip.compress(LONG),
    )
    page = page_of(client, list_import)
    assert "Reading your list…" in page
    assert 'hx-trigger="every 1s"' in page
    assert "list.csv" in client.get(reverse("feedback:lists")).content.decode()

    importing.carry_on(list_import.pk)

    list_import.refresh_from_db()
    assert (list_import.state, list_import.file, list_import.total) == (State.READY, None, 1)
    assert (list_import.source, list_import.scale) == ("csv", "out of 10")
    assert "What would change" in page_of(client, list_import)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (REFUSED, "more than 50,000 titles"),
        (b"<myanimelist><" + b"a" * SHORT, "goes on for too long"),
        (b"[" * SHORT * 2, "breaks off or is damaged"),
    ],
)
def test_a_refusal_stands_on_the_page_of_the_import(client, member, asked, data, sentence):
    list_import = preview(client, data)
    importing.carry_on(list_import.pk)
    list_import.refresh_from_db()
    assert (list_import.state, list_import.file) == (State.REFUSED, None)
    page = page_of(client, list_import)
    assert sentence in page
    assert 'role="alert"' in page
    assert "every 1s" not in page
    assert "could not be read" in client.get(reverse("feedback:lists")).content.decode()
    assert act(client, list_import).status_code == 303  # there is nothing to confirm
    assert act(client, list_import, "discard")["Location"] == UPLOAD
    assert not ListImport.objects.exists()


@pytest.mark.parametrize(
    ("data", "status", "sentence"),
    [
        (b"PK\x03\x04" + b"a" * SHORT, 400, "zip archive"),
        (b"\x89PNG\r\n\x1a\n\x00\x00" + b"a" * SHORT, 400, "not a text"),
        (gzip.compress(os.urandom(SHORT * 2))[:-100], 400, "breaks off"),
        (gzip.compress(b" " * (65 << 20), 1), 413, "above 64 MB"),
    ],
)
def test_what_a_look_tells_is_refused_at_once(client, db, data, status, sentence):
    response = upload(client, data)
    assert (response.status_code, sentence in response.content.decode()) == (status, True)
    assert not ListImport.objects.exists()
    assert "_auth_user_id" not in client.session


def test_without_a_broker_a_long_list_waits_and_the_page_says_so(client, member, monkeypatch, asked):
    def no_answer(pk: int) -> None:
        raise carry_on_list.OperationalError

    with monkeypatch.context() as gone:
        gone.setattr("feedback.tasks.carry_on_list.delay", no_answer)
        list_import = preview(client, LONG)
        assert list_import.state == State.READING
        assert "cannot be read at the moment" in page_of(client, list_import)
        assert act(client, list_import, "resume").status_code == 303
    carry_on_forgotten_lists()
    assert asked == []  # it may be in the queue
    with time_machine.travel(timezone.now() + LATER):
        carry_on_forgotten_lists()
        carry_on_forgotten_lists()
    assert asked == [list_import.pk]


def test_one_worker_reads_at_a_time(client, member, asked, monkeypatch):
    list_import = preview(client, LONG)

    def asks_again(*_: object) -> None:
        importing.carry_on(list_import.pk)  # finds this one at work
        carry_on_forgotten_lists()
        raise ReadingStoppedError

    monkeypatch.setattr(importing, "read_apart", asks_again)
    importing.carry_on(list_import.pk)
    list_import.refresh_from_db()
    assert (list_import.state, list_import.attempts) == (State.REFUSED, importing.MOST_ATTEMPTS + 1)
    assert "interrupted 3 times" in page_of(client, list_import)


def test_a_worker_that_is_lost_is_replaced_three_times(client, member, asked, monkeypatch):
    list_import = preview(client, LONG)

    def dies(*_: object) -> None:
        raise SystemExit

    monkeypatch.setattr(importing, "read_apart", dies)
    with time_machine.travel(timezone.now()) as traveller:
        for attempt in range(importing.MOST_ATTEMPTS):
            with pytest.raises(SystemExit):
                importing.carry_on(list_import.pk)
            importing.carry_on(list_import.pk)  # delivered again at once: the other may still be at it
            list_import.refresh_from_db()
            assert (list_import.state, list_import.attempts) == (State.READING, attempt + 1)
            assert list_import.file is not None
            traveller.shift(LATER)
            carry_on_forgotten_lists()
        importing.carry_on(list_import.pk)
    list_import.refresh_from_db()
    assert (list_import.state, list_import.file) == (State.REFUSED, None)
    assert asked == [list_import.pk] * (1 + importing.MOST_ATTEMPTS)


def test_only_so_many_files_are_kept(client, member, asked, monkeypatch):
    others = (LONG + b" " * n for n in itertools.count())  # the same file sent twice is one import
    for _ in range(importing.MOST_WAITING_EACH):
        list_import = preview(client, next(others))
    response = upload(client, next(others))
    assert (response.status_code, "3 lists of yours" in response.content.decode()) == (429, True)
    act(client, list_import, "discard")
    monkeypatch.setattr(importing, "MOST_WAITING", 2)
    response = upload(client, next(others))
    assert (response.status_code, "Try again in a few minutes" in response.content.decode()) == (503, True)
    client.logout()
    assert upload(client, LONG).status_code == 503
    assert "_auth_user_id" not in client.session
    assert ListImport.objects.count() == 2


def test_a_file_is_its_persons_and_goes_with_them(client, member, asked):
    list_import = preview(client, LONG)
    text = b"".join(client.get(reverse("feedback:export_json")).streaming_content).decode()
    [exported] = json.loads(text)["list imports"]
    assert base64.b64decode(exported["file"]) == LONG

    ListImport.objects.update(created_at=timezone.now() - timedelta(days=8))
    assert importing.prune_lists(days=7) == 1
    importing.carry_on(list_import.pk)
    list_import = preview(client, LONG)
    member.delete()
    importing.carry_on(list_import.pk)
    assert not ListImport.objects.exists()
