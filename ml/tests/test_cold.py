"""Titles nobody rated, placed by what they are."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from ml import cold
from ml.content import ItemContent
from ml.history import History
from ml.ranker import Ranker
from ml.tests.conftest import MECHA, ROMANCE

NEW_ROMANCE, NEW_MECHA, UNDESCRIBED = 901, 902, 903


@pytest.fixture(scope="module")
def content():
    kinds = dict.fromkeys((*ROMANCE, NEW_ROMANCE), "romance") | dict.fromkeys((*MECHA, NEW_MECHA), "mecha")
    return ItemContent.of(pd.DataFrame({"item_id": list(kinds), "genre": list(kinds.values())}))


@pytest.fixture(scope="module")
def longer(trained, content):
    return cold.extended(trained, (NEW_ROMANCE, NEW_MECHA, UNDESCRIBED), content)


@pytest.mark.parametrize("part", ["sasrec", "spectral"])
def test_a_cold_title_goes_to_those_who_like_its_kind(longer, part):
    parts = {"sasrec": (0.0,), "sparse": (0.0,), "spectral": (0.0,)} | {part: (1.0,)}
    ranker = Ranker(replace(longer, mix=replace(longer.mix, coherence=(0.0,), **parts)))
    for told, wanted, other in ((ROMANCE, NEW_ROMANCE, NEW_MECHA), (MECHA, NEW_MECHA, NEW_ROMANCE)):
        ranked = [item.item_id for item in ranker.rank(History.of(told[:6]), 100)]
        assert ranked.index(wanted) < ranked.index(other)


def test_old_rows_stay_and_a_title_without_content_is_the_average(trained, longer):
    plain = trained.extended((NEW_ROMANCE, NEW_MECHA, UNDESCRIBED))
    n = len(trained.id_map) + 1
    for name, tensor in plain.weights.items():
        assert torch.equal(longer.weights[name][:n], tensor[:n])
    for name, tensor in plain.item_item.tensors.items():
        assert torch.equal(
            longer.item_item.tensors[name][: len(trained.item_item.tensors[name])], tensor[:n]
        ) or (torch.equal(longer.item_item.tensors[name], tensor))
    assert torch.equal(longer.weights["items.weight"][-1], plain.weights["items.weight"][-1])
    assert not torch.equal(longer.weights["items.weight"][-2], plain.weights["items.weight"][-2])
    assert (longer.item_counts[-3:] == 0).all()


def test_nothing_new_is_the_same_checkpoint(trained, content):
    assert cold.extended(trained, trained.id_map.ids, content) is trained


def test_the_ridge_finds_a_linear_map():
    rng = np.random.default_rng(0)
    vectors = torch.nn.functional.normalize(torch.from_numpy(rng.normal(size=(300, 8))).float(), dim=1)
    truth = torch.from_numpy(rng.normal(size=(8, 3))).float()
    found = cold.predicted(vectors[:250].to_sparse(), vectors[:250] @ truth, vectors[250:].to_sparse())
    assert (found - vectors[250:] @ truth).abs().mean() < 0.1  # of about 0.8
