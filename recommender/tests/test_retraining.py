"""The training run, with the real trainer and the real gate on a small log."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from feedback.models import Event, FeedbackType
from ml.config import FINE_TUNING
from ml.history import History
from recommender import runs, serving, tasks, training
from recommender.models import Checkpoint
from recommender.tests.fixtures import ADULT, BATTLES, HIDDEN, NEWCOMERS, ROMANCES, say, say_over_days

State = Checkpoint.State
CONFIG = replace(FINE_TUNING, max_steps=12, learning_rate=1e-3)


@pytest.fixture(autouse=True)
def _small_runs(settings, monkeypatch) -> None:
    """Names, and with them who is held out, are the same in every run of the tests; the replay is small."""
    settings.SECRET_KEY = "the names that stand for people follow from it"
    monkeypatch.setattr(training, "SAMPLED_PEOPLE", 64)
    monkeypatch.setattr(training, "FINE_TUNING", CONFIG)


@pytest.fixture
def crowd(live: Checkpoint) -> list[User]:
    """Sixty people who love romances, and titles that the model has never seen."""
    people = [User.objects.create_user(f"person-{number}", pk=1000 + number) for number in range(60)]
    rng = np.random.default_rng(1)
    romances = [anime_id for anime_id in ROMANCES if anime_id != HIDDEN]
    for person in people:
        first, then = rng.choice(romances, 4, replace=False), rng.choice(NEWCOMERS[:5], 3, replace=False)
        say_over_days(person, [*first, *then])
    return people


@pytest.fixture
def regulars(live: Checkpoint) -> list[User]:
    """Sixty people who love what the model knows that they will love."""
    people = [User.objects.create_user(f"regular-{number}", pk=2000 + number) for number in range(60)]
    rng = np.random.default_rng(2)
    for number, person in enumerate(people):
        titles = [pk for pk in (ROMANCES, BATTLES)[number % 2] if pk not in (HIDDEN, ADULT)]
        say_over_days(person, rng.choice(titles, 8, replace=False))
    return people


def run(**options: object) -> str:
    out = StringIO()
    call_command("retrain", stdout=out, **options)
    return out.getvalue()


def newest() -> Checkpoint:
    return Checkpoint.objects.latest("pk")


def ranking(checkpoint: Checkpoint) -> bytes:
    """Return every score of some histories."""
    histories = [History((1, 2), (3, 3), (None, None)), History((35, 36), (3, 1), (None, None)), History()]
    return checkpoint.load().scores(histories).tobytes()


def test_it_works(live: Checkpoint, crowd: list[User], settings) -> None:
    said = run()
    child = Checkpoint.objects.get(state=State.ACTIVE)
    assert f"{child.version} is active. Promoted: NDCG@20 +" in said
    assert child.parent == live
    assert child.last_event_id == Event.objects.latest("pk").pk
    assert child.comparison["passed"]
    assert {*NEWCOMERS[:5]} <= {*child.load().item_ids}
    assert child.config["preset"] == "nightly"
    assert child.config["people"]["taken"] == child.config["people"]["people"] > 50
    assert child.lines.filter(text__contains="people have said something new").exists()
    assert 0 < child.metrics["steps"] <= CONFIG.max_steps
    assert 0 <= child.metrics["faithfulness"]["rate"] <= 1
    assert not runs.Run(child).folder.exists()
    settings.CHECKPOINT_POLL_SECONDS = 0
    assert serving.status() == serving.Status(child.version, "")
    assert f"0 new events since {child.version}" in run()


def test_rolling_back_restores_every_score(live: Checkpoint, crowd: list[User]) -> None:
    before = ranking(live)
    run()
    child = newest()
    assert ranking(child) != before
    assert child.roll_back() == live
    assert ranking(Checkpoint.objects.get(state=State.ACTIVE)) == before


def test_a_worse_candidate_is_rejected_and_says_why(
    live: Checkpoint, regulars: list[User], monkeypatch
) -> None:
    honest = training.train

    def on_shuffled_labels(people, shape, config, **around):
        shuffled = np.random.default_rng(0).permutation(people.items)
        return honest(replace(people, items=shuffled), shape, config, **around)

    monkeypatch.setattr(training, "train", on_shuffled_labels)
    monkeypatch.setattr(training, "FEWEST_PEOPLE", 20)
    said = run(preset="tiny")
    child = newest()
    assert child.state == State.REJECTED
    assert f"{child} is rejected. Rejected: " in said
    assert not all(check["passed"] for check in child.comparison["checks"])
    assert Checkpoint.objects.get(state=State.ACTIVE) == live
    assert f"Nothing was said since {child}, which was rejected" in run()


def test_a_handful_of_people_decide_nothing(live: Checkpoint) -> None:
    one = User.objects.create_user("one", pk=1)  # who is held out hangs on the id, and this one is not
    for anime_id in (*ROMANCES[:16], *BATTLES[-8:]):
        if anime_id != HIDDEN:
            say(one, anime_id)
    said = run()
    assert newest().state == State.REJECTED
    kept = "Kept the champion: compared on 1 person: at least 7 must show a gain;"
    assert f"{kept} with 19 more it need only be no worse." in said
    assert Checkpoint.objects.get(state=State.ACTIVE) == live


def test_bootstrap_ratings_are_replayed_and_judge(
    live: Checkpoint, crowd: list[User], settings, tmp_path
) -> None:
    ratings = tmp_path / "rating.csv"
    lines = [f"{person},{item},9" for person in range(1500) for item in ROMANCES[person % 10 :][:12]]
    ratings.write_text("user_id,anime_id,rating\n" + "\n".join(lines))
    settings.RATINGS_CSV = str(ratings)
    run()
    panels = newest().comparison["figures"]["panels"]
    assert panels["held-out people of the ratings"]["people"] > 20
    assert set(panels["held-out people of the ratings"]["ndcg@20"]) >= {"EASE", "popularity"}


def test_too_little_news_says_so_and_changes_nothing(live: Checkpoint, ann: User) -> None:
    say(ann, 1)
    assert "1 new events since first; 20 are worth a training run" in run()
    assert Checkpoint.objects.count() == 1


def test_nothing_to_train_on_fails_with_a_sentence(live: Checkpoint) -> None:
    with pytest.raises(CommandError, match=r"\.$"):
        run(force=True)
    assert Checkpoint.objects.get(state=State.ACTIVE) == live
    assert Checkpoint.objects.get(state=State.FAILED).verdict.startswith("Failed: ")


def test_without_an_active_checkpoint_it_says_what_to_do(db) -> None:
    with pytest.raises(CommandError, match="load_starter"):
        run()


def test_only_one_run_at_a_time(live: Checkpoint, crowd: list[User]) -> None:
    going = runs.claim(live, 0, "nightly").checkpoint
    with pytest.raises(CommandError, match=f"Another run is going \\({going}, by "):
        run()
    tasks.retrain()  # the nightly one leaves it at that
    assert Checkpoint.objects.get(state=State.ACTIVE) == live


def test_an_interrupted_run_goes_on_where_it_stood(live: Checkpoint, crowd: list[User], monkeypatch) -> None:
    seen: list[int] = []

    def interrupted(self: runs.Run, step: int, figures: object) -> None:
        seen.append(step)
        if len(seen) == CONFIG.max_steps // 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(runs.Run, "sign", interrupted)
        patch.setattr(training, "STATE_EVERY", 5)
        with pytest.raises(KeyboardInterrupt):
            run()
    going = Checkpoint.objects.get(state=State.TRAINING)
    say(crowd[0], BATTLES[0], FeedbackType.LIKE)  # news for the next run, not for this one
    with monkeypatch.context() as patch:
        patch.setattr(runs.Run, "sign", lambda self, step, figures: seen.append(step))
        run()
    assert newest() == going
    assert newest().state == State.ACTIVE
    assert seen.count(1) == 1
    assert seen[-1] == CONFIG.max_steps


def test_training_anew_needs_people(live: Checkpoint, crowd: list[User]) -> None:
    with pytest.raises(CommandError, match="people are too few to train anew"):
        run(preset="tiny")
    assert newest().state == State.FAILED


def test_training_anew_keeps_the_titles_in_their_places(
    live: Checkpoint, crowd: list[User], monkeypatch
) -> None:
    monkeypatch.setattr(training, "FEWEST_PEOPLE", 20)
    run(preset="tiny")
    child = newest()
    assert child.state in {State.ACTIVE, State.REJECTED}
    old = live.load().item_ids
    assert child.load().item_ids[: len(old)] == old
