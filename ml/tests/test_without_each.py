"""A history without each of its events, in one packed pass, is each shorter history by itself."""

import numpy as np
import pytest
import torch

from ml.config import CONTEXT
from ml.encoding import collate
from ml.one_history import OneHistory
from ml.tests.test_one_history import encoded, made
from ml.without_each import states_without_each


def alone(model, history, without=None):
    kept = [place for place in range(history.shape[1]) if place != without]
    inputs, last = collate([history[:, kept]])
    return model(*inputs, last)[0, 0]


@torch.inference_mode()
def assert_same(model, history, removed):
    whole, *states = states_without_each(OneHistory(model), history, removed)
    torch.testing.assert_close(whole, alone(model, history), rtol=1e-4, atol=1e-5)
    assert len(states) == len(removed)
    for place, state in zip(removed, states, strict=True):
        torch.testing.assert_close(state, alone(model, history, place), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("removed", [[0], [0, 1, 2, 3, 4], [2, 3], [3, 4], [4]])
@pytest.mark.parametrize("changes", [{"n_blocks": 1}, {}, {"n_blocks": 3}, {"context": CONTEXT[1:]}])
def test_it_is_each_shorter_history_alone(removed, changes):
    assert_same(made(**changes), encoded(5, with_times=True), removed)


@pytest.mark.parametrize("with_times", [False, True])
def test_it_holds_for_many_events(with_times):
    assert_same(made(), encoded(25, with_times=with_times), [0, 3, 11, 12, 20, 23, 24])


def test_an_event_with_all_the_attention_leaves_no_rounding_behind():
    model, history = made(), encoded(25, with_times=False)
    with torch.no_grad():
        model.blocks[0].query.weight.mul_(40)
        model.blocks[0].key_value.weight[: model.config.width].mul_(40)
    assert_same(model, history, list(range(25)))
    assert not np.allclose(*(alone(model, history, place).detach() for place in (0, 24)))
