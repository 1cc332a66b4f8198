"""Importing a long list: in the background, killed, doubled, lost; and what is pruned."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from catalog.tests.factories import ItemFactory
from feedback.lists import importing
from feedback.models import Event, FeedbackType, ListImport, Saved
from feedback.tasks import carry_on_list
from feedback.tests.factories import UserFactory
from feedback.tests.lists import act, bring, preview, said, table

pytestmark = pytest.mark.django_db
LOVE = FeedbackType.LOVE
State = ListImport.State


@pytest.fixture
def member(client):
    user = UserFactory()
    client.force_login(user)
    return user


@pytest.fixture
def titles():
    return [ItemFactory(name=name) for name in ("Cowboy Bebop", "Mushishi", "Trigun", "Planetes")]


def test_a_worker_that_runs_twice_or_was_killed_writes_nothing_twice(client, member, titles, monkeypatch):
    monkeypatch.setattr(importing, "STEP", 2)
    list_import = preview(
        client, table("Cowboy Bebop,9,,", "Mushishi,9,,", "Trigun,9,,", "Planetes,9,planned,")
    )
    importing.confirm(list_import, overrule=False)
    record_list = Event.objects.record_list

    def die_at_the_second(events, **options):
        if Event.objects.exists():
            raise SystemExit
        record_list(events, **options)

    with monkeypatch.context() as killed:
        killed.setattr(Event.objects, "record_list", die_at_the_second)
        with pytest.raises(SystemExit):
            importing.carry_on(list_import.pk)
    list_import.refresh_from_db()
    assert (list_import.state, list_import.done, Event.objects.count()) == (State.WRITING, 2, 2)
    taken_back = Event.objects.first()
    Event.objects.undo(taken_back)  # between the pieces: it stays taken back

    importing.carry_on(list_import.pk)
    importing.carry_on(list_import.pk)

    list_import.refresh_from_db()
    assert (list_import.state, list_import.done) == (State.DONE, 4)
    assert said(member) == {item.pk: LOVE for item in titles if item != taken_back.item}
    assert Saved.objects.count() == 1


def test_a_long_list_is_left_to_the_workers(client, member, titles, monkeypatch):
    asked = []
    monkeypatch.setattr("feedback.lists.views.carry_on_list.delay", asked.append)
    monkeypatch.setattr(importing, "AT_ONCE", 1)
    list_import = preview(client, table("Trigun,9,,", "Mushishi,9,,"))

    page = client.get(list_import.get_absolute_url()).content.decode()
    assert 'hx-trigger="every 1s"' in page
    assert "Refresh" in page
    assert (
        "<html"
        not in client.get(list_import.get_absolute_url(), headers={"HX-Request": "true"}).content.decode()
    )
    assert act(client, list_import).status_code == 303  # nothing to confirm yet
    assert not Event.objects.exists()

    importing.carry_on(list_import.pk)
    assert "every 1s" not in client.get(list_import.get_absolute_url()).content.decode()
    act(client, list_import)
    assert "0 of 2 titles" in client.get(list_import.get_absolute_url()).content.decode()
    importing.carry_on(list_import.pk)
    assert len(said(member)) == 2
    act(client, list_import, "undo")
    importing.carry_on(list_import.pk)
    assert said(member) == {}
    assert asked == [list_import.pk] * 3


def test_without_a_broker_a_long_list_is_done_at_once(client, member, titles, monkeypatch):
    def no_answer(pk):
        raise carry_on_list.OperationalError

    monkeypatch.setattr("feedback.lists.views.carry_on_list.delay", no_answer)
    monkeypatch.setattr(importing, "AT_ONCE", 0)
    bring(client, table("Trigun,9,,"))
    assert said(member) == {titles[2].pk: LOVE}


def test_who_waits_for_a_lost_worker_may_ask_again(client, member, titles, monkeypatch):
    monkeypatch.setattr("feedback.lists.views.carry_on_list.delay", lambda pk: None)
    monkeypatch.setattr(importing, "AT_ONCE", 0)
    list_import = preview(client, table("Trigun,9,,"))
    assert "Ask again" not in client.get(list_import.get_absolute_url()).content.decode()
    with time_machine.travel(timezone.now() + timedelta(minutes=2)):
        assert "Ask again" in client.get(list_import.get_absolute_url()).content.decode()
    monkeypatch.setattr(importing, "AT_ONCE", 1)
    act(client, list_import, "resume")
    list_import.refresh_from_db()
    assert list_import.state == State.READY


def test_previews_and_rows_are_pruned(client, member, titles):
    waiting, written = preview(client, table("Trigun,9,,")), bring(client, table("Mushishi,9,,"))
    assert importing.prune_lists(days=7) == 0
    ListImport.objects.update(created_at=timezone.now() - timedelta(days=8))
    assert importing.prune_lists(days=7) == 2
    assert not ListImport.objects.filter(pk=waiting.pk).exists()
    written.refresh_from_db()
    assert written.rows == []
    assert client.get(written.get_absolute_url()).status_code == 200
    act(client, written, "undo")
    assert said(member) == {}


def test_a_sign_from_the_future_is_no_sign_of_life(client, member, titles, monkeypatch):
    """A clock that was ahead would else keep a lost list waiting for as long."""
    monkeypatch.setattr("feedback.lists.views.carry_on_list.delay", lambda pk: None)
    monkeypatch.setattr(importing, "AT_ONCE", 0)
    list_import = preview(client, table("Trigun,9,,"))
    ListImport.objects.filter(pk=list_import.pk).update(touched_at=timezone.now() + timedelta(days=10))
    assert "Ask again" in client.get(list_import.get_absolute_url()).content.decode()
