import json
from dataclasses import replace

import pytest
import torch

from ml.config import CONTEXT, SASRecConfig
from ml.encoding import FEEDBACK, GAP, ITEM, POSITION, TIME, collate, encode
from ml.history import History
from ml.id_maps import IdMap
from ml.sasrec import Dropout, SASRec
from ml.tests.conftest import tiny_config
from ml.time_bins import FIRST_GAP_BIN, UNKNOWN_BIN


@pytest.fixture
def model():
    torch.manual_seed(0)
    model = SASRec(tiny_config(30, n_blocks=3)).eval()
    with torch.no_grad():
        for weight in model.parameters():  # so that times, positions and later blocks matter too
            weight.add_(torch.randn_like(weight) * 0.1)
    return model


def inputs(items, feedback=2, times=9, gaps=4):
    items = torch.tensor(items)
    known = (items > 0).long()
    positions = torch.arange(1, items.shape[1] + 1).expand_as(items) * known
    return [items, known * feedback, known * times, known * gaps, positions]


def everywhere(items):
    return torch.arange(items.shape[1]).expand_as(items)


def test_the_future_never_changes_the_past(model):
    first = inputs([[3, 7, 9, 4, 5, 2]])
    at = everywhere(first[0])
    before = model(*first, at)
    for row, value in zip(first, (11, 1, 5, 7, 20), strict=True):
        row[0, 4:] = value
    after = model(*first, at)
    assert torch.equal(before[:, :4], after[:, :4])
    assert not torch.allclose(before[:, 4:], after[:, 4:])


def test_padding_changes_nothing(model):
    alone = inputs([[3, 7, 9]])
    padded = inputs([[3, 7, 9, 0, 0, 0], [8, 1, 2, 4, 5, 6]])
    at = torch.tensor([[0, 1, 2]])
    torch.testing.assert_close(
        model(*alone, at)[0], model(*padded, at.expand(2, -1))[0], rtol=1e-5, atol=1e-6
    )


def test_rows_of_padding_give_no_nan(model):
    nothing = inputs([[0, 0, 0]])
    states = model.train()(*nothing, everywhere(nothing[0]))
    assert torch.isfinite(states).all()
    states.sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)


def test_answering_at_some_positions_equals_answering_at_all(model):
    batch = inputs([[3, 7, 9, 4], [1, 2, 5, 6]])
    whole = model(*batch, everywhere(batch[0]))
    some = model(*batch, torch.tensor([[3, 1], [0, 2]]))
    torch.testing.assert_close(some[0], whole[0, [3, 1]], rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(some[1], whole[1, [0, 2]], rtol=1e-5, atol=1e-6)


def test_untrained_order_and_time_are_harmless():
    torch.manual_seed(0)
    config = SASRecConfig(30, width=16, n_heads=2, max_length=8, time_first=2, time_last=200)
    model, id_map = SASRec(config).eval(), IdMap(range(1, 31))
    loose = History.of([3, 7, 9])
    timed = History(loose.item_ids, loose.feedback, (1e9, 1.1e9, 1.2e9))
    states = [
        model(*batch, last) for batch, last in (collate([encode(h, id_map, config)]) for h in (loose, timed))
    ]
    assert torch.equal(*states)


@pytest.mark.parametrize("row", [TIME, GAP])
def test_an_unknown_time_or_gap_adds_nothing_even_when_they_are_trained(model, row):
    known, unknown, padding = (inputs([[3, 7]]) for _ in range(3))
    unknown[row] = torch.full_like(known[row], UNKNOWN_BIN)
    padding[row] = torch.zeros_like(known[row])
    assert torch.equal(model.embed(*unknown), model.embed(*padding))
    assert not torch.equal(model.embed(*unknown), model.embed(*known))


CHANGES = {"feedback": (FEEDBACK, 1), "time": (TIME, 5), "gap": (GAP, 7), "position": (POSITION, 9)}


@pytest.mark.parametrize("absent", CONTEXT)
def test_what_the_context_does_not_name_does_not_act(model, absent):
    told = replace(model.config, context=tuple(name for name in CONTEXT if name != absent))
    ablated = SASRec(told).eval()
    ablated.load_state_dict(model.state_dict())
    before = inputs([[3, 7]])
    for name, (row, value) in CHANGES.items():
        after = inputs([[3, 7]])
        after[row] = torch.full_like(before[row], value)
        same = torch.equal(ablated.embed(*before), ablated.embed(*after))
        assert same == (name == absent)
        assert not torch.equal(model.embed(*before), model.embed(*after))


def test_no_feedback_means_neither_gate_nor_embedding(model):
    silent = SASRec(replace(model.config, context=())).eval()
    silent.load_state_dict(model.state_dict())
    assert torch.equal(silent.embed(*inputs([[3, 7]])), model.items.weight[torch.tensor([[3, 7]])])


def test_contexts_are_named_checked_and_survive_json():
    config = SASRecConfig(5, context=["position", "time"])
    assert config.context == ("time", "position")
    assert SASRecConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config
    with pytest.raises(ValueError, match="context must be some of feedback, time, gap, position; not mood"):
        SASRecConfig(5, context=("time", "mood"))


def test_a_gap_is_since_the_dated_event_before_even_one_that_is_not_kept():
    config, id_map = tiny_config(9, max_length=3), IdMap(range(1, 10))
    hour, day = 3_600.0, 86_400.0
    times = (None, 0.0, None, 0.5 * hour, 3 * day, 3 * day + 2 * hour, 400 * day)
    history = History((1, 2, 3, 99, 4, 5, 6), (2,) * 7, times)  # title 99 is unknown
    kept = encode(history, id_map, config)
    assert kept[ITEM].tolist() == [4, 5, 6]
    week, six_hours, longer = FIRST_GAP_BIN + 3, FIRST_GAP_BIN + 1, FIRST_GAP_BIN + 7
    assert kept[GAP].tolist() == [week, six_hours, longer]
    everything = encode(history, id_map, tiny_config(9))
    assert everything[GAP].tolist() == [UNKNOWN_BIN] * 3 + [week, six_hours, longer]


def test_long_histories_keep_the_newest_events_and_a_fixed_draw_of_the_rest():
    config, id_map = tiny_config(100, max_length=10), IdMap(range(1, 101))
    timed = History(tuple(range(1, 21)), (2,) * 20, tuple(float(t) for t in range(20)))
    assert encode(timed, id_map, config)[0].tolist() == list(range(11, 21))
    mixed = History.of(range(30, 90)).added(5, 3, 1.0)
    kept = encode(mixed, id_map, config)
    assert kept[0, -1] == 5
    assert kept[POSITION].tolist() == [0] * 9 + [10]
    assert kept.shape == (5, 10)
    assert (kept == encode(mixed, id_map, config)).all()


@pytest.mark.parametrize("changes", [{"width": 15}, {"n_items": 0}, {"time_granularity": "week"}])
def test_rejects_shapes_that_cannot_be_built(changes):
    with pytest.raises(ValueError, match="must be"):
        SASRecConfig(**({"n_items": 5} | changes))


def test_dropout_zeroes_its_share_and_keeps_the_mean():
    torch.manual_seed(0)
    layer, x = Dropout(0.25), torch.ones(1001, 101)
    y = layer(x)
    assert (y == 0).float().mean().item() == pytest.approx(0.25, abs=0.005)
    assert y[y > 0].unique().tolist() == pytest.approx([4 / 3])
    assert (y[1:] != y[:-1]).any()
    assert not torch.equal(y, layer(x))
    assert layer.eval()(x) is x or torch.equal(layer(x), x)
