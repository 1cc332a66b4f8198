"""The search for a mix: which parts of the score it trusts, and how sure the result is of itself."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from ml.config import SASREC_ALONE, Mix
from ml.data import clean
from ml.history import History
from ml.mixing import TEMPERATURES, _best_weights, _laid_out, _likelihood, find_mix, mean_ndcg
from ml.protocols import KNOWN, fold_in, measure
from ml.ranker import Ranker
from ml.tests.conftest import TINY, two_tastes
from ml.training import with_item_item

B, N, WANTED = 60, 40, 4  # people, titles, and how many of these each wants
NAMES = ("sasrec", "sparse", "spectral")


def wants(seed: int) -> torch.Tensor:
    """Draw what people want, (B, N + 1)."""
    torch.manual_seed(seed)
    order = torch.rand(B, N).argsort(1)
    return torch.cat([torch.zeros(B, 1, dtype=torch.bool), order < WANTED], 1)


def parts_of(targets: torch.Tensor, sure: tuple[float, float, float]) -> torch.Tensor:
    """Make parts (3, B, N + 1) that are noise, and raise what people want by so much: 0 knows nothing."""
    parts = torch.randn(3, *targets.shape) + torch.tensor(sure)[:, None, None] * targets
    parts[:, :, 0] = -torch.inf
    return parts


def shares(weights: list[float], parts: torch.Tensor) -> np.ndarray:
    """Return how much each part counts for the order, from 0 to 1."""
    spread = torch.stack([part[part.isfinite()].std() for part in parts]).numpy()
    return np.array(weights) * spread / (np.array(weights) * spread).sum()


def certainty(weights: list[float], parts: torch.Tensor) -> float:
    """Return the temperature: what the weights add up to, each by the spread of its part."""
    return sum(w * float(part[part.isfinite()].std()) for w, part in zip(weights, parts, strict=True))


def mixed(weights: list[float], parts: torch.Tensor) -> torch.Tensor:
    return (torch.tensor(weights)[:, None, None] * parts.nan_to_num(neginf=-1e6)).sum(0)


@pytest.mark.parametrize("knowing", range(3), ids=NAMES)
def test_the_part_that_knows_what_people_want_counts_most(knowing):
    targets = wants(seed=knowing)
    parts = parts_of(targets, tuple(2.0 * (part == knowing) for part in range(3)))
    weights = _best_weights(parts, targets, targets)
    assert shares(weights, parts)[knowing] > 0.84
    alone = mean_ndcg(parts[knowing].nan_to_num(neginf=-1e6), targets)
    assert mean_ndcg(mixed(weights, parts), targets) > alone - 0.03


def test_parts_that_know_different_things_rank_better_together_than_any_alone():
    targets = wants(seed=4)
    parts = parts_of(targets, (1.2, 1.2, 0.0))
    weights = _best_weights(parts, targets, targets)
    sasrec, sparse, spectral = shares(weights, parts)
    assert sasrec > 0.3
    assert sparse > 0.3
    assert spectral < 0.2
    alone = [mean_ndcg(part.nan_to_num(neginf=-1e6), targets) for part in parts]
    assert mean_ndcg(mixed(weights, parts), targets) > max(alone) + 0.02


@pytest.mark.parametrize(("loudest", "by"), [(0, 1000.0), (1, 0.001), (2, 50.0)])
def test_a_part_that_is_louder_counts_no_more(loudest, by):
    targets = wants(seed=5)
    parts = parts_of(targets, (1.0, 0.6, 0.3))
    scale = torch.ones(3)
    scale[loudest] = by
    weights, other = (_best_weights(some, targets, targets) for some in (parts, parts * scale[:, None, None]))
    assert (np.array(other) * scale.numpy()).tolist() == pytest.approx(weights, rel=1e-3)


@pytest.mark.parametrize("sure", [0.4, 1.0, 3.0])
def test_scores_are_as_sure_as_they_are_right(sure):
    """Neither louder nor softer scores would make what people wanted likelier."""
    targets = wants(seed=6)
    parts = parts_of(targets, (sure, 0.0, 0.0))
    weights = _best_weights(parts, targets, targets)
    likelihood = {
        by: (mixed([by * w for w in weights], parts).log_softmax(1) * targets).sum().item()
        for by in (0.8, 1.0, 1.25)
    }
    assert likelihood[1.0] == max(likelihood.values())


def test_a_part_that_says_nothing_is_no_trouble():
    targets = wants(seed=8)
    parts = parts_of(targets, (2.0, 0.0, 0.0))
    parts[1, :, 1:] = 3.0  # the same of every title
    weights = _best_weights(parts, targets, targets)
    assert np.isfinite(weights).all()
    assert (
        mean_ndcg(mixed(weights, parts), targets)
        > mean_ndcg(parts[0].nan_to_num(neginf=-1e6), targets) - 0.03
    )


def test_shares_add_up_to_one_whatever_the_temperature():
    targets = wants(seed=7)
    parts = parts_of(targets, (2.0, 0.5, 0.0))
    found = certainty(_best_weights(parts, targets, targets), parts)
    assert min(abs(np.log(TEMPERATURES / found))) < 1e-3


def test_the_likelihood_counts_people_alike_however_much_they_want():
    scores = torch.tensor([[0.0, 2.0, 1.0, 0.0], [3.0, 0.0, 0.0, 1.0], [1.0, 1.0, 1.0, 1.0]])
    targets = torch.tensor([[0, 1, 0, 0], [1, 1, 0, 1], [0, 0, 0, 0]], dtype=torch.bool)
    chances = scores.log_softmax(1)
    expected = (chances[0, 1] + (chances[1, 0] + chances[1, 1] + chances[1, 3]) / 3 + 0) / 3
    assert _likelihood(scores, targets) == pytest.approx(expected.item())


def test_twenty_titles_are_looked_at_and_people_without_a_target_are_not():
    scores = -torch.arange(30.0).expand(3, 30)
    targets = torch.zeros(3, 30, dtype=torch.bool)
    assert mean_ndcg(scores, targets) == 0.0
    targets[0, 19] = True  # the twentieth place
    assert mean_ndcg(scores, targets) == pytest.approx(1 / np.log2(21))
    targets[1, 20] = True
    assert mean_ndcg(scores, targets) == pytest.approx(1 / np.log2(21) / 2)


@pytest.fixture(scope="module")
def both(world, trained):
    return with_item_item(trained, world, TINY)


@pytest.fixture(scope="module")
def people():
    return fold_in(clean([two_tastes(60, seed=4)], min_item_count=1))


def test_what_a_person_knows_is_no_candidate_and_padding_neither(both, people):
    ranker, case = Ranker(both), people[0]
    last = both.id_map.ids[-1]
    seen = replace(case, known=History.of([t for t in case.known.item_ids if t != last]))
    parts, targets, loved = _laid_out(ranker, [(seen, seen.told(3)), (people[1], people[1].told(3))])
    known = both.id_map.indices_of(seen.known.item_ids)
    assert parts.shape == (3, 2, len(both.id_map) + 1)
    hidden = (parts[:, 0] == -torch.inf).all(0).nonzero().flatten().tolist()
    assert hidden == sorted([0, *known.tolist()])
    for row, one in enumerate((seen, people[1])):
        for marks, wanted in ((targets, one.targets), (loved, one.loved)):
            assert marks[row].nonzero().flatten().tolist() == sorted(both.id_map.indices_of(wanted).tolist())


def test_a_mix_is_found_for_each_of_five_levels_of_coherence(both, people):
    mix = find_mix(both, people)
    ranker = Ranker(both)
    coherence = ranker.coherence([case.told(n) for n in KNOWN for case in people])
    assert len(mix.coherence) == 5
    between = [(one + other) / 2 for one, other in zip(mix.coherence, mix.coherence[1:], strict=False)]
    sizes = np.bincount(np.searchsorted(between, coherence), minlength=5)
    assert min(sizes) > 0.12 * len(coherence)
    assert min(coherence) < mix.coherence[0] < mix.coherence[-1] < max(coherence)
    assert (mix.sasrec, mix.sparse, mix.spectral) != (Mix().sasrec, Mix().sparse, Mix().spectral)


def test_the_order_of_the_people_does_not_matter(both, people):
    one, other = find_mix(both, people), find_mix(both, people[::-1])
    assert one.coherence == other.coherence
    assert one.sparse == pytest.approx(other.sparse, rel=0.2)


def test_no_people_no_mix(both):
    with pytest.raises(ValueError, match="validation people"):
        find_mix(both, [])


def test_a_found_mix_ranks_no_worse_than_any_of_its_parts(both, people):
    def figure(mix: Mix) -> float:
        ranker = Ranker(replace(both, mix=mix))
        return float(np.mean([measure(ranker, people, n, (20,))["ndcg@20"].mean() for n in KNOWN]))

    parts = (SASREC_ALONE, Mix((0.0,), (0.0,), (1.0,), (0.0,)), Mix((0.0,), (0.0,), (0.0,), (1.0,)))
    assert figure(find_mix(both, people)) > max(map(figure, parts)) - 0.01
