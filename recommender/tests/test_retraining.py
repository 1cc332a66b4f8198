"""The retraining run, with the real trainer on a small log."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.utils import timezone

from feedback.models import Event
from recommender import retraining, serving, tasks
from recommender.models import Checkpoint
from recommender.tests.fixtures import BATTLES, HIDDEN, ROMANCES, say

State = Checkpoint.State


@pytest.fixture
def news(ann: User, live: Checkpoint) -> int:
    """Say enough for a run."""
    for anime_id in (*ROMANCES[:16], *BATTLES[-8:]):
        if anime_id != HIDDEN:
            say(ann, anime_id)
    return Event.objects.count()


def run(**options: bool) -> str:
    out = StringIO()
    call_command("retrain", stdout=out, **options)
    return out.getvalue()


def test_it_works(live: Checkpoint, news: int, settings) -> None:
    said = run()
    child = Checkpoint.objects.get(state=State.ACTIVE)
    assert child.version in said
    assert child.parent == live
    assert child.last_event_id == Event.objects.latest("pk").pk
    assert str(news) in child.verdict
    assert child.metrics["steps"] > 0
    settings.CHECKPOINT_POLL_SECONDS = 0
    assert serving.status() == serving.Status(child.version, "")
    assert f"0 new events since {child.version}" in run()


def test_it_stays_close_to_its_parent(live: Checkpoint, news: int) -> None:
    old = live.load()
    run()
    new = Checkpoint.objects.get(state=State.ACTIVE).load()
    assert new.item_ids == old.item_ids
    neighbours = [{item.item_id for item in ranker.similar(1, 10)} for ranker in (old, new)]
    assert len(neighbours[0] & neighbours[1]) >= 8


def test_bootstrap_ratings_are_replayed(live: Checkpoint, news: int, settings, tmp_path) -> None:
    ratings = tmp_path / "rating.csv"
    lines = [f"{person},{item},9" for person in range(40) for item in ROMANCES[person % 10 :][:12]]
    ratings.write_text("user_id,anime_id,rating\n" + "\n".join(lines))
    settings.RATINGS_CSV = str(ratings)
    run()
    assert Checkpoint.objects.get(state=State.ACTIVE).parent == live


def test_too_little_news_says_so_and_changes_nothing(live: Checkpoint, ann: User) -> None:
    say(ann, 1)
    assert "1 new events since first; 20 are worth a training run" in run()
    assert Checkpoint.objects.count() == 1


def test_force_trains_on_little(live: Checkpoint, ann: User) -> None:
    for anime_id in (1, 2):
        say(ann, anime_id)
    assert "is active" in run(force=True)


def test_nothing_to_train_on_fails_with_a_sentence(live: Checkpoint) -> None:
    with pytest.raises(CommandError, match=r"\.$"):
        run(force=True)
    assert Checkpoint.objects.get(state=State.ACTIVE) == live
    assert Checkpoint.objects.get(state=State.REJECTED).verdict.startswith("Failed: ")


def test_without_an_active_checkpoint_it_says_what_to_do(db) -> None:
    with pytest.raises(CommandError, match="load_starter"):
        run()


def test_only_one_run_at_a_time(live: Checkpoint, news: int) -> None:
    going = retraining.claim(live, 0)
    with pytest.raises(CommandError, match=f"Another run is going \\({going}\\)"):
        run()
    tasks.retrain()  # the nightly one leaves it at that
    assert Checkpoint.objects.get(state=State.ACTIVE) == live


def test_a_run_that_never_ended_gives_way(live: Checkpoint, news: int) -> None:
    lost = retraining.claim(live, 0)
    overdue = timezone.now() - timedelta(seconds=django_settings.CELERY_TASK_TIME_LIMIT + 1)
    Checkpoint.objects.filter(pk=lost.pk).update(created_at=overdue)
    tasks.retrain()
    lost.refresh_from_db()
    assert lost.state == State.REJECTED
    assert Checkpoint.objects.get(state=State.ACTIVE).parent == live


def test_an_interrupted_run_gives_its_place_back(live: Checkpoint, news: int, monkeypatch) -> None:
    def interrupted(*args: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(retraining, "fine_tune", interrupted)
        with pytest.raises(KeyboardInterrupt):
            retraining.retrain()
    assert not Checkpoint.objects.filter(state=State.TRAINING).exists()
    assert "is active" in run()
