"""The warning: in file order a rule that knows nothing of the person wins."""

import numpy as np
import pandas as pd

from ml import file_order
from ml.data import clean, describe
from ml.file_order import HigherIds, compare_orders
from ml.history import History
from ml.tests.conftest import MECHA, ROMANCE, two_tastes


def test_the_rule_looks_at_ids_only(world):
    scores = HigherIds(world).scores([History.of([MECHA[3]]), History()])
    above = world.id_map.indices_of(MECHA[4:])
    assert (scores[0, above] > 1).all()
    assert (scores[0, world.id_map.indices_of(ROMANCE)] < 1).all()
    assert (scores[1, 1:] > 1).all()
    assert scores[0, 0] == -np.inf


def test_it_wins_in_file_order_and_fails_at_random(tmp_path, capsys):
    rng = np.random.default_rng(0)
    rows = [
        (str(user), int(item))
        for user in range(400)
        for item in np.sort(rng.choice(300, 20, replace=False)) + 1
    ]
    table = pd.DataFrame(rows, columns=["user_id", "item_id"]).assign(feedback=np.int8(2), timestamp=np.nan)
    dataset = clean([table], min_item_count=1)
    found = compare_orders(dataset)
    in_order, at_random = found["last row of the file"], found["a row at random"]
    rule = "popular, with an id above the highest seen"
    assert in_order[rule].low > 5 * in_order["EASE"].mean
    assert at_random[rule].mean < 0.1
    dataset.save(tmp_path / "data", describe(dataset))
    assert file_order.main(["--data", str(tmp_path / "data")]) == 0
    assert f"| {rule} |" in capsys.readouterr().out


def test_dated_data_is_sent_elsewhere(tmp_path, capsys):
    dated = clean([two_tastes().assign(timestamp=1.0)], min_item_count=1)
    dated.save(tmp_path / "data", describe(dated))
    assert file_order.main(["--data", str(tmp_path / "data")]) == 1
    assert "Use python -m ml.compare" in capsys.readouterr().err
