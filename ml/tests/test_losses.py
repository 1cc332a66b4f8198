import math

import pytest
import torch
from torch.nn.functional import softplus

from ml import losses
from ml.losses import (
    bce_loss,
    bpr_loss,
    dislike_loss,
    distillation_loss,
    gbce_power,
    next_title_loss,
    sampled_softmax_loss,
    softmax_loss,
    without_seen,
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
    for beyond in (-0.1, 1.1):
        with pytest.raises(ValueError, match="calibration must be between"):
            gbce_power(2, 101, beyond)


@pytest.mark.parametrize("n_items", [1, 2, 3])
def test_a_target_meets_no_more_titles_than_there_are(n_items):
    assert gbce_power(2, n_items, 1.0) == 1.0
    assert gbce_power(1, n_items, 1.0) == 1 / max(n_items - 1, 1)


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


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("scale", [0.001, 50.0])
def test_weights_of_targets_are_of_any_scale(name, scale):
    found = every_loss(SCORES, scale * TARGETS)[name]
    assert found.item() == pytest.approx(every_loss(SCORES, TARGETS)[name].item(), rel=1e-5)


def test_no_dislikes_no_loss():
    assert dislike_loss(LISTED, TARGETS, NOTHING).item() == 0.0


def test_negatives_are_averaged_and_so_are_dislikes():
    both, two = torch.tensor([[[True, True]]]), torch.tensor([[[2.0, 0.0, 0.0, 1.0]]])
    positive = 0.75 * softplus(torch.tensor(-2.0)) + 0.25 * softplus(torch.tensor(-0.5))
    negative = (softplus(torch.tensor(1.0 + 0.0)) + softplus(torch.tensor(-1.0))) / 2
    found = bce_loss(LISTED, DRAWN, TARGETS, both, k=1)
    assert found.item() == pytest.approx((positive + negative).item())
    level = 0.75 * 2.0 + 0.25 * 0.5
    expected = (2 * softplus(torch.tensor(1.0 - level)) + softplus(torch.tensor(9.0 - level))) / 3
    assert dislike_loss(LISTED, TARGETS, two).item() == pytest.approx(expected.item())


def test_where_there_is_neither_a_target_nor_a_negative_the_slopes_are_numbers():
    scores = SCORES.clone().requires_grad_()
    loss = every_loss(scores, NOTHING, allowed=torch.tensor([[[False, False]]]))["sampled softmax"]
    assert loss.item() == 0.0
    loss.backward()
    assert (scores.grad == 0).all()


def test_padding_is_left_out_even_where_the_whole_list_was_seen():
    left = without_seen(SCORES, torch.tensor([[1, 2, 3]]), torch.ones(1, 1, 3, dtype=torch.bool))
    assert left.isfinite().tolist() == [[[False, False, False, False, True]]]


def test_distillation_is_the_cross_entropy_with_the_teacher_over_what_was_not_seen():
    torch.manual_seed(3)
    B, P, N = 2, 3, 5
    scores, teacher = torch.randn(B, P, N + 1), torch.randn(B, P, N + 1)
    columns = torch.tensor([[1, 4], [2, 5]])
    seen = torch.tensor([True, False]).expand(B, P, 2)
    targets = torch.tensor([0.0, 1.0]).expand(B, P, 2).clone()
    targets[1, 2] = 0.0  # a position that does not count
    expected = []
    for person, position in ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1)):
        left = [title for title in range(1, N + 1) if title != columns[person, 0]]
        wanted = teacher[person, position, left].softmax(0)
        expected.append(-(wanted * scores[person, position, left].log_softmax(0)).sum())
    found = distillation_loss(scores, teacher, columns, targets, seen)
    assert found.item() == pytest.approx(torch.stack(expected).mean().item(), rel=1e-5)


@pytest.mark.parametrize("rows", [1, 5, 512])
def test_the_next_title_is_scored_as_by_the_softmax_however_many_at_a_time(rows, monkeypatch):
    """The loss and all its slopes, on lists that overlap and with a padding that is loud."""
    monkeypatch.setattr(losses, "ROWS", rows)
    torch.manual_seed(5)
    B, P, T, N, D = 4, 3, 6, 9, 5
    inputs = [torch.randn(shape).requires_grad_() for shape in ((B, P, D), (N + 1, D), (N + 1,))]
    with torch.no_grad():
        inputs[2][0] = 6.0
    columns = torch.stack([torch.randperm(N)[:T] + 1 for _ in range(B)])
    columns[0] = torch.tensor([2, 1, 3, 4, 5, 6])  # so that the very first title is wanted
    ranks, at = torch.arange(T).expand(B, T), torch.tensor([0, 2, 4]).expand(B, P)
    wanted = columns.gather(1, at + 1)
    wanted[1, 0], wanted[3] = 0, 0  # a position, and somebody, without a target
    found = next_title_loss(*inputs, wanted, at, columns, ranks)
    scores = inputs[0] @ inputs[1].T + inputs[2]
    targets = ((columns[:, None] == wanted[..., None]) & (wanted[..., None] > 0)).float()
    listed = scores.gather(-1, columns[:, None].expand(B, P, T))
    expected = softmax_loss(scores, columns, listed, targets, ranks[:, None] <= at[..., None])
    assert found.item() == pytest.approx(expected.item(), rel=1e-5)
    slopes = [torch.autograd.grad(3 * loss, inputs) for loss in (found, expected)]
    for ours, theirs in zip(*slopes, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-6)


def test_without_a_next_title_nothing_is_learned_and_every_weight_has_a_slope():
    inputs = [torch.randn(shape).requires_grad_() for shape in ((2, 2, 3), (5, 3), (5,))]
    nothing, lists = torch.zeros(2, 2, dtype=torch.int64), torch.ones(2, 2, dtype=torch.int64)
    loss = next_title_loss(*inputs, nothing, nothing, lists, lists)
    assert loss.item() == 0.0
    loss.backward()
    for weights in (inputs[0], inputs[2]):
        assert (weights.grad == 0).all()


def test_positions_are_scored_some_at_a_time_and_a_person_at_once(monkeypatch):
    monkeypatch.setattr(losses, "ROWS", 6)
    chunks = list(losses._chunks([2, 4, 1, 0, 9, 3]))
    assert [[person for person, _ in people] for people, _ in chunks] == [[0, 1], [2, 3], [4], [5]]
    assert [own for _, own in chunks] == [slice(0, 6), slice(6, 7), slice(7, 16), slice(16, 19)]
    in_chunk = [[mine for _, mine in people] for people, _ in chunks]
    assert in_chunk == [[slice(0, 2), slice(2, 6)], [slice(0, 1), slice(1, 1)], [slice(0, 9)], [slice(0, 3)]]
