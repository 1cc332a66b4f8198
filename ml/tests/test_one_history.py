"""The state of one history, computed without layers, is that of the layers."""

import numpy as np
import pytest
import torch

from ml.config import CONTEXT
from ml.encoding import FEEDBACK, GAP, ITEM, POSITION, TIME, collate
from ml.one_history import OneHistory
from ml.sasrec import SASRec
from ml.tests.conftest import tiny_config


def made(**changes):
    torch.manual_seed(0)
    model = SASRec(tiny_config(30, **changes)).eval()
    with torch.no_grad():
        for weight in model.parameters():  # so that times, gaps and positions say something too
            weight.add_(torch.randn_like(weight) * 0.1)
        for table in model.children():
            if isinstance(table, torch.nn.Embedding):
                table.weight[0] = 0  # padding stays nothing in training too
    return model


def encoded(length, *, with_times):
    rng = np.random.default_rng(length)
    rows = np.zeros((5, length), dtype=np.int64)
    rows[ITEM] = rng.choice(30, length, replace=False) + 1
    rows[FEEDBACK] = rng.integers(1, 5, length)
    rows[TIME] = rows[GAP] = 1  # unknown
    if with_times:
        rows[TIME, 1:], rows[GAP, 2:], rows[POSITION, 1:] = 5, 4, np.arange(2, length + 1)
    return rows


@pytest.mark.parametrize("length", [1, 2, 20])
@pytest.mark.parametrize("with_times", [False, True])
@pytest.mark.parametrize("changes", [{}, {"n_blocks": 1}, {"context": ()}, {"context": CONTEXT[1:]}])
def test_it_is_the_state_of_the_layers(length, with_times, changes):
    model, history = made(**changes), encoded(length, with_times=with_times)
    inputs, last = collate([history])
    with torch.inference_mode():
        expected = model(*inputs, last)[:, 0]
        torch.testing.assert_close(OneHistory(model).state(history), expected, rtol=1e-5, atol=1e-5)


def test_times_and_feedback_are_heard():
    one = OneHistory(made())
    history = encoded(6, with_times=True)
    for row in (ITEM, FEEDBACK, TIME, GAP, POSITION):
        other = history.copy()
        other[row, -1] = other[row, -1] % 4 + 1 if row == FEEDBACK else other[row, -1] + 1
        assert not torch.allclose(one.state(history), one.state(other), atol=1e-4)
