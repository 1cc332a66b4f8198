import pytest
import torch

from ml.losses import dislike_loss, multi_positive_cross_entropy

SCORES = torch.tensor([[[9.0, 1.0, 2.0, 0.5, -1.0]]])  # padding, then titles 1..4
COLUMNS = torch.tensor([[1, 2, 3, 0]])


def test_cross_entropy_equals_the_formula():
    targets = torch.tensor([[[0.0, 3.0, 1.0, 0.0]]])
    seen = torch.tensor([[[True, False, False, False]]])
    log_total = torch.tensor([2.0, 0.5, -1.0]).logsumexp(0)  # without padding and the seen title 1
    expected = log_total - (0.75 * 2.0 + 0.25 * 0.5)
    assert multi_positive_cross_entropy(SCORES, COLUMNS, targets, seen).item() == pytest.approx(
        expected.item()
    )


def test_positions_without_a_target_do_not_count():
    scores = torch.cat([SCORES, SCORES * 3], dim=1)
    targets = torch.tensor([[[0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]]])
    seen = torch.zeros(1, 2, 4, dtype=torch.bool)
    both = multi_positive_cross_entropy(scores, COLUMNS, targets, seen)
    assert both.item() == pytest.approx(
        multi_positive_cross_entropy(SCORES, COLUMNS, targets[:, :1], seen[:, :1]).item()
    )
    nothing = multi_positive_cross_entropy(SCORES, COLUMNS, targets[:, 1:], seen[:, :1])
    assert nothing.item() == 0.0


def test_dislikes_are_pushed_down_and_nothing_is_pushed_up():
    scores = SCORES.clone().requires_grad_()
    targets, disliked = torch.tensor([[[0.0, 1.0, 0.0, 0.0]]]), torch.tensor([[[1.0, 0.0, 0.0, 0.0]]])
    loss = dislike_loss(scores, COLUMNS, targets, disliked)
    assert loss.item() == pytest.approx(torch.nn.functional.softplus(torch.tensor(1.0 - 2.0)).item())
    loss.backward()
    assert scores.grad[0, 0, 1] > 0
    assert (scores.grad[0, 0, [0, 2, 3, 4]] == 0).all()


def test_no_dislikes_no_loss():
    nothing = torch.zeros(1, 1, 4)
    assert dislike_loss(SCORES, COLUMNS, nothing, nothing).item() == 0.0
