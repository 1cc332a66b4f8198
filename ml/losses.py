"""Losses as pure functions of scores.

Letters: B people, P positions each, N + 1 titles with padding first, T titles in a list.

The titles of a person's list stand in `columns` (B, T); what they are at a position is said by tables (B, P,
T).
"""

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812


def multi_positive_cross_entropy(scores: Tensor, columns: Tensor, targets: Tensor, seen: Tensor) -> Tensor:
    """Average the cross-entropy between the targets' shares and a softmax over the titles not seen yet.

    `scores` (B, P, N + 1); `columns` (B, T) indices, 0 where the list is shorter; `targets` (B, P, T) weights
    >= 0 of any scale, normalised at each position; `seen` (B, P, T) bool, titles left out of the softmax
    because they can never be recommended (padding always is). Positions without a target do not count. The
    full softmax with several positives is the multinomial likelihood of Mult-VAE (Liang et al., 2018).
    """
    columns = columns[:, None].expand_as(targets)
    blocked = torch.cat([columns * seen, torch.zeros_like(columns[:, :, :1])], -1)
    log_total = scores.scatter(-1, blocked, -torch.inf).logsumexp(-1)  # (B, P)
    total = targets.sum(-1)
    wanted = (targets * scores.gather(-1, columns).masked_fill(targets == 0, 0)).sum(-1)
    rows = total > 0
    losses = (log_total - wanted / total.clamp_min(1e-9)) * rows
    return losses.sum() / rows.sum().clamp_min(1)


def dislike_loss(scores: Tensor, columns: Tensor, targets: Tensor, disliked: Tensor) -> Tensor:
    """Push disliked titles below the average target: mean softplus(s_disliked - mean s_target).

    Arguments as above; `disliked` (B, P, T) weights >= 0. The targets' side is a constant here, so the term
    lowers disliked titles and raises nothing. A pairwise logistic loss as in BPR (Rendle et al., 2009). Zero
    without dislikes.
    """
    listed = scores.gather(-1, columns[:, None].expand_as(targets)).masked_fill((targets + disliked) == 0, 0)
    level = (targets * listed).sum(-1, keepdim=True) / targets.sum(-1, keepdim=True).clamp_min(1e-9)
    weights = disliked * (targets.sum(-1, keepdim=True) > 0)
    return (F.softplus(listed - level.detach()) * weights).sum() / weights.sum().clamp_min(1)
