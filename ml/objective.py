"""What a batch costs: the loss that the settings name, on the titles it needs, and the dislike term."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ml.batches import Batch
from ml.config import TrainingConfig
from ml.distillation import Champion, Teacher
from ml.losses import (
    bce_loss,
    bpr_loss,
    dislike_loss,
    distillation_loss,
    gbce_power,
    next_title_loss,
    sampled_softmax_loss,
    softmax_loss,
)
from ml.sasrec import SASRec
from ml.shares import WHOLE, Share


class NegativeSampler:
    """Draws the titles that stand for all others: one draw a step, shared by everybody in the batch."""

    def __init__(self, item_counts: Tensor, config: TrainingConfig) -> None:
        """Make it from the people per title (N + 1,), of which `config.negative_popularity` is the power."""
        weights = (item_counts[1:].double() + 1) ** config.negative_popularity  # the rarest can be drawn too
        self.n_draws = config.negatives
        self.shares = weights / weights.sum()
        self.cumulative = self.shares.cumsum(0)
        # the chance to be among the draws at least once, since a title counts once however often drawn
        self.log_chances = (-torch.expm1(self.n_draws * torch.log1p(-self.shares))).log().float()

    def draw(self) -> tuple[Tensor, Tensor]:
        """Return distinct titles (K,), at most `n_draws`, and the log of the chance of each (K,)."""
        draws = torch.rand(self.n_draws, dtype=torch.float64)
        rows = torch.searchsorted(self.cumulative, draws).clamp_max(len(self.shares) - 1)
        rows = torch.unique(rows)
        return rows + 1, self.log_chances[rows]


@dataclass(frozen=True)
class Drawn:
    """What a loss over drawn negatives gets; shapes as in `ml.losses`."""

    listed: Tensor  # (B, P, T)
    scores: Tensor  # (B, P, K)
    targets: Tensor  # (B, P, T)
    allowed: Tensor  # (B, P, K)
    log_chances: Tensor  # (K,)
    n_items: int
    config: TrainingConfig
    share: Share


def _sampled_softmax(drawn: Drawn) -> Tensor:
    return sampled_softmax_loss(drawn.listed, drawn.scores, drawn.targets, drawn.allowed, drawn.log_chances)


def _bce(drawn: Drawn) -> Tensor:
    k = drawn.config.negatives_per_target
    return bce_loss(drawn.listed, drawn.scores, drawn.targets, drawn.allowed, k)


def _gbce(drawn: Drawn) -> Tensor:
    k = drawn.config.negatives_per_target
    power = gbce_power(k, drawn.n_items, drawn.config.calibration)
    return bce_loss(drawn.listed, drawn.scores, drawn.targets, drawn.allowed, k, power)


def _bpr(drawn: Drawn) -> Tensor:
    partners = draw_partners(drawn.targets, drawn.scores.shape[-1], drawn.share)
    return bpr_loss(drawn.listed, drawn.scores, drawn.targets, drawn.allowed, partners)


SAMPLED: dict[str, Callable[[Drawn], Tensor]] = {
    "sampled_softmax": _sampled_softmax,
    "bce": _bce,
    "gbce": _gbce,
    "bpr": _bpr,
}


class Objective:
    """The loss of a batch, by `config.loss`. Only the full softmax scores every title."""

    def __init__(
        self,
        config: TrainingConfig,
        item_counts: Tensor,
        teacher: Teacher | None = None,
        champion: Champion | None = None,
    ) -> None:
        self.config = config
        self.sampler = NegativeSampler(item_counts, config)
        shares = (teacher, config.distillation), (champion, config.champion_distillation)
        self.teachers = [(of, share) for of, share in shares if of and share]

    def __call__(self, model: SASRec, batch: Batch) -> Tensor:
        """Return the loss of a batch, the dislike term included.

        The losses of the shares of a batch have the loss of the batch as their mean.
        """
        model.draw_for(batch.share)
        states = model(*batch.inputs, batch.at if self.config.positions else None)
        if self.is_plain and batch.is_ordered:
            wanted, lists = batch.next_titles(), (batch.at, batch.columns, batch.ranks)
            weights = batch.share.weights(torch.stack([(wanted > 0).sum(), wanted.new_zeros(())]))
            return weights[0] * next_title_loss(states, model.items.weight, model.bias, wanted, *lists)
        targets, disliked, seen = batch.targets(self.config.ordered_horizon)
        weights = batch.share.weights(_counted(targets, disliked))
        if self.config.loss == "softmax":
            scores = model.score(states)
            listed = scores.gather(-1, batch.columns[:, None].expand_as(targets))
            loss = softmax_loss(scores, batch.columns, listed, targets, seen)
            for teacher, share in self.teachers:
                distilled = distillation_loss(scores, teacher.scores(batch), batch.columns, targets, seen)
                loss = torch.lerp(loss, distilled, share)
        else:
            listed = model.score(states, batch.columns)
            loss = self.sampled(model, states, batch, listed, targets, seen)
        loss = weights[0] * loss
        if self.config.dislike_strength:
            strength = self.config.dislike_strength * weights[1]
            loss = loss + strength * dislike_loss(listed, targets, disliked)
        return loss

    @property
    def is_plain(self) -> bool:
        """Tell whether, where the order is known, the loss is a softmax for the next title and no more."""
        config = self.config
        is_softmax = config.loss == "softmax" and not self.teachers and not config.dislike_strength
        return is_softmax and config.ordered_horizon == 1

    def sampled(
        self, model: SASRec, states: Tensor, batch: Batch, listed: Tensor, targets: Tensor, seen: Tensor
    ) -> Tensor:
        """Return the loss against drawn negatives; what was seen and what is a target is none."""
        titles, log_chances = (tensor.to(states.device) for tensor in self.sampler.draw())
        drawn = Drawn(
            listed,
            model.score(states, titles),
            targets,
            ~among(titles, batch.columns, seen | (targets > 0), model.config.n_items),
            log_chances,
            model.config.n_items,
            self.config,
            batch.share,
        )
        return SAMPLED[self.config.loss](drawn)


class Cost(nn.Module):
    """A model with its objective as one module: the form in which DistributedDataParallel takes them."""

    def __init__(self, model: SASRec, objective: Objective) -> None:
        super().__init__()
        self.model, self.objective = model, objective

    def forward(self, batch: Batch) -> Tensor:
        """Return the loss of a batch."""
        return self.objective(self.model, batch)


def _counted(targets: Tensor, disliked: Tensor) -> Tensor:
    """Count what the losses average over (2,): positions with a target, and the dislikes there."""
    rows = targets.sum(-1) > 0
    return torch.stack([rows.sum(), (disliked.sum(-1) * rows).sum()])


def starting_level(config: TrainingConfig, item_counts: Tensor) -> float:
    """Return what to add to biases of log popularity, for a loss that learns more than differences.

    A softmax and BPR do not mind. For the binary losses the best score of a target is the log of its share of
    all events over its share of the negatives (as in noise-contrastive estimation), and a few thousand small
    steps would not find that level.
    """
    if config.loss not in ("bce", "gbce"):
        return 0.0
    n_items = len(item_counts) - 1
    k = config.negatives_per_target
    power = gbce_power(k, n_items, config.calibration) if config.loss == "gbce" else 1.0
    return math.log(power * n_items / k / max(float(item_counts.sum()), 1.0))


def among(titles: Tensor, columns: Tensor, marked: Tensor, n_items: int) -> Tensor:
    """Say which of distinct titles (K,) are marked titles of a list, (B, P, K).

    `columns` (B, T) are the titles of the lists, `marked` (B, P, T) which of them are meant.
    """
    places = torch.full((n_items + 1,), len(titles), device=titles.device)  # K: among none of them
    places[titles] = torch.arange(len(titles), device=titles.device)
    found = marked.new_zeros((*marked.shape[:2], len(titles) + 1))
    return found.scatter(-1, places[columns][:, None].expand_as(marked), marked)[..., :-1]


def draw_partners(targets: Tensor, n: int, share: Share = WHOLE) -> Tensor:
    """Draw n targets by weight at each position, (B, P, T) to places (B, P, n); any where there is none."""
    cumulative = targets.cumsum(-1)
    shape = share.whole_shape(targets)[:2]
    draws = share.own(torch.rand((*shape, n), device=targets.device)) * cumulative[..., -1:] * (1 - 1e-6)
    return torch.searchsorted(cumulative, draws, right=True).clamp_max(targets.shape[-1] - 1)
