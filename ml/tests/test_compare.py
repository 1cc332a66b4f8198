"""The comparison: its command, its table and its picture."""

import json
import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pytest

from ml import compare, contenders, report
from ml.baselines import EASE, Popularity
from ml.chart import spaced
from ml.compare import Comparison
from ml.contenders import RANKER
from ml.data import clean, describe
from ml.history import History
from ml.measurements import Workplace
from ml.neighbours import ItemKNN
from ml.protocols import fold_in
from ml.ratings import DataError
from ml.splits import Split
from ml.tests.conftest import MECHA, ROMANCE, TINY, tiny_config, two_tastes
from ml.training import train
from ml.tuning import Baseline, baselines, tune


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    path = tmp_path_factory.mktemp("comparison") / "data"
    dataset = clean([two_tastes(200)], min_item_count=1)
    dataset.save(path, describe(dataset))
    return path


def test_the_command_writes_a_table_and_a_picture(data, tmp_path, capsys):
    items, franchises, out = tmp_path / "items.csv", tmp_path / "f.json", tmp_path / "out"
    rows = [f"{i},{genre} {i},{genre},TV" for genre, ids in (("R", ROMANCE), ("M", MECHA)) for i in ids]
    items.write_text("\n".join(["anime_id,name,genre,type", *rows]))
    franchises.write_text(json.dumps([{"name": "a", "anime_ids": list(MECHA[:3])}]))
    options = ["--data", str(data), "--items", str(items), "--franchises", str(franchises), "--out", str(out)]
    assert compare.main(options) == 0
    assert "iALS: unobserved" in capsys.readouterr().out
    report = json.loads((out / "results.json").read_text())
    names = {"popularity", "ItemKNN", "iALS", "BPR-MF", "EASE 100", "EASE 400", "franchise", "content"}
    for known, scorers in report["known"].items():
        assert set(scorers) == names
        best = report["best_baseline"][known]
        means = {name: figures["ndcg@20"]["mean"] for name, figures in scorers.items()}
        assert means[best] == max(means.values())
        for name, lead in report["paired"][known].items():
            assert lead["ndcg@20"]["mean"] == pytest.approx(means[name] - means[best])
            assert lead["ndcg@20"]["mean"] <= 0
    assert set(report["known"]) == {"3", "10", "30", "all"}
    table = (out / "results.md").read_text()
    assert table.count("\n| all |") == 2 * len(names)  # the headline figures, and those by kind
    assert report["known"]["all"]["ItemKNN"]["new ndcg@20"]["n"] <= report["people"]
    picture = ET.parse(out / "results.svg").getroot()  # noqa: S314  # our own file
    words = " ".join(picture.itertext())
    assert all(name in words for name in names)


def test_the_baselines_tell_the_tastes_apart(data, tmp_path):
    report = compare.run(Comparison(data, tmp_path / "out"))
    for name in ("ItemKNN", "iALS", "EASE 100"):
        assert (
            report["known"]["all"][name]["ndcg@20"]["low"]
            > (report["known"]["all"]["popularity"]["ndcg@20"]["high"])
        )


def test_the_checkpoint_is_compared_on_its_own_holdout(world, tmp_path, capsys):
    split = Split(0.2, 0.3)
    world.save(tmp_path / "data", describe(world))
    checkpoint = train(world, tiny_config(world.n_items), replace(TINY, epochs=2, split=split), "cpu")
    checkpoint.save(tmp_path / "checkpoint")
    report = compare.run(Comparison(tmp_path / "data", tmp_path / "out", checkpoint=tmp_path / "checkpoint"))
    assert report["people"] == split.holdout_people(world).sum()
    for known, paired in report["paired"].items():
        assert report["best_baseline"][known] != RANKER
        figures = report["known"][known]
        lead = figures[RANKER]["ndcg@20"]["mean"]
        lead -= figures[report["best_baseline"][known]]["ndcg@20"]["mean"]
        assert paired[RANKER]["ndcg@20"]["mean"] == pytest.approx(lead)


def test_a_checkpoint_without_validation_people_is_refused(world, saved, tmp_path, capsys):
    world.save(tmp_path / "data", describe(world))
    options = ["--data", str(tmp_path / "data"), "--checkpoint", str(saved), "--out", str(tmp_path / "out")]
    assert compare.main(options) == 1
    assert "a checkpoint with validation people" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_tuning_keeps_the_best_and_says_what_it_tried(world):
    class Constant:
        def __init__(self, people, sign):
            self.id_map, self.sign, self.people = people.id_map, sign, people

        def scores(self, histories: list[History]):
            wanted = self.id_map.indices_of(ROMANCE)
            scores = np.zeros((len(histories), len(self.id_map) + 1), dtype=np.float32)
            scores[:, wanted] = self.sign
            return scores

    romantics = [c for c in fold_in(world) if len(set(c.targets) & set(ROMANCE)) == 2]
    tuned = tune(Baseline("constant", Constant, {"sign": (-1, 1, 0)}), world, romantics)
    assert tuned.chosen == {"sign": 1}
    assert tuned.scorer.sign == 1
    assert [row["sign"] for row in tuned.tried] == [-1, 1, 0]


def test_recency_is_compared_only_where_there_are_times(world):
    assert "recent popularity" not in {b.name for b in baselines(world)}
    table = two_tastes().assign(timestamp=1e9)
    timed = clean([table], min_item_count=1)
    assert "recent popularity" in {b.name for b in baselines(timed)}


def test_bad_input_is_refused_in_one_sentence(data, tmp_path, capsys):
    out = str(tmp_path / "out")
    for options, message in [
        (["--data", str(tmp_path)], "is not a dataset directory"),
        (["--data", str(data), "--items", str(tmp_path / "no.csv")], "no such file"),
        (["--data", str(data), "--franchises", str(tmp_path / "no.json")], "no such file"),
        (["--data", str(data), "--checkpoint", str(tmp_path)], "is not complete"),
    ]:
        assert compare.main([*options, "--out", out]) == 1
        error = capsys.readouterr().err
        assert message in error
        assert error.count("\n") == 1
    assert compare.main(["--data", str(data), "--out", str(tmp_path)]) == 1
    assert "exists already" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_checkpoint_of_other_data_is_refused(data, saved, tmp_path):
    with pytest.raises(DataError, match="other data"):
        compare.run(Comparison(data, tmp_path / "out", checkpoint=saved))


def test_a_checkpoint_is_refused_where_it_has_trained_on_the_targets(world, saved, tmp_path, capsys):
    world.save(tmp_path / "data", describe(world))
    options = ["--data", str(tmp_path / "data"), "--checkpoint", str(saved), "--out", str(tmp_path / "out")]
    assert compare.main([*options, "--protocol", "leave-one-out"]) == 1
    assert "leave --checkpoint away" in capsys.readouterr().err


@pytest.fixture
def few(monkeypatch):
    """Leave out the baselines that take time."""
    field = [Baseline("popularity", Popularity), Baseline("EASE 100", EASE), Baseline("ItemKNN", ItemKNN)]
    monkeypatch.setattr(contenders, "baselines", lambda *_: field)


@pytest.mark.usefixtures("few")
def test_a_stopped_comparison_goes_on(data, tmp_path, monkeypatch):
    """Stopped after two rankers, it measures only the others, and ends with the figures of a whole run."""
    comparison = Comparison(data, tmp_path / "out", protocol="leave-one-out")
    measure, built = Workplace.measure, []

    def counting(self, contender, *rest):
        if len(built) == 2 and not stopped:
            stopped.append(contender.name)
            raise KeyboardInterrupt
        before = (self.path / "measured" / contender.slug).exists()
        measurement = measure(self, contender, *rest)
        built.append((contender.name, before))
        return measurement

    stopped: list[str] = []
    monkeypatch.setattr(Workplace, "measure", counting)
    with pytest.raises(KeyboardInterrupt):
        compare.run(comparison)
    report = compare.run(comparison)
    assert [name for name, before in built[2:] if before] == [name for name, _ in built[:2]]
    monkeypatch.setattr(Workplace, "measure", measure)
    whole = compare.run(replace(comparison, out=tmp_path / "whole"))
    assert report["known"] == whole["known"]
    assert report["known"]["all"]["EASE 100"]["ndcg@20"]["n"] == 200


@pytest.mark.usefixtures("few")
def test_a_directory_holds_one_comparison(data, tmp_path):
    compare.run(Comparison(data, tmp_path / "out", protocol="leave-one-out"))
    with pytest.raises(DataError, match="not of this comparison"):
        compare.run(Comparison(data, tmp_path / "out"))


@pytest.mark.usefixtures("few")
def test_a_page_keeps_its_prose_and_gets_the_tables(data, tmp_path, capsys):
    out, page = tmp_path / "out", tmp_path / "page.md"
    compare.run(Comparison(data, out, protocol="leave-one-out"))
    page.write_text("Before.\n<!-- table: people -->\nstale\n<!-- end -->\nAfter.\n")
    options = ["--results", str(out / "results.json"), "--page", str(page)]
    assert report.main([*options, "--table", "people"]) == 0
    assert report.main([*options, "--table", "people"]) == 0  # once more changes nothing
    text = page.read_text()
    assert text.startswith("Before.\n<!-- table: people -->\n")
    assert text.endswith("\n<!-- end -->\nAfter.\n")
    assert "stale" not in text
    assert text.count((out / "results.md").read_text()) == 1
    assert report.main([*options, "--table", "titles"]) == 1
    assert "no lines <!-- table: titles -->" in capsys.readouterr().err


def test_labels_move_apart_and_no_further():
    assert spaced([10, 50], 20) == [10, 50]
    assert spaced([10, 10, 10], 20) == [-10, 10, 30]
    assert spaced([0, 100, 101], 20) == [0, 90.5, 110.5]
    assert np.diff(spaced([1, 2, 3, 30, 31, 80], 20)).min() >= 20
