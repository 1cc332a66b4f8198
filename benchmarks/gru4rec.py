"""GRU4Rec (Hidasi et al., 2016; Tan et al., 2016) as RecBole builds and trains it, on one of our splits.

Width, dropout, initial weights, rate, steps an epoch and early stopping are those of RecBole's page and
defaults. A step takes windows of up to 100 events and learns to predict at most the last 50 of each, where
RecBole cuts every prefix of up to 50 events out as a row of its own: a twentieth of the work for the same
97,171 targets an epoch.
"""

import copy
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ml.data import Dataset
from ml.id_maps import IdMap
from ml.leave_out import Trial
from ml.protocols import Case

WIDTH, HIDDEN, DROPOUT, LEARNING_RATE = 64, 128, 0.3, 0.001
EPOCHS, PATIENCE = 500, 10
LENGTH = 50
STEPS = 24  # an epoch: 97,171 prefixes in batches of 4,096

Judge = Callable[[NDArray[np.float32], Sequence[Case]], float]  # scores (U, N + 1) and cases, to what decides


class GRU4Rec(nn.Module):
    """The state after an event, scored against every title's embedding."""

    def __init__(self, n_items: int) -> None:
        super().__init__()
        self.items = nn.Embedding(n_items + 1, WIDTH, padding_idx=0)
        self.dropout = nn.Dropout(DROPOUT)
        self.gru = nn.GRU(WIDTH, HIDDEN, bias=False, batch_first=True)
        self.output = nn.Linear(HIDDEN, WIDTH)
        nn.init.xavier_normal_(self.items.weight)
        for weights in self.gru.parameters():
            nn.init.xavier_uniform_(weights)

    def forward(self, items: Tensor, wanted: Tensor) -> Tensor:
        """Map indices (B, L), padded on the right, to scores (K, N + 1) at the K `wanted` (B, L) places."""
        states, _ = self.gru(self.dropout(self.items(items)))
        scores: Tensor = self.output(states[wanted]) @ self.items.weight.T
        return scores


def windows(dataset: Dataset) -> tuple[Tensor, Tensor]:
    """Cut lists into inputs and targets (W, 2 LENGTH): at most the last LENGTH of a window are targets."""
    inputs, targets = [], []
    for start, stop in zip(dataset.offsets[:-1], dataset.offsets[1:], strict=True):
        for end in range(int(stop), int(start) + 1, -LENGTH):
            window = dataset.items[max(start, end - 2 * LENGTH - 1) : end].astype(np.int64)
            wanted = window[1:].copy()
            wanted[:-LENGTH] = 0
            inputs.append(window[:-1])
            targets.append(wanted)
    return padded(inputs, 2 * LENGTH), padded(targets, 2 * LENGTH)


def padded(rows: Sequence[NDArray[np.int64]], length: int) -> Tensor:
    """Stack rows (B, length), padded on the right."""
    table = np.zeros((len(rows), length), dtype=np.int64)
    for place, row in enumerate(rows):
        table[place, : len(row)] = row
    return torch.from_numpy(table)


@torch.inference_mode()
def scores(model: GRU4Rec, cases: Sequence[Case], id_map: IdMap) -> NDArray[np.float32]:
    """Score every title for each case (U, N + 1) by the last LENGTH known events."""
    rows = [id_map.indices_of(case.known.item_ids[-LENGTH:]) for case in cases]
    last = torch.zeros(len(rows), LENGTH, dtype=torch.bool)
    last[torch.arange(len(rows)), torch.tensor([len(row) - 1 for row in rows])] = True
    return model.eval()(padded(rows, LENGTH), last).numpy()  # type: ignore[no-any-return]


def epoch(inputs: Tensor, targets: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the windows in a random order, in as many steps as RecBole takes."""
    for batch in torch.randperm(len(inputs)).tensor_split(STEPS):
        yield inputs[batch], targets[batch]


def train_epoch(model: GRU4Rec, optimiser: torch.optim.Optimizer, inputs: Tensor, targets: Tensor) -> float:
    """Take an epoch's steps and return the mean loss."""
    losses = []
    for batch, wanted in epoch(inputs, targets):
        loss = nn.functional.cross_entropy(model.train()(batch, wanted > 0), wanted[wanted > 0])
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        losses.append(loss.item())
    return float(np.mean(losses))


def fit(trial: Trial, seed: int, judge: Judge) -> GRU4Rec:
    """Train until `judge` finds no better model on the validation cases for ten epochs; return the best."""
    torch.manual_seed(seed)
    model = GRU4Rec(trial.training.n_items)
    optimiser = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    inputs, targets = windows(trial.training)
    best, best_model, waited, began = -1.0, model, 0, time.monotonic()
    for number in range(EPOCHS):
        loss = train_epoch(model, optimiser, inputs, targets)
        reached = judge(scores(model, trial.validation, trial.training.id_map), trial.validation)
        waited += 1
        if reached >= best:
            best, best_model, waited = reached, copy.deepcopy(model), 0
        seconds = time.monotonic() - began
        print(
            f"seed {seed}, epoch {number}: loss {loss:.3f}, MRR@10 {reached:.4f}, {seconds:.0f} s", flush=True
        )
        if waited > PATIENCE:
            break
    return best_model
