import math

import pytest
import torch
from torch.nn.functional import softplus

from ml.losses import (
    bce_loss,
    bpr_loss,
    dislike_loss,
    gbce_power,
    sampled_softmax_loss,
    softmax_loss,
)
from ml.objective import among

SCORES = torch.tensor([[[9.0, 1.0, 2.0, 0.5, -1.0]]])  # padding, then titles 1..4
COLUMNS = torch.tensor([[1, 2, 3, 0]])
LISTED = SCORES[:, :, [1, 2, 3, 0]]
TARGETS = torch.tensor([[[0.0, 3.0, 1.0, 0.0]]])  # title 2 three times as much as title 3
SEEN = torch.tensor([[[True, False, False, False]]])
TITLES = torch.tensor([1, 4])  # drawn: title 1 was seen, title 4 is a negative
DRAWN = SCORES[:, :, TITLES]
ALLOWED = torch.tensor([[[False, True]]])
NOTHING = torch.zeros(1, 1, 4)


def test_the_softmax_equals_the_formula():
    log_total = torch.tensor([2.0, 0.5, -1.0]).logsumexp(0)  # without padding and the seen title 1
    expected = log_total - (0.75 * 2.0 + 0.25 * 0.5)
    assert softmax_loss(SCORES, COLUMNS, LISTED, TARGETS, SEEN).item() == pytest.approx(expected.item())


def test_the_sampled_softmax_equals_the_formula():
    chance = 0.25  # the one negative stands for four
    log_total = torch.tensor([2.0, 0.5, -1.0 - math.log(chance)]).logsumexp(0)
    expected = log_total - (0.75 * 2.0 + 0.25 * 0.5)
    log_chances = torch.tensor([0.9, chance]).log()
    found = sampled_softmax_loss(LISTED, DRAWN, TARGETS, ALLOWED, log_chances)
    assert found.item() == pytest.approx(expected.item())


def test_bce_and_gbce_equal_the_formula():
    positive = 0.75 * softplus(torch.tensor(-2.0)) + 0.25 * softplus(torch.tensor(-0.5))
    negative = 2 * softplus(torch.tensor(-1.0))  # the average of those allowed, twice
    assert bce_loss(LISTED, DRAWN, TARGETS, ALLOWED, k=2).item() == pytest.approx(
        (positive + negative).item()
    )
    found = bce_loss(LISTED, DRAWN, TARGETS, ALLOWED, k=2, power=0.3)
    assert found.item() == pytest.approx((0.3 * positive + negative).item())


def test_gbce_is_bce_at_zero_and_the_sampling_rate_at_one():
    assert gbce_power(2, 101, 0.0) == 1.0
    assert gbce_power(2, 101, 1.0) == pytest.approx(0.02)
    alpha, t = 0.02, 0.75
    assert gbce_power(2, 101, t) == pytest.approx(alpha * (t * (1 - 1 / alpha) + 1 / alpha))
    with pytest.raises(ValueError, match="calibration must be between"):
        gbce_power(2, 101, 1.1)


def test_bpr_equals_the_formula():
    partners = torch.tensor([[[1, 2]]])  # title 4 meets title 3
    expected = softplus(torch.tensor(-1.0 - 0.5))
    assert bpr_loss(LISTED, DRAWN, TARGETS, ALLOWED, partners).item() == pytest.approx(expected.item())


def test_a_softmax_over_all_titles_drawn_for_certain_is_the_full_one():
    torch.manual_seed(0)
    B, P, T, N = 3, 2, 6, 30
    scores = torch.randn(B, P, N + 1, requires_grad=True)
    columns = torch.stack([torch.randperm(N)[:T] + 1 for _ in range(B)])
    columns[0, -2:] = 0
    known = (columns > 0)[:, None].expand(B, P, T)
    seen = known & (torch.rand(B, P, T) < 0.3)
    targets = torch.rand(B, P, T) * (known & ~seen) * (torch.rand(B, P, T) < 0.7)
    listed = scores.gather(-1, columns[:, None].expand(B, P, T))
    everything = torch.arange(1, N + 1)
    allowed = ~among(everything, columns, seen | (targets > 0), N)
    sampled = sampled_softmax_loss(listed, scores[..., 1:], targets, allowed, torch.zeros(N))
    full = softmax_loss(scores, columns, listed, targets, seen)
    assert sampled.item() == pytest.approx(full.item(), rel=1e-5)
    slopes = [torch.autograd.grad(loss, scores, retain_graph=True)[0] for loss in (sampled, full)]
    torch.testing.assert_close(*slopes, rtol=1e-4, atol=1e-6)


def every_loss(scores, targets, seen=SEEN, allowed=ALLOWED):
    listed, drawn = scores[:, :, COLUMNS[0]], scores[:, :, TITLES]
    partners = torch.ones(*scores.shape[:2], 2, dtype=torch.int64)
    return {
        "softmax": softmax_loss(scores, COLUMNS, listed, targets, seen),
        "sampled softmax": sampled_softmax_loss(listed, drawn, targets, allowed, torch.zeros(2)),
        "bce": bce_loss(listed, drawn, targets, allowed, k=2),
        "bpr": bpr_loss(listed, drawn, targets, allowed, partners),
        "dislike": dislike_loss(listed, targets, seen.float()),
    }


NAMES = tuple(every_loss(SCORES, TARGETS))


@pytest.mark.parametrize("name", NAMES)
def test_positions_without_a_target_do_not_count(name):
    scores = torch.cat([SCORES, SCORES * 3], dim=1)
    targets = torch.cat([TARGETS, NOTHING], dim=1)
    both = every_loss(scores, targets, SEEN.expand(1, 2, 4), ALLOWED.expand(1, 2, 2))[name]
    assert both.item() == pytest.approx(every_loss(SCORES, TARGETS)[name].item())
    assert every_loss(SCORES, NOTHING)[name].item() == 0.0


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("scale", [1.0, 1e4])
def test_slopes_are_finite_even_where_nothing_counts(name, scale):
    scores = (torch.cat([SCORES, SCORES], 1) * scale).requires_grad_()
    targets = torch.cat([TARGETS, NOTHING], 1)
    allowed = torch.tensor([[[False, False], [False, True]]])  # no negative where there are targets
    every_loss(scores, targets, SEEN.expand(1, 2, 4), allowed)[name].backward()
    assert torch.isfinite(scores.grad).all()
    assert (scores.grad[0, 1] == 0).all()


@pytest.mark.parametrize("name", NAMES[:-1])
def test_targets_rise_negatives_fall_and_what_was_seen_stays(name):
    scores = (SCORES * 0.1).requires_grad_()  # flat, so that the targets' shares are above the softmax
    every_loss(scores, TARGETS)[name].backward()
    slope = scores.grad[0, 0]
    assert slope[2] < 0
    assert slope[4] > 0
    assert slope[0] == slope[1] == 0


def test_dislikes_are_pushed_down_and_nothing_is_pushed_up():
    scores = SCORES.clone().requires_grad_()
    targets, disliked = torch.tensor([[[0.0, 1.0, 0.0, 0.0]]]), torch.tensor([[[1.0, 0.0, 0.0, 0.0]]])
    loss = dislike_loss(scores[:, :, COLUMNS[0]], targets, disliked)
    assert loss.item() == pytest.approx(softplus(torch.tensor(1.0 - 2.0)).item())
    loss.backward()
    assert scores.grad[0, 0, 1] > 0
    assert (scores.grad[0, 0, [0, 2, 3, 4]] == 0).all()


def test_no_dislikes_no_loss():
    assert dislike_loss(LISTED, TARGETS, NOTHING).item() == 0.0
