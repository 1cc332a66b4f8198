"""Losses as pure functions of scores.

Letters: B people, P positions each, N + 1 titles with padding first, T titles in a list, K drawn negatives.

`listed` (B, P, T) are the scores of the titles of a person's list, and tables of the same shape say what they
are at a position: `targets` weights >= 0 of any scale, normalised at each position. `drawn` (B, P, K) are the
scores of the drawn titles, the same K for everybody, and `allowed` (B, P, K) bool says which of them are
negatives there. Positions without a target never count. Every loss is an average over the others.
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

ROWS = 512  # positions scored at a time by `next_title_loss`: their scores stay in the processor's cache


def softmax_loss(scores: Tensor, columns: Tensor, listed: Tensor, targets: Tensor, seen: Tensor) -> Tensor:
    """Cross-entropy between the targets' shares and a softmax over all titles not seen yet.

    `scores` (B, P, N + 1); `columns` (B, T) the indices of `listed`, 0 where the list is shorter; `seen`
    (B, P, T) bool, titles left out of the softmax because they can never be recommended (padding always is).
    With several positives it is the multinomial likelihood of Mult-VAE (Liang et al., 2018).
    """
    log_total = without_seen(scores, columns, seen).logsumexp(-1)  # (B, P)
    return _over_positions(log_total - _mean_over_targets(listed, targets), targets)


def next_title_loss(
    states: Tensor, table: Tensor, bias: Tensor, wanted: Tensor, at: Tensor, columns: Tensor, ranks: Tensor
) -> Tensor:
    """`softmax_loss` of states (B, P, D) where every position has one target at most, without its tables.

    `wanted` (B, P) are the targets, 0 where there is none; `table` (N + 1, D) and `bias` (N + 1,) score a
    title; `columns` (B, T) are the lists and `ranks` (B, T) their places: up to `at` (B, P) they were seen.
    Only positions with a target are scored, some hundred at a time, and their slopes are taken at once.
    """
    rows = wanted > 0
    n_rows = rows.sum(1).tolist()
    if not any(n_rows):
        return (
            states.sum() + bias.sum()
        ) * 0  # no weight is left without a gradient, for DistributedDataParallel
    loss: Tensor = _NextTitle.apply(  # type: ignore[no-untyped-call]
        states[rows], table, bias, wanted[rows], at[rows], columns, ranks, n_rows
    )
    return loss


class _NextTitle(torch.autograd.Function):
    """The mean cross-entropy of states (M, D), its slopes found on the way: no score is kept."""

    @staticmethod
    def forward(
        ctx: Any,
        states: Tensor,
        table: Tensor,
        bias: Tensor,
        wanted: Tensor,
        at: Tensor,
        columns: Tensor,
        ranks: Tensor,
        n_rows: list[int],
    ) -> Tensor:
        """Return the loss; `n_rows` says how many of the M rows are of each person, in turn."""
        device = states.device.type
        kind = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else states.dtype
        slopes = torch.empty_like(states), torch.zeros_like(table), torch.zeros_like(bias)
        narrow, offset = table.to(kind), bias.to(kind)
        loss = states.new_zeros(())
        places = torch.full((len(table),), torch.iinfo(at.dtype).max, device=at.device)
        with torch.autocast(device, enabled=False):
            for people, own in _chunks(n_rows):
                part, target = states[own].to(kind), wanted[own, None]
                scores = torch.addmm(offset, part, narrow.T).float()
                for person, mine in people:
                    _hide_seen(scores[mine], at[own][mine], columns[person], ranks[person], places)
                chances = scores.softmax(-1)
                log_total = scores.amax(-1) - chances.amax(-1).log()  # the best title's chance is never 0
                loss += (log_total - scores.gather(-1, target)[:, 0]).sum()
                chances.scatter_add_(-1, target, chances.new_full(target.shape, -1.0))
                slopes[2].add_(chances.sum(0))
                chances = chances.to(kind)
                slopes[0][own] = chances @ narrow
                slopes[1].add_(chances.T @ part)
        ctx.save_for_backward(*(slope.div_(len(states)) for slope in slopes))
        return loss / len(states)

    @staticmethod
    def backward(ctx: Any, *outer: Tensor) -> tuple[Tensor | None, ...]:
        """Scale the slopes."""
        return *(slope * outer[0] for slope in ctx.saved_tensors), *[None] * 5


def _hide_seen(scores: Tensor, at: Tensor, columns: Tensor, ranks: Tensor, places: Tensor) -> None:
    """Put -inf in a person's scores (m, N + 1) for padding and for titles up to `at` (m,) in the list.

    `places` (N + 1,) is room to lay out where each title stands, at infinity before and after.
    """
    never = int(places[0])
    places[columns] = ranks
    places[0] = -never
    scores.masked_fill_(places <= at[:, None], -torch.inf)
    places[columns] = never
    places[0] = never


def _chunks(n_rows: list[int]) -> Iterator[tuple[list[tuple[int, slice]], slice]]:
    """Cut rows into chunks of whole people: each person's rows in the chunk, and the chunk's of all."""
    start = stop = 0
    people: list[tuple[int, slice]] = []
    for person, n in enumerate(n_rows):
        if people and stop - start + n > ROWS:
            yield people, slice(start, stop)
            start, people = stop, []
        people.append((person, slice(stop - start, stop - start + n)))
        stop += n
    yield people, slice(start, stop)


def distillation_loss(
    scores: Tensor, teacher: Tensor, columns: Tensor, targets: Tensor, seen: Tensor
) -> Tensor:
    """Cross-entropy between the softmax of a teacher's scores and that of ours, over all titles not seen yet.

    `teacher` is (B, P, N + 1) like `scores`; the rest as in `softmax_loss` (Hinton et al., 2015).
    """
    wanted = without_seen(teacher, columns, seen).softmax(-1)
    log_total = without_seen(scores, columns, seen).logsumexp(-1)
    return _over_positions(log_total - (wanted * scores).sum(-1), targets)


def without_seen(scores: Tensor, columns: Tensor, seen: Tensor) -> Tensor:
    """Put -inf in scores (B, P, N + 1) for padding and for the titles of `columns` (B, T) marked `seen`."""
    columns = columns[:, None].expand_as(seen)
    blocked = torch.cat([columns * seen, torch.zeros_like(columns[:, :, :1])], -1)
    return scores.scatter(-1, blocked, -torch.inf)


def sampled_softmax_loss(
    listed: Tensor, drawn: Tensor, targets: Tensor, allowed: Tensor, log_chances: Tensor
) -> Tensor:
    """`softmax_loss` with its total estimated: all targets, and the drawn titles instead of all others.

    A title drawn with the chance q counts 1 / q times, so that the total is right on average whatever the
    sampler (importance sampling, Bengio and Senécal, 2008; the logQ correction of Yi et al., 2019);
    `log_chances` (K,) are log q. With every title drawn for certain it is the full softmax.
    """
    others = (drawn - log_chances).masked_fill(~allowed, -torch.inf)
    log_total = torch.cat([listed.masked_fill(targets == 0, -torch.inf), others], -1)
    log_total = log_total.masked_fill((targets == 0).all(-1, keepdim=True), 0).logsumexp(-1)  # or nan
    return _over_positions(log_total - _mean_over_targets(listed, targets), targets)


def bce_loss(
    listed: Tensor, drawn: Tensor, targets: Tensor, allowed: Tensor, k: float, power: float = 1.0
) -> Tensor:
    """Binary cross-entropy of a target against k negatives: -power log sigma(s+) - sum log(1 - sigma(s-)).

    The loss of the original SASRec with k = 1 (Kang and McAuley, 2018); with the `power` of `gbce_power` it
    is gBCE (Petrov and Macdonald, 2023). The sum is k times the average over all K drawn and allowed there:
    the same on average as k of each position's own, with less noise.
    """
    positive = _mean_over_targets(F.softplus(-listed), targets)
    negative = k * _mean_over_allowed(F.softplus(drawn), allowed)
    return _over_positions(power * positive + negative, targets)


def gbce_power(n_negatives: int, n_items: int, calibration: float) -> float:
    """Return the power beta of a target's probability in gBCE, for `calibration` t in 0..1.

    beta = alpha (t (1 - 1 / alpha) + 1 / alpha) with alpha = n_negatives / (n_items - 1), the share of the
    titles that a target meets: at t = 0 it is 1, plain BCE; at t = 1 it is alpha, and the sigmoid learns
    probabilities that drawing few negatives no longer inflates. Raises ValueError for a t outside of 0..1.
    """
    if not 0 <= calibration <= 1:
        raise ValueError(f"calibration must be between 0 and 1, not {calibration}.")
    alpha = min(n_negatives / max(n_items - 1, 1), 1.0)
    return alpha * calibration + 1 - calibration


def bpr_loss(listed: Tensor, drawn: Tensor, targets: Tensor, allowed: Tensor, partners: Tensor) -> Tensor:
    """Bayesian personalised ranking: mean -log sigma(s+ - s-) over pairs (Rendle et al., 2009).

    `partners` (B, P, K) are the places in the list of the target that each negative is paired with.
    """
    pairs = F.softplus(drawn - listed.gather(-1, partners))
    return _over_positions(_mean_over_allowed(pairs, allowed), targets)


def dislike_loss(listed: Tensor, targets: Tensor, disliked: Tensor) -> Tensor:
    """Push disliked titles below the average target: mean softplus(s_disliked - mean s_target).

    `disliked` (B, P, T) weights >= 0. The targets' side is a constant here, so the term lowers disliked
    titles and raises nothing. A pairwise logistic loss as in BPR (Rendle et al., 2009); zero if none is.
    """
    level = _mean_over_targets(listed, targets)[:, :, None]
    weights = disliked * (targets.sum(-1, keepdim=True) > 0)
    return (F.softplus(listed - level.detach()) * weights).sum() / weights.sum().clamp_min(1)


def _mean_over_targets(values: Tensor, targets: Tensor) -> Tensor:
    """Average (B, P, T) over the targets, by weight, to (B, P); zero where there is none."""
    return (targets * values).sum(-1) / targets.sum(-1).clamp_min(1e-9)


def _mean_over_allowed(values: Tensor, allowed: Tensor) -> Tensor:
    """Average (B, P, K) over the negatives allowed, to (B, P); zero where there is none."""
    return (allowed * values).sum(-1) / allowed.sum(-1).clamp_min(1)


def _over_positions(losses: Tensor, targets: Tensor) -> Tensor:
    """Average (B, P) over the positions with a target."""
    rows = targets.sum(-1) > 0
    return (losses * rows).sum() / rows.sum().clamp_min(1)
