import pytest
import torch

from ml.title_table import TitleTable


@pytest.fixture
def table():
    return torch.randn(500, 64, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def states():
    return torch.randn(3, 64, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("is_half", [True, False])
def test_the_products_are_those_of_float32(table, states, is_half):
    table = table.half().float() if is_half else table
    expected = states.double() @ table.double().T
    torch.testing.assert_close(TitleTable(table).scores(states).double(), expected, rtol=1e-5, atol=1e-5)


def test_only_a_table_from_float16_is_kept_as_one(table, monkeypatch):
    packed = []
    original = torch.ops.quantized.linear_prepack_fp16
    monkeypatch.setattr(
        torch.ops.quantized, "linear_prepack_fp16", lambda *a: packed.append(1) or original(*a), raising=False
    )
    TitleTable(table)
    assert packed == []
    TitleTable(table.half().float())
    assert len(packed) == ("fbgemm" in torch.backends.quantized.supported_engines)


def test_some_rows_are_those_of_all(table, states):
    table = TitleTable(table.half().float())
    rows = torch.tensor([7, 0, 499])
    torch.testing.assert_close(table.scores(states, rows), table.scores(states)[:, rows])


def test_an_empty_table_scores_nothing():
    assert TitleTable(torch.zeros(5, 0)).scores(torch.zeros(2, 0)).tolist() == [[0.0] * 5] * 2
