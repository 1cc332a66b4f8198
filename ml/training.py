"""Train SASRec, from nothing or from a checkpoint."""

import math
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from ml.baselines import gram
from ml.batches import Batch, Batches
from ml.checkpoint import Checkpoint
from ml.config import SASREC_ALONE, SASRecConfig, TrainingConfig
from ml.data import Dataset
from ml.index import ExactIndex
from ml.item_item import MAX_ITEMS, ItemItem
from ml.losses import dislike_loss, multi_positive_cross_entropy
from ml.mixing import find_mix
from ml.pretraining import pretrain
from ml.protocols import KNOWN, Case, fold_in, measure
from ml.ranker import Ranker
from ml.ratings import DataError
from ml.sasrec import SASRec

MAX_VALIDATION_CASES = 1000
MIX_DRAWS = 3  # of each list: which three titles are told is half of the noise


@dataclass
class Progress:
    """Where a run stands: the best weights so far and what was measured."""

    best: float = -math.inf
    best_weights: dict[str, Tensor] = field(default_factory=dict)
    validations: list[dict[str, float]] = field(default_factory=list)
    since_best: int = 0
    step: int = 0
    tokens: int = 0
    seconds: float = 0.0


def train(
    dataset: Dataset, model_config: SASRecConfig, config: TrainingConfig, device: str = "auto"
) -> Checkpoint:
    """Train a new model on the dataset's training people and return its best checkpoint, not yet saved.

    Raises DataError when nobody is left to train on, and ValueError when the data has another number of
    titles than `model_config`, or a window is longer than the model reads. The same seed on the same machine
    and number of threads gives the same weights.
    """
    torch.manual_seed(config.seed)
    _check(model_config, dataset, config)
    model = SASRec(model_config)
    learners = dataset.people(config.split.training_people(dataset))
    pretrain(model, learners)
    nobody = torch.zeros(model_config.n_items + 1, dtype=torch.int64)
    silent = ItemItem.nothing(model_config.n_items)
    start = Checkpoint(model_config, dataset.id_map, model.state_dict(), nobody, silent)
    return with_item_item(run(start, dataset, config, device), dataset, config)


def with_item_item(checkpoint: Checkpoint, dataset: Dataset, config: TrainingConfig) -> Checkpoint:
    """Add the item-item term, learned from the training people, and the mix found on the validation people.

    Without validation people the mix is the one of `config`. Beyond `MAX_ITEMS` titles there is no term.
    """
    if dataset.n_items > MAX_ITEMS:
        return checkpoint
    torch.manual_seed(config.seed)
    learners = dataset.people(config.split.training_people(dataset))
    both = replace(checkpoint, item_item=ItemItem.learn(gram(learners), config.item_item), mix=config.mix)
    cases = validation_cases(dataset, config, MIX_DRAWS)
    return replace(both, mix=find_mix(both, cases)) if cases else both


def fine_tune(
    parent: Checkpoint, dataset: Dataset, config: TrainingConfig, device: str = "auto"
) -> Checkpoint:
    """Go on training a checkpoint on a dataset, whose new titles are added first; return it, not yet saved.

    Bound the work by `max_steps` and `max_seconds`, use a lower `learning_rate`, and set `anchor_strength`
    when the data is small: after each step every weight goes that share of the way back to the parent's
    (L2-SP, Li et al., 2018), so that a handful of clicks cannot bend the model. A title's popularity
    is the larger of its counts in the parent and in the data, so that replayed people do not count twice.
    The item-item term and the mix stay the parent's: a few nights of clicks would not move a closed form
    over thousands of people, and about new titles it says nothing until the next full training.
    """
    child = parent.extended(dataset.id_map.ids)
    times = child.config.time_bins.trained_range(dataset.timestamps)
    child = replace(child, config=replace(child.config, time_first=times[0], time_last=times[1]))
    return run(child, dataset.reindexed(child.id_map), config, device, parent.version)


def run(
    start: Checkpoint,
    dataset: Dataset,
    config: TrainingConfig,
    device: str = "auto",
    parent: str | None = None,
) -> Checkpoint:
    """Train `start` on `dataset` (same id map) and return the result with its metrics."""
    _check(start.config, dataset, config)
    learners = dataset.people(config.split.training_people(dataset))
    if not learners.n_users:
        raise DataError(
            "Nobody is left to train on; lower the holdout and validation shares or bring more people."
        )
    torch.manual_seed(config.seed)
    where = choose_device(device)
    model = start.model().to(where)
    cases = validation_cases(dataset, config)
    kin = neighbours(start, config.pretended_kin) if config.pretended_people else None
    progress = fit(model, start, Batches(learners, start.config.time_bins, config, kin), cases, where)
    return replace(
        start,
        weights=progress.best_weights or weights_of(model),
        item_counts=torch.maximum(start.item_counts, torch.from_numpy(learners.item_counts())),
        data={"fingerprint": dataset.fingerprint, "people": learners.n_users, "events": len(learners.items)},
        training=asdict(config),
        metrics=_metrics(progress),
        parent=parent,
        version="",
    )


def validation_cases(dataset: Dataset, config: TrainingConfig, draws: int = 1) -> list[Case]:
    """Fold in the validation people, at most a thousand cases, each person's list drawn `draws` times."""
    people = dataset.people(config.split.validation_people(dataset))
    cases = [case for seed in range(draws) for case in fold_in(people, seed=seed)]
    return cases[:MAX_VALIDATION_CASES]


def fit(
    model: SASRec, start: Checkpoint, batches: Batches, cases: list[Case], device: torch.device
) -> Progress:
    """Run the training loop on `model` and return its progress."""
    config, progress, began = batches.config, Progress(), time.monotonic()
    n_steps = min(config.epochs * len(batches), config.max_steps or sys.maxsize)
    every = max(n_steps // config.validations, 1)
    optimiser = make_optimiser(model, config)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: learning_rate(step, n_steps, config))
    anchor = {name: tensor.detach().clone() for name, tensor in model.named_parameters()}
    with tqdm(total=n_steps, unit="step", mininterval=1.0) as bar:
        for batch in endless(batches):
            loss = train_step(model.train(), batch.to(device), optimiser, config)
            schedule.step()
            pull_back(model, anchor, config.anchor_strength)
            progress.step += 1
            progress.tokens += batch.n_tokens
            progress.seconds = time.monotonic() - began
            bar.update()
            last = progress.step == n_steps or _out_of_time(progress, config)
            if cases and (progress.step % every == 0 or last):
                validate(model, start, cases, progress)
            bar.set_postfix(describe(progress, loss), refresh=False)
            if last or progress.since_best > config.patience:
                return progress
    return progress


def train_step(
    model: SASRec, batch: Batch, optimiser: torch.optim.Optimizer, config: TrainingConfig
) -> float:
    """Take one step of the optimiser and return the loss."""
    scores = model.score(model(*batch.inputs, batch.at))
    targets, disliked, seen = batch.targets(config.ordered_horizon)
    loss = multi_positive_cross_entropy(scores, batch.columns, targets, seen)
    if config.dislike_strength:
        loss = loss + config.dislike_strength * dislike_loss(scores, batch.columns, targets, disliked)
    optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(model.parameters(), config.clip_norm)
    optimiser.step()
    return loss.item()


def validate(model: SASRec, start: Checkpoint, cases: list[Case], progress: Progress) -> None:
    """Measure SASRec alone by NDCG@20 at every length, and keep the weights of the best mean so far."""
    weights = weights_of(model)
    scorer = Ranker(replace(start, weights=weights, mix=SASREC_ALONE))
    figures = {str(n or "all"): float(measure(scorer, cases, n, (20,))["ndcg@20"].mean()) for n in KNOWN}
    mean = sum(figures.values()) / len(figures)
    progress.validations.append({"step": progress.step, "ndcg@20": mean, **figures})
    progress.since_best += 1
    if mean > progress.best:
        progress.best, progress.best_weights, progress.since_best = mean, weights, 0


def make_optimiser(model: SASRec, config: TrainingConfig) -> torch.optim.Optimizer:
    """Make AdamW (Loshchilov and Hutter, 2019); biases, norms and the gate do not decay."""
    decays = [p for n, p in model.named_parameters() if p.ndim > 1 and n != "gate.weight"]
    others = [p for n, p in model.named_parameters() if p.ndim <= 1 or n == "gate.weight"]
    groups = [
        {"params": decays, "weight_decay": config.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=config.learning_rate, betas=(0.9, 0.98), fused=True)


def learning_rate(step: int, n_steps: int, config: TrainingConfig) -> float:
    """Return the share of the learning rate: a linear warm-up, then a cosine down to a hundredth."""
    warm = max(round(config.warmup * n_steps), 1)
    if step < warm:
        return (step + 1) / warm
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min((step - warm) / max(n_steps - warm, 1), 1.0)))


@torch.no_grad()
def pull_back(model: SASRec, anchor: dict[str, Tensor], strength: float) -> None:
    """Move every weight the share `strength` of the way back to its anchor."""
    if strength:
        for name, tensor in model.named_parameters():
            tensor.lerp_(anchor[name], strength)


def neighbours(start: Checkpoint, k: int) -> NDArray[np.int64]:
    """Return the k titles most like each (N + 1, k) at the start, at most an eighth of all."""
    vectors = start.weights["items.weight"][1:].numpy()
    _, rows = ExactIndex(vectors).search(vectors, min(k, start.config.n_items // 8) + 1)
    return np.vstack([np.zeros_like(rows[:1]), rows + 1])[:, 1:]


def endless(batches: Batches) -> Iterator[Batch]:
    """Repeat epochs for ever."""
    while True:
        yield from batches.epoch()


def choose_device(name: str) -> torch.device:
    """Resolve `auto` to CUDA where there is one, else the CPU."""
    return torch.device(("cuda" if torch.cuda.is_available() else "cpu") if name == "auto" else name)


def weights_of(model: SASRec) -> dict[str, Tensor]:
    """Copy the weights to the CPU."""
    return {name: tensor.detach().cpu().clone() for name, tensor in model.state_dict().items()}


def describe(progress: Progress, loss: float) -> dict[str, str]:
    """Say on the progress bar how it goes."""
    told = {"loss": f"{loss:.3f}", "tokens/s": f"{progress.tokens / max(progress.seconds, 1e-9):,.0f}"}
    if progress.validations:
        told["NDCG@20"] = f"{progress.validations[-1]['ndcg@20']:.4f}"
    return told


def _out_of_time(progress: Progress, config: TrainingConfig) -> bool:
    return config.max_seconds is not None and progress.seconds >= config.max_seconds


def _check(model_config: SASRecConfig, dataset: Dataset, config: TrainingConfig) -> None:
    """Refuse settings that cannot work together."""
    if dataset.n_items != model_config.n_items:
        raise ValueError(f"The data has {dataset.n_items} titles, the model {model_config.n_items}.")
    if config.window > model_config.max_length:
        raise ValueError(
            f"window {config.window} is longer than the model's max_length {model_config.max_length}."
        )


def _metrics(progress: Progress) -> dict[str, Any]:
    """Summarise a run for the checkpoint."""
    return {
        "steps": progress.step,
        "seconds": round(progress.seconds, 1),
        "tokens_per_second": round(progress.tokens / max(progress.seconds, 1e-9)),
        "validations": progress.validations,
    }
