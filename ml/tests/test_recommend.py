"""Batch scoring: whose history is what, and that memory does not depend on how people are taken together."""

import csv

import numpy as np
import pandas as pd
import pytest

from ml import recommend as command
from ml.history import History
from ml.ranker import Ranker
from ml.recommend import histories, recommend
from ml.tests.conftest import MECHA, ROMANCE


def table(rows):
    return pd.DataFrame(rows, columns=["user_id", "item_id", "feedback", "timestamp"])


def test_histories_in_the_order_of_the_file_and_of_time():
    rows = [
        ("b", 7, 2, 30.0),
        ("a", 1, 4, np.nan),
        ("b", 8, 3, 10.0),
        ("b", 9, 1, np.nan),
        ("a", 2, 2, np.nan),
        ("b", 7, 3, 20.0),
    ]
    assert list(histories(table(rows))) == [
        ("b", History((9, 8, 7), (1, 3, 3), (None, 10.0, 20.0))),
        ("a", History((1, 2), (4, 2), (None, None))),
    ]
    assert list(histories(table([]))) == []


@pytest.mark.parametrize("at_a_time", [1, 2, 100])
def test_people_are_scored_together_as_alone(trained, tmp_path, monkeypatch, at_a_time):
    monkeypatch.setattr(command, "PEOPLE_AT_A_TIME", at_a_time)
    ranker = Ranker(trained)
    people = [("x", History.of(ROMANCE[:3])), ("y", History.of([4242])), ("z", History.of((*MECHA[:5], 9)))]
    assert recommend(ranker, iter(people), 4, tmp_path / "out.csv") == (3, 2)
    with (tmp_path / "out.csv").open() as file:
        rows = [(row["user_id"], int(row["rank"]), int(row["item_id"])) for row in csv.DictReader(file)]
    assert rows == [
        (name, rank, item.item_id)
        for name, history in people
        for rank, item in enumerate(ranker.rank(history, 4), start=1)
    ]


def test_a_k_below_one_writes_nothing(trained, tmp_path):
    with pytest.raises(ValueError, match="at least 1"):
        recommend(Ranker(trained), [], 0, tmp_path / "out.csv")
    assert not (tmp_path / "out.csv").exists()
