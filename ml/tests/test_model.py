import pytest
import torch

from ml.config import SASRecConfig
from ml.encoding import collate, encode
from ml.history import History
from ml.id_maps import IdMap
from ml.sasrec import SASRec
from ml.tests.conftest import tiny_config
from ml.time_bins import UNKNOWN_BIN


@pytest.fixture
def model():
    torch.manual_seed(0)
    model = SASRec(tiny_config(30, n_blocks=3)).eval()
    with torch.no_grad():
        for weight in model.parameters():  # so that times, positions and later blocks matter too
            weight.add_(torch.randn_like(weight) * 0.1)
    return model


def inputs(items, feedback=2, times=9):
    items = torch.tensor(items)
    known = (items > 0).long()
    positions = torch.arange(1, items.shape[1] + 1).expand_as(items) * known
    return [items, known * feedback, known * times, positions]


def everywhere(items):
    return torch.arange(items.shape[1]).expand_as(items)


def test_the_future_never_changes_the_past(model):
    first = inputs([[3, 7, 9, 4, 5, 2]])
    at = everywhere(first[0])
    before = model(*first, at)
    for row, value in zip(first, (11, 1, 5, 20), strict=True):
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


@pytest.mark.parametrize("removed", [[0], [0, 1, 2, 3, 4], [2, 3], [3, 4], [4]])
def test_leaving_out_equals_computing_without(model, removed):
    batch = inputs([[3, 7, 9, 4, 5]])
    states = model.without_each(batch, torch.tensor(removed))
    for event, state in zip(removed, states, strict=True):
        kept = [place for place in range(5) if place != event]
        alone = model(*(row[:, kept] for row in batch), torch.tensor([[3]]))[0, 0]
        torch.testing.assert_close(state, alone, rtol=1e-4, atol=1e-5)


def test_an_unknown_time_adds_nothing_even_when_times_are_trained(model):
    batch = inputs([[3, 7]])
    assert torch.equal(
        model.embed(batch[0], batch[1], torch.full_like(batch[0], UNKNOWN_BIN), batch[3]),
        model.embed(batch[0], batch[1], torch.zeros_like(batch[0]), batch[3]),
    )


def test_long_histories_keep_the_newest_events_and_a_fixed_draw_of_the_rest():
    config, id_map = tiny_config(100, max_length=10), IdMap(range(1, 101))
    timed = History(tuple(range(1, 21)), (2,) * 20, tuple(float(t) for t in range(20)))
    assert encode(timed, id_map, config)[0].tolist() == list(range(11, 21))
    mixed = History.of(range(30, 90)).added(5, 3, 1.0)
    kept = encode(mixed, id_map, config)
    assert kept[0, -1] == 5
    assert kept[3].tolist() == [0] * 9 + [10]
    assert kept.shape == (4, 10)
    assert (kept == encode(mixed, id_map, config)).all()


@pytest.mark.parametrize("changes", [{"width": 15}, {"n_items": 0}, {"time_granularity": "week"}])
def test_rejects_shapes_that_cannot_be_built(changes):
    with pytest.raises(ValueError, match="must be"):
        SASRecConfig(**({"n_items": 5} | changes))
