import pytest
import torch

from ml.title_table import TitleTable


@pytest.fixture
def table():
    return torch.randn(500, 64, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def states():
    return torch.randn(3, 64, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
def test_the_products_are_those_of_float32(table, states, dtype):
    table = table.to(dtype)
    expected = states.double() @ table.double().T
    torch.testing.assert_close(TitleTable(table).scores(states).double(), expected, rtol=1e-5, atol=1e-5)


def test_only_a_float16_table_is_packed_and_not_before_it_is_needed(table, states, monkeypatch):
    packed = []
    original = torch.ops.quantized.linear_prepack_fp16
    monkeypatch.setattr(
        torch.ops.quantized, "linear_prepack_fp16", lambda *a: packed.append(1) or original(*a), raising=False
    )
    half = TitleTable(table.half())
    TitleTable(table).scores(states)
    half.scores(states, torch.tensor([3]))
    assert packed == []
    half.scores(states)
    half.scores(states)
    assert len(packed) == ("fbgemm" in torch.backends.quantized.supported_engines)


def test_some_rows_are_those_of_all(table, states):
    table = TitleTable(table.half())
    rows = torch.tensor([7, 0, 499])
    torch.testing.assert_close(table.scores(states, rows), table.scores(states)[:, rows])


def test_an_empty_table_scores_nothing():
    assert TitleTable(torch.zeros(5, 0)).scores(torch.zeros(2, 0)).tolist() == [[0.0] * 5] * 2
