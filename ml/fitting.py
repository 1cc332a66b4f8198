"""The training loop: steps, validations, and the best weights so far."""

import math
import sys
import time
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from ml.batches import Batch, Batches
from ml.checkpoint import Checkpoint
from ml.config import CONTEXT, SASREC_ALONE, TrainingConfig
from ml.distributed import ALONE, Processes
from ml.objective import Cost, Objective
from ml.progress import Progress, Watch, nobody
from ml.protocols import KNOWN, Case, measure
from ml.ranker import Ranker
from ml.resuming import StateFile
from ml.sasrec import SASRec


@dataclass(frozen=True)
class Validation:
    """What a run is judged on: cases, and how many of their known titles are told."""

    cases: list[Case]
    lengths: tuple[int | None, ...] = KNOWN


@dataclass(frozen=True)
class Surroundings:
    """What a run has around it: its state between kills, who watches, and the processes that share it."""

    state: StateFile | None = None
    watch: Watch = nobody
    processes: Processes = ALONE

    def restored(
        self, identity: str, model: SASRec, optimiser: torch.optim.Optimizer, batches: Batches
    ) -> Progress:
        """Put a run back where it stood; every process reads the same state, or DataError is raised."""
        progress = self.state.restore(identity, model, optimiser, batches) if self.state else Progress()
        self.processes.check_alike(f"{identity} after {progress.step} steps")
        return progress

    def keep(
        self,
        identity: str,
        model: SASRec,
        optimiser: torch.optim.Optimizer,
        batches: Batches,
        progress: Progress,
    ) -> None:
        """Write the state where it is due; that of one process is that of all."""
        if self.state and self.processes.is_first and self.state.is_due(progress.step):
            self.state.save(identity, model, optimiser, batches, progress)


def fit(
    start: Checkpoint,
    batches: Batches,
    objective: Objective,
    judge: Validation,
    device: torch.device,
    identity: str,
    around: Surroundings,
) -> Progress:
    """Train the weights of `start` and return the progress, with the best weights of the run.

    They are the last ones without validation cases. `identity` is what a kept state must be of.
    """
    config, model, processes = objective.config, start.model().to(device), around.processes
    n_steps = min(config.epochs * len(batches), config.max_steps or sys.maxsize)
    optimiser = make_optimiser(model, config)
    anchor = {name: tensor.detach().clone() for name, tensor in model.named_parameters()}
    progress = around.restored(identity, model, optimiser, batches)
    cost = processes.together(Cost(model, objective), partial=start.config.context != CONTEXT)
    began = time.monotonic() - progress.seconds
    hidden = not processes.is_first
    with tqdm(total=n_steps, initial=progress.step, unit="step", mininterval=1.0, disable=hidden) as bar:
        for batch in batches.endless():
            set_learning_rate(optimiser, config.learning_rate * learning_rate(progress.step, n_steps, config))
            loss = train_step(cost.train(), processes.share(batch).to(device), optimiser, config)
            loss, seconds = processes.agree(loss, time.monotonic() - began)
            pull_back(model, anchor, config.anchor_strength)
            progress.advance(batch.n_tokens, seconds)
            last = progress.step >= n_steps or _out_of_time(progress, config)
            if judge.cases and (last or progress.step % max(n_steps // config.validations, 1) == 0):
                validate(model, start, judge, progress, around)
            bar.set_postfix(progress.described(loss), refresh=False)
            bar.update()
            around.watch(progress.step, {"train/loss": loss, "train/tokens/s": progress.tokens_per_second})
            if last or progress.since_best > config.patience:
                break
            around.keep(identity, model, optimiser, batches, progress)
    progress.best_weights = progress.best_weights or weights_of(model)
    return progress


def train_step(
    cost: nn.Module, batch: Batch, optimiser: torch.optim.Optimizer, config: TrainingConfig
) -> float:
    """Take one step of the optimiser and return the loss; `cost` is a `Cost`, or one together with others."""
    with torch.autocast(batch.at.device.type, torch.bfloat16, enabled=config.bf16):
        loss: Tensor = cost(batch)
    optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(cost.parameters(), config.clip_norm)
    optimiser.step()
    return loss.item()


def validate(
    model: SASRec, start: Checkpoint, judge: Validation, progress: Progress, around: Surroundings
) -> None:
    """Measure SASRec alone by NDCG@20 at every length, and keep the weights of the best mean so far.

    Each process measures its part of the cases, and all come to the same figures.
    """
    weights = weights_of(model)
    scorer = Ranker(replace(start, weights=weights, mix=SASREC_ALONE))
    processes, watch = around.processes, around.watch
    cases = judge.cases[processes.rank :: processes.world]
    found = {str(n or "all"): measure(scorer, cases, n, (20,)) for n in judge.lengths}
    figures = {n: processes.mean(row.get("ndcg@20", np.zeros(0))) for n, row in found.items()}
    mean = sum(figures.values()) / len(figures)
    progress.validations.append({"step": progress.step, "ndcg@20": mean, **figures})
    watch(progress.step, {"validation/ndcg@20": mean} | {f"validation/{n}": f for n, f in figures.items()})
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


def set_learning_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """Use this learning rate for the next step."""
    for group in optimiser.param_groups:
        group["lr"] = rate


@torch.no_grad()
def pull_back(model: SASRec, anchor: dict[str, Tensor], strength: float) -> None:
    """Move every weight the share `strength` of the way back to its anchor."""
    if strength:
        for name, tensor in model.named_parameters():
            tensor.lerp_(anchor[name], strength)


def weights_of(model: SASRec) -> dict[str, Tensor]:
    """Copy the weights to the CPU."""
    return {name: tensor.detach().cpu().clone() for name, tensor in model.state_dict().items()}


def _out_of_time(progress: Progress, config: TrainingConfig) -> bool:
    return config.max_seconds is not None and progress.seconds >= config.max_seconds
