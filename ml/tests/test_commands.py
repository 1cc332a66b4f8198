"""The commands, one after another, on one small file."""

import csv
import json

import pytest

from ml import evaluate, prepare, recommend, train
from ml.checkpoint import Checkpoint
from ml.tests.conftest import MECHA, ROMANCE, two_tastes

NAMES = {1: "dislike", 2: "like", 3: "love", 4: "watched"}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("commands")
    table = two_tastes(200)
    table.assign(feedback=table["feedback"].map(NAMES)).drop(columns="timestamp").to_csv(
        folder / "r.csv", index=False
    )
    assert prepare.main(["--ratings", str(folder / "r.csv"), "--out", str(folder / "data")]) == 0
    return folder / "data"


@pytest.fixture(scope="module")
def checkpoint(data):
    path = data.parent / "checkpoint"
    status = train.main(
        ["--data", str(data), "--out", str(path), "--preset", "tiny", "--epochs", "60", "--device", "cpu"]
    )
    assert status == 0
    return path


def test_evaluate_prints_a_table_and_writes_json(data, checkpoint, capsys):
    out = data.parent / "figures.json"
    assert evaluate.main(["--data", str(data), "--checkpoint", str(checkpoint), "--json", str(out)]) == 0
    printed = capsys.readouterr().out
    assert all(
        name in printed for name in ("ranker", "SASRec", "item-item", "popularity", "EASE", "ndcg@20", "lead")
    )
    report = json.loads(out.read_text())
    assert set(report["known"]) == {"3", "10", "30", "all"}
    figure = report["known"]["all"]["ranker"]["ndcg@20"]
    assert figure["low"] <= figure["mean"] <= figure["high"]
    assert report["paired"]["all"]["popularity"]["ndcg@20"]["low"] > 0


def test_evaluate_refuses_other_data(data, checkpoint, tmp_path, capsys):
    (tmp_path / "r.csv").write_text("user_id,item_id\n1,5\n1,6\n2,5\n2,6\n")
    other = ["--ratings", str(tmp_path / "r.csv"), "--out", str(tmp_path / "other"), "--min-item-count", "1"]
    assert prepare.main(other) == 0
    assert evaluate.main(["--data", str(tmp_path / "other"), "--checkpoint", str(checkpoint)]) == 1
    assert "was trained on other data" in capsys.readouterr().err


def test_training_goes_on_from_a_checkpoint(data, checkpoint):
    path = data.parent / "child"
    options = [
        "--data",
        str(data),
        "--preset",
        "tiny",
        "--init",
        str(checkpoint),
        "--max-steps",
        "2",
        "--device",
        "cpu",
    ]
    assert train.main([*options, "--out", str(path), "--learning-rate", "0.0001"]) == 0
    parent, child = Checkpoint.load(checkpoint), Checkpoint.load(path)
    assert child.parent == parent.version != child.version
    assert child.id_map == parent.id_map
    assert child.metrics["steps"] == 2


def test_train_refuses_before_the_work(data, checkpoint, tmp_path, capsys):
    assert train.main(["--data", str(data), "--out", str(checkpoint)]) == 1
    assert "exists already" in capsys.readouterr().err
    assert train.main(["--data", str(tmp_path), "--out", str(tmp_path / "x")]) == 1
    assert "is not a dataset directory" in capsys.readouterr().err
    assert train.main(["--data", str(data), "--init", str(data), "--out", str(tmp_path / "x")]) == 1
    assert "is not complete" in capsys.readouterr().err


def test_recommend_writes_every_person(checkpoint, tmp_path, capsys):
    histories, out = tmp_path / "h.csv", tmp_path / "out.csv"
    known = [f"{person},{title}" for person, titles in (("b", ROMANCE), ("a", MECHA)) for title in titles[:4]]
    histories.write_text("\n".join(["user_id,anime_id", *known, "b,4242", "c,4243"]) + "\n")
    assert (
        recommend.main(
            ["--checkpoint", str(checkpoint), "--histories", str(histories), "--k", "5", "--out", str(out)]
        )
        == 0
    )
    assert "3 people; 2 events named a title nobody knows" in capsys.readouterr().out
    with out.open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["user_id", "rank", "item_id", "score"]
    assert [(row["user_id"], row["rank"]) for row in rows] == [
        (u, str(r)) for u in "bac" for r in range(1, 6)
    ]
    assert {int(row["item_id"]) for row in rows if row["user_id"] == "b"} <= set(ROMANCE[4:])
    assert {int(row["item_id"]) for row in rows if row["user_id"] == "a"} <= set(MECHA[4:])


def test_recommend_refuses_bad_input(checkpoint, tmp_path, capsys):
    histories = tmp_path / "h.csv"
    histories.write_text("user_id,anime_id\n1,x\n")
    options = ["--histories", str(histories), "--out", str(tmp_path / "out.csv")]
    assert recommend.main(["--checkpoint", str(checkpoint), *options]) == 1
    assert "line 2: anime_id is 'x'" in capsys.readouterr().err
    assert recommend.main(["--checkpoint", str(tmp_path), *options]) == 1
    assert "is not complete" in capsys.readouterr().err
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize("command", ["prepare", "train"])
def test_a_place_that_cannot_be_written_is_one_sentence(command, data, tmp_path, capsys):
    out = ["--out", str(tmp_path / ("x" * 300))]
    ratings = ["--ratings", str(data.parent / "r.csv")]
    quick = ["--data", str(data), "--preset", "tiny", "--epochs", "1", "--device", "cpu"]
    status = prepare.main(ratings + out) if command == "prepare" else train.main(quick + out)
    assert status == 1
    assert "File name too long" in capsys.readouterr().err.splitlines()[-1]
