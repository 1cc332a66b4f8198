"""Ablations: each recipe without one thing, trained on what a protocol allows, and their table."""

from dataclasses import replace

import numpy as np
import pytest

from ml import compare, contenders
from ml.ablations import ABLATIONS, FULL, Recipe, likes, trained, variants
from ml.baselines import Popularity
from ml.compare import Comparison
from ml.config import CONTEXT, PRESETS, Preset
from ml.data import clean, describe
from ml.feedback import Feedback
from ml.leave_out import leave_one_out_in_time, random_leave_one_out
from ml.results import SASREC
from ml.tests.conftest import TINY, tiny_config, two_tastes
from ml.tuning import Baseline

QUICK = replace(TINY, epochs=2, validations=2)


@pytest.fixture(scope="module")
def dated():
    table = two_tastes(60)
    return clean([table.assign(timestamp=np.arange(len(table)) * 86_400.0)], min_item_count=1)


@pytest.fixture
def tiny_preset(monkeypatch):
    monkeypatch.setitem(PRESETS, "tiny", Preset({"width": 16, "n_heads": 2, "max_length": 32}, QUICK))
    monkeypatch.setattr(contenders, "baselines", lambda *_: [Baseline("popularity", Popularity)])


def test_each_ablation_takes_its_thing_away(dated):
    recipes = variants(Recipe(tiny_config(dated.n_items), TINY), dated)
    assert recipes[FULL].model.context == CONTEXT
    for name in ("feedback", "time", "gap", "position"):
        assert set(recipes[f"no {name}"].model.context) == set(CONTEXT) - {name}
    assert recipes["no context"].model.context == ()
    assert recipes["no long history"].model.max_length == 50
    assert recipes["no long history"].training.window <= 50
    assert (likes(dated).feedback == Feedback.LIKE).all()
    assert recipes["no feedback"].view is likes


def test_without_dates_only_what_is_told_is_taken_away(world):
    assert set(variants(Recipe(tiny_config(world.n_items), TINY), world)) == {
        FULL,
        "no feedback",
        "no long history",
    }
    assert set(ABLATIONS) > {"no time", "no gap", "no position", "no context"}


def test_training_sees_only_what_the_protocol_allows(dated, tmp_path):
    trial = leave_one_out_in_time(dated)
    recipe = Recipe(tiny_config(dated.n_items), QUICK)
    checkpoint = trained(recipe, trial, 0, tmp_path / "one", "cpu")
    assert checkpoint.data["people"] == dated.n_users
    assert checkpoint.data["events"] == len(dated.items) - 2 * dated.n_users
    assert len(checkpoint.metrics["validations"]) == 2
    assert set(checkpoint.metrics["validations"][0]) >= {"all"}
    assert "3" not in checkpoint.metrics["validations"][0]
    again = trained(replace(recipe, training=replace(QUICK, epochs=1)), trial, 0, tmp_path / "one", "cpu")
    assert again.version == checkpoint.version  # kept, not trained again


def test_a_recipe_blind_to_feedback_never_learns_it(world, tmp_path):
    trial = random_leave_one_out(world)
    blind = variants(Recipe(tiny_config(world.n_items), QUICK), world)["no feedback"]
    disliked = replace(
        trial, training=replace(trial.training, feedback=np.full_like(trial.training.feedback, 1))
    )
    one = trained(blind, trial, 0, tmp_path / "one", "cpu")
    other = trained(blind, disliked, 0, tmp_path / "other", "cpu")
    assert one.version == other.version


def test_the_command_trains_ablations_and_says_what_each_costs(dated, tmp_path, tiny_preset):
    dated.save(tmp_path / "data", describe(dated))
    comparison = Comparison(
        tmp_path / "data",
        tmp_path / "out",
        protocol="leave-one-out-in-time",
        preset="tiny",
        ablations=True,
        seeds=2,
        device="cpu",
    )
    report = compare.run(comparison)
    ablated = report["ablated"]["all"]
    assert set(ablated) == {f"SASRec, {name}" for name in ABLATIONS}
    full = report["known"]["all"][SASREC]["ndcg@20"]
    assert full["spread"] >= 0
    lost = ablated["SASRec, no position"]["ndcg@20"]["mean"]
    assert lost == pytest.approx(
        report["known"]["all"]["SASRec, no position"]["ndcg@20"]["mean"] - full["mean"]
    )
    table = (tmp_path / "out" / "results.md").read_text()
    assert "| all | no position |" in table
    assert len(list((tmp_path / "out" / "trained").iterdir())) == 2 * (1 + len(ABLATIONS))


def test_contradictory_options_are_refused(dated, saved, tmp_path, capsys):
    dated.save(tmp_path / "data", describe(dated))
    common = ["--data", str(tmp_path / "data"), "--out", str(tmp_path / "out")]
    assert compare.main([*common, "--ablations"]) == 1
    assert "say which with --preset" in capsys.readouterr().err
    assert compare.main([*common, "--preset", "tiny", "--checkpoint", str(saved)]) == 1
    assert "not both" in capsys.readouterr().err
