"""Faithfulness of reasons: measured for each checkpoint, kept with its metrics, shown in the admin."""

from __future__ import annotations

import shutil

from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from ml.gate import Panel
from ml.history import History
from ml.protocols import Case
from recommender.faithful import Faithful
from recommender.faithfulness import FEWEST_PEOPLE, measure, measure_missing
from recommender.models import Checkpoint
from recommender.tests.fixtures import BATTLES, ROMANCES


def test_it_works(live: Checkpoint) -> None:
    found = measure(live)
    assert found is not None
    assert found.source == "made up by the model"
    assert 0.5 < found.low <= found.rate <= found.high <= 1
    assert found.drop > found.random_drop
    assert Faithful.of(Checkpoint.objects.get().metrics) == found


def test_held_out_people_are_asked_where_there_are_enough(live: Checkpoint) -> None:
    people = [
        History.of([*ROMANCES[start : start + 5], *BATTLES[start : start + 3]], 3)
        for start in range(FEWEST_PEOPLE)
    ]
    panels = [Panel("people", [Case.of(known, History.of([ROMANCES[-1]], 3)) for known in people], (None,))]
    found = measure(live, panels)
    assert found is not None
    assert (found.source, found.people) == ("held out", FEWEST_PEOPLE)


def test_each_checkpoint_is_measured_once(live: Checkpoint, capsys) -> None:
    call_command("measure_reasons")
    assert "first: " in capsys.readouterr().out
    call_command("measure_reasons")
    assert "was measured before" in capsys.readouterr().out


def test_a_broken_directory_is_said_and_tried_again(live: Checkpoint) -> None:
    shutil.rmtree(live.path)
    (said,) = measure_missing()
    assert said.startswith("first was not measured")
    assert len(list(measure_missing())) == 1


def test_the_admin_shows_it(live: Checkpoint, admin_client: Client, admin_user: User) -> None:
    page = reverse("admin:recommender_checkpoint_change", args=[live.pk])
    assert "Not measured yet" in admin_client.get(page).content.decode()
    measure(live)
    assert "Stated at random, it would be 50 %" in admin_client.get(page).content.decode()
