"""The gate: what it decides about real checkpoints, and what it leaves on the candidate's row."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ml.checkpoint import WEIGHTS
from ml.checkpoint import Checkpoint as Weights
from ml.config import SASREC_ALONE
from ml.gate import Panel
from ml.history import History
from ml.protocols import Case
from recommender import taste
from recommender.gate import decide
from recommender.models import LONGEST_VERDICT, Checkpoint, NotServable, shortened
from recommender.tests.fixtures import BATTLES, ROMANCES

State = Checkpoint.State
Register = Callable[[Weights, str], Checkpoint]
PEOPLE = "held-out people of the site"


@pytest.fixture
def register(settings) -> Register:
    """Save a checkpoint as a candidate of the registry."""

    def save(weights: Weights, version: str) -> Checkpoint:
        checkpoint = Checkpoint(version=version)
        weights.save(checkpoint.path)
        checkpoint.save()
        return checkpoint

    return save


@pytest.fixture
def popularity(live: Checkpoint) -> Weights:
    """The live checkpoint without what it knows about any title but how many know it."""
    weights = Weights.load(live.path)
    table = weights.weights["items.weight"]
    return replace(
        weights, mix=SASREC_ALONE, weights=weights.weights | {"items.weight": torch.zeros_like(table)}
    )


@pytest.fixture
def panels() -> list[Panel]:
    """Forty people, of either taste, who go on as they began."""
    cases = []
    for start in range(20):
        for mine in (ROMANCES, BATTLES):
            titles = [mine[(start + 3 * step) % 30] for step in range(9)]
            cases.append(Case.of(History.of(titles[:5]), History.of(titles[5:])))
    return [Panel(PEOPLE, cases, (None,))]


@pytest.fixture
def profiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tastes that this small world knows."""
    rows = [
        {"name": "Fights", "told": [[31, "love"], [33, "like"]]},
        {"name": "Elsewhere", "told": [[70001, "love"]]},
    ]
    path = tmp_path / "profiles.json"
    path.write_text(json.dumps(rows))
    monkeypatch.setattr(taste, "PROFILES", path)


def test_a_better_candidate_passes_and_nothing_goes_live(
    live: Checkpoint, register: Register, popularity: Weights, panels: list[Panel]
) -> None:
    champion, candidate = register(popularity, "popular"), register(Weights.load(live.path), "better")
    verdict = decide(candidate, champion, panels, {})
    assert verdict.passed, verdict.sentence
    candidate.refresh_from_db()
    assert candidate.verdict == verdict.sentence
    assert candidate.verdict.startswith("Promoted: NDCG@20 +0.")
    assert candidate.verdict.endswith(f"on 40 {PEOPLE}.")
    assert candidate.state == State.CANDIDATE
    assert Checkpoint.objects.active() == live


def test_a_worse_candidate_is_rejected_and_its_row_says_why(
    live: Checkpoint, register: Register, popularity: Weights, panels: list[Panel], profiles: None
) -> None:
    candidate = register(popularity, "popular")
    verdict = decide(candidate, live, panels, {})
    assert not verdict.passed
    candidate.refresh_from_db()
    assert candidate.verdict.startswith(f"Rejected: on 40 {PEOPLE} NDCG@20 falls by 0.")
    comparison = candidate.comparison
    assert comparison["champion"] == live.version
    assert comparison["sentence"] == candidate.verdict
    assert comparison["figures"]["panels"][PEOPLE]["difference"]["ndcg@20"]["high"] < 0
    names = [check["name"] for check in comparison["checks"]]
    assert names[:3] == ["titles", "scores", "evidence"]
    assert "taste: drift" in names
    (page,) = comparison["taste"]["pages"]
    assert page["came"]
    assert len(page["came"]) == len(page["went"])
    assert {str(pk) for pk in (*page["now"], *page["before"])} == set(comparison["taste"]["names"])
    assert comparison["taste"]["skipped"] == ["Elsewhere"]


def test_good_figures_do_not_excuse_pages_nobody_would_want(
    live: Checkpoint, register: Register, popularity: Weights, panels: list[Panel], profiles: None
) -> None:
    """The figures rise, and everybody's page is another one over night."""
    weights = popularity.weights
    backwards = replace(popularity, weights=weights | {"bias": -weights["bias"]})
    champion, candidate = register(backwards, "backwards"), register(Weights.load(live.path), "better")
    verdict = decide(candidate, champion, panels, {})
    drift = next(check for check in verdict.checks if check.name == "taste: drift")
    assert not drift.passed
    assert verdict.sentence == f"Rejected: {drift.sentence[0].lower()}{drift.sentence[1:]}"


def test_a_line_of_nights_is_compared_with_what_it_began_from(
    live: Checkpoint, register: Register, popularity: Weights, panels: list[Panel], profiles: None
) -> None:
    """Each of the nights may have been small: the candidate is compared with the starter of them all too."""
    first = register(popularity, "first-of-all")
    second, third = (register(Weights.load(live.path), name) for name in ("second", "third"))
    Checkpoint.objects.filter(pk=second.pk).update(parent=first, config={"preset": "nightly"})
    Checkpoint.objects.filter(pk=third.pk).update(parent=second, config={"preset": "nightly"})
    second, third = (Checkpoint.objects.get(pk=one.pk) for one in (second, third))
    assert (third.reference(), second.reference(), first.reference()) == (first, first, first)
    verdict = decide(third, second, panels, {})
    assert {check.name for check in verdict.checks if not check.passed} >= {"taste: drift in all"}
    assert "is on the reference's too" in verdict.sentence
    second.take_as_reference()
    assert decide(third, second, panels, {}).passed
    assert Checkpoint.objects.get(pk=third.pk).reference() == second


@pytest.mark.parametrize(("preset", "needed"), [("nightly", "60 %"), ("starter", "40 %")])
def test_a_night_may_move_pages_less_far_than_a_training_from_nothing(
    live: Checkpoint, register: Register, panels: list[Panel], profiles: None, preset: str, needed: str
) -> None:
    candidate = register(Weights.load(live.path), "same")
    candidate.parent, candidate.config = live, {"preset": preset}
    verdict = decide(candidate, live, panels, {})
    drift = next(check for check in verdict.checks if check.name == "taste: drift")
    assert drift.sentence.endswith(f"more than {needed} is needed.")


def test_a_training_from_nothing_begins_a_line_of_its_own(live: Checkpoint, register: Register) -> None:
    anew = register(Weights.load(live.path), "anew")
    anew.parent, anew.config = live, {"preset": "starter"}
    assert anew.reference() == anew
    assert not anew.is_nightly


def test_a_lost_reference_is_no_free_pass(
    live: Checkpoint, register: Register, panels: list[Panel], profiles: None
) -> None:
    first, second = (register(Weights.load(live.path), name) for name in ("lost", "second"))
    second.parent, second.config = first, {"preset": "nightly"}
    second.save()
    shutil.rmtree(first.path)
    verdict = decide(register(Weights.load(live.path), "third"), second, panels, {})
    assert not verdict.passed
    assert "The reference lost does not load" in verdict.checks[-1].sentence


def test_too_few_people_keep_the_champion(live: Checkpoint, register: Register) -> None:
    candidate = register(Weights.load(live.path), "same")
    assert not decide(candidate, live, [], {}).passed
    assert candidate.verdict.startswith("Kept the champion: compared on 0 people: at least 7 must show")


def test_a_candidate_that_does_not_load_is_rejected_without_its_path(
    live: Checkpoint, register: Register, panels: list[Panel], settings
) -> None:
    candidate = register(Weights.load(live.path), "damaged")
    (candidate.path / WEIGHTS).write_bytes(b"")
    assert not decide(candidate, live, panels, {}).passed
    candidate.refresh_from_db()
    assert candidate.verdict.startswith("Rejected: it does not load. Checkpoint damaged has weights")
    assert str(settings.CHECKPOINT_DIR) not in json.dumps(candidate.comparison)
    assert candidate.comparison["taste"] is None


def test_titles_in_another_order_are_rejected_before_anything_is_ranked(
    live: Checkpoint, register: Register, panels: list[Panel]
) -> None:
    weights = Weights.load(live.path)
    ids = weights.id_map.ids
    candidate = register(replace(weights, id_map=type(weights.id_map)(ids[::-1])), "reversed")
    assert "in another order" in decide(candidate, live, panels, {}).sentence
    assert candidate.comparison["taste"] is None


def test_a_champion_that_does_not_load_decides_nothing(
    live: Checkpoint, register: Register, panels: list[Panel]
) -> None:
    candidate = register(Weights.load(live.path), "same")
    shutil.rmtree(live.path)
    with pytest.raises(NotServable):
        decide(candidate, live, panels, {})
    candidate.refresh_from_db()
    assert (candidate.verdict, candidate.comparison) == ("", {})


def test_a_long_sentence_is_cut_to_fit_the_row() -> None:
    assert shortened("a" * LONGEST_VERDICT) == "a" * LONGEST_VERDICT
    cut = shortened("a" * (LONGEST_VERDICT + 1))
    assert len(cut) == LONGEST_VERDICT == Checkpoint._meta.get_field("verdict").max_length
    assert cut.endswith("…")
