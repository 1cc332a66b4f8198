"""What the item-item term teaches SASRec."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from ml.batches import Batches
from ml.config import Mix, TrainingConfig
from ml.distillation import Teacher
from ml.history import History
from ml.losses import distillation_loss, softmax_loss
from ml.ranker import Ranker
from ml.sasrec import SASRec
from ml.tests.conftest import TINY, tiny_config
from ml.training import train, with_item_item

MIX = Mix((-0.2, 0.2), (9.0, 9.0), (3.0, 1.0), (0.5, 2.0))


@pytest.fixture(scope="module")
def taught(world, trained):
    """A checkpoint whose SASRec would be loud, with the term and a fixed mix."""
    both = with_item_item(trained, world, TINY)
    return replace(both, mix=MIX)


def test_the_teacher_says_what_the_ranker_says_without_sasrec(world, taught):
    config = replace(TINY, batch_size=3, pretended_people=0.0)
    batch = next(Batches(world, taught.config.time_bins, config).epoch())
    scores = Teacher.of(taught).scores(batch)
    alone = Ranker(replace(taught, mix=MIX.without_sasrec()))
    coherences = set()
    for person, position in ((0, 0), (1, 2), (2, 3)):
        last = int(batch.at[person, position]) + 1
        items, feedback = (batch.inputs[row][person, :last].tolist() for row in (0, 1))
        history = History(tuple(map(world.id_map.id_of, items)), tuple(feedback), (None,) * last)
        said = scores[person, position].softmax(-1)[1:].numpy()
        others = np.setdiff1d(np.arange(world.n_items), np.array(items) - 1)
        expected = np.exp(alone.scores([history])[0, 1:][others])
        np.testing.assert_allclose(said[others] / said[others].sum(), expected / expected.sum(), atol=1e-5)
        coherences.update(alone.coherence([history]).tolist())
    assert len(coherences) > 1  # not all were weighed alike


def test_a_silent_term_teaches_nothing(trained):
    assert Teacher.of(replace(trained, item_item=trained.item_item.nothing(trained.config.n_items))) is None


def test_following_a_teacher_that_knows_the_answer_is_the_softmax_loss():
    scores = torch.randn(2, 3, 7)
    columns = torch.tensor([[1, 4, 6], [2, 3, 0]])
    targets = torch.zeros(2, 3, 3)
    targets[..., 1] = 1.0  # title 4 for the first person, 3 for the second
    seen = torch.zeros(2, 3, 3, dtype=torch.bool)
    seen[..., 0] = True
    sure = torch.full((2, 3, 7), -1e4)
    sure[0, :, 4], sure[1, :, 3] = 0.0, 0.0
    listed = scores.gather(-1, columns[:, None].expand_as(targets))
    expected = softmax_loss(scores, columns, listed, targets, seen)
    torch.testing.assert_close(distillation_loss(scores, sure, columns, targets, seen), expected)


def test_a_taught_model_ranks_more_like_its_teacher(world):
    """Cross-entropy of the teacher's ranking under SASRec, on lists as training draws them."""

    def distance(share):
        config = replace(TINY, epochs=10, distillation=share)
        checkpoint = train(world, tiny_config(world.n_items), config, "cpu")
        model: SASRec = checkpoint.model()
        batches = Batches(world, checkpoint.config.time_bins, replace(config, pretended_people=0.0))
        total = 0.0
        for batch in batches.epoch():
            targets, _, seen = batch.targets(1)
            taught = Teacher.of(checkpoint).scores(batch)
            with torch.no_grad():
                scores = model.score(model(*batch.inputs, batch.at))
            total += float(distillation_loss(scores, taught, batch.columns, targets, seen))
        return total

    assert distance(0.8) < distance(0.0)


@pytest.mark.parametrize("wrong", [{"distillation": 1.5}, {"distillation": 0.5, "loss": "bpr"}])
def test_settings_that_cannot_be_are_refused(wrong):
    with pytest.raises(ValueError, match="distillation"):
        TrainingConfig(**wrong)
