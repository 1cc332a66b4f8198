"""The registry: promoting and rolling back."""

from __future__ import annotations

import threading
from io import StringIO

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse

from recommender.models import Checkpoint, NotServable
from recommender.tests.fixtures import Promote

State = Checkpoint.State


def states() -> dict[str, str]:
    return dict(Checkpoint.objects.values_list("version", "state"))


def test_it_works(live: Checkpoint, promote: Promote) -> None:
    second = promote("second")
    assert states() == {"first": State.RETIRED, "second": State.ACTIVE}
    assert second.size_bytes > 10_000
    assert len(second.data_fingerprint) == 64
    assert second.roll_back() == live
    assert states() == {"first": State.ACTIVE, "second": State.RETIRED}
    assert "Rolled back" in second.verdict


def test_promote_refuses_what_does_not_load(live: Checkpoint) -> None:
    with pytest.raises(NotServable, match="not complete"):
        Checkpoint.objects.create(version="nowhere").promote()
    assert states() == {"first": State.ACTIVE, "nowhere": State.CANDIDATE}


def test_promote_refuses_a_rejected_version(live: Checkpoint, promote: Promote) -> None:
    second = promote("second")
    live.promote()
    Checkpoint.objects.filter(pk=second.pk).update(state=State.REJECTED)
    with pytest.raises(NotServable, match="rejected"):
        second.promote()
    assert states() == {"first": State.ACTIVE, "second": State.REJECTED}


@pytest.mark.parametrize("version", ["../first", "/etc", "", "a/b", ".."])
def test_a_version_is_never_a_path(live: Checkpoint, version: str) -> None:
    with pytest.raises(NotServable, match="not a version"):
        Checkpoint(version=version).promote()


def test_roll_back_never_returns_to_what_was_rolled_back(live: Checkpoint, promote: Promote) -> None:
    second = promote("second")
    second.roll_back()
    live.refresh_from_db()
    with pytest.raises(NotServable, match="no earlier"):
        live.roll_back()
    assert states()["first"] == State.ACTIVE


def test_roll_back_refuses_when_not_active(live: Checkpoint, promote: Promote) -> None:
    promote("second").promote()
    Checkpoint.objects.create(version="third", state=State.CANDIDATE)
    with pytest.raises(NotServable, match="not active"):
        Checkpoint.objects.get(version="third").roll_back()
    assert states()["second"] == State.ACTIVE


def test_the_database_allows_one_active_and_one_training(db) -> None:
    for state in (State.ACTIVE, State.TRAINING):
        Checkpoint.objects.create(version=f"a-{state}", state=state)
        with pytest.raises(IntegrityError), transaction.atomic():
            Checkpoint.objects.create(version=f"b-{state}", state=state)


@pytest.mark.django_db(transaction=True)
def test_promotions_at_the_same_time_leave_one_active(live: Checkpoint, promote: Promote) -> None:
    promote("second")
    errors: list[Exception] = []

    def flip(version: str) -> None:
        try:
            for _ in range(5):
                Checkpoint.objects.get(version=version).promote()
        except Exception as error:  # noqa: BLE001  # reported below
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=flip, args=(version,)) for version in ("first", "second") * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert sorted(states().values()) == [State.ACTIVE, State.RETIRED]


CHANGELIST = "admin:recommender_checkpoint_changelist"


def act(client: Client, action: str, *checkpoints: Checkpoint) -> str:
    data = {"action": action, "_selected_action": [checkpoint.pk for checkpoint in checkpoints]}
    response = client.post(reverse(CHANGELIST), data, follow=True)
    return " ".join(str(message) for message in response.context["messages"])


def test_admin_promotes_and_rolls_back(live: Checkpoint, promote: Promote, admin_client: Client) -> None:
    second = promote("second")
    assert "first is active" in act(admin_client, "promote", live)
    assert states()["first"] == State.ACTIVE
    live.refresh_from_db()
    assert "Rolled back: second is active" in act(admin_client, "roll_back", live)
    assert states() == {"first": State.RETIRED, "second": State.ACTIVE}
    assert "measured from second" in act(admin_client, "take_as_reference", second)
    assert Checkpoint.objects.get(pk=second.pk).config["reference"]
    assert "Choose exactly one" in act(admin_client, "promote", live, second)
    broken = Checkpoint.objects.create(version="broken")
    assert "Not promoted, nothing changed" in act(admin_client, "promote", broken)


def test_admin_shows_but_never_edits(live: Checkpoint, admin_client: Client) -> None:
    url = reverse("admin:recommender_checkpoint_change", args=[live.pk])
    assert 'name="_save"' not in admin_client.get(url).content.decode()
    admin_client.post(url, {"version": "../../etc", "state": "rejected"})
    assert states() == {"first": State.ACTIVE}
    assert admin_client.get(reverse("admin:recommender_checkpoint_add")).status_code == 403


def test_admin_actions_need_the_permission_to_change(
    live: Checkpoint, promote: Promote, ann: User, client: Client
) -> None:
    promote("second")
    ann.is_staff = True
    ann.save()
    ann.user_permissions.add(Permission.objects.get(codename="view_checkpoint"))
    client.force_login(ann)
    assert client.get(reverse(CHANGELIST)).status_code == 200
    act(client, "promote", live)
    assert states()["second"] == State.ACTIVE


def press(client: Client, button: str, *arguments: int) -> str:
    response = client.post(reverse(f"admin:recommender_checkpoint_{button}", args=arguments), follow=True)
    return " ".join(str(message) for message in response.context["messages"])


def test_admin_has_a_button_for_each(live: Checkpoint, promote: Promote, admin_client: Client) -> None:
    second = promote("second")
    page = admin_client.get(reverse("admin:recommender_checkpoint_change", args=[second.pk])).content.decode()
    assert "Roll back to the one before" in page
    assert "Rolled back: first is active" in press(admin_client, "roll_back", second.pk)
    assert "second is active" in press(admin_client, "promote", second.pk)
    assert states() == {"first": State.RETIRED, "second": State.ACTIVE}


def test_admin_buttons_need_the_permission_and_a_post(live: Checkpoint, ann: User, client: Client) -> None:
    ann.is_staff = True
    ann.save()
    ann.user_permissions.add(Permission.objects.get(codename="view_checkpoint"))
    client.force_login(ann)
    for button, arguments in (("retrain", []), ("promote", [live.pk]), ("roll_back", [live.pk])):
        url = reverse(f"admin:recommender_checkpoint_{button}", args=arguments)
        assert client.post(url).status_code == 403
        assert client.get(url).status_code == 405


def test_commands_promote_and_roll_back(live: Checkpoint, promote: Promote) -> None:
    promote("second")
    call_command("roll_back", stdout=StringIO())
    assert states() == {"first": State.ACTIVE, "second": State.RETIRED}
    call_command("promote", "second", stdout=StringIO())
    assert states() == {"first": State.RETIRED, "second": State.ACTIVE}
    with pytest.raises(CommandError, match="no checkpoint third; the newest are"):
        call_command("promote", "third")


def test_roll_back_says_when_there_is_nothing(db) -> None:
    with pytest.raises(CommandError, match="No checkpoint is active"):
        call_command("roll_back")
