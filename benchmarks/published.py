"""Reproduce a published full-ranking figure on MovieLens-100K with this project's loader, split and metrics.

RecBole's documentation prints the output of GRU4Rec (Hidasi et al., 2016) on ml-100k: each person's last
event to test on, the last but one to choose on, every title ranked, those of the history too
(recbole.io/docs/get_started/started/sequential.html). Here the same model with the same settings is trained
on what `ml.leave_out.leave_one_out_in_time` allows and measured with `ml.metrics`:

    python -m benchmarks.published --ratings ratings.csv --seeds 3

`ratings.csv` has user_id, item_id, rating and timestamp; GroupLens publishes the data, and RecBole's wheel
has a copy. Two things differ: a step takes windows of up to 100 events and learns to predict at most the last
50 of each, where RecBole cuts every prefix out as a row of its own; and events of the same second come in an
order drawn by a seed, where RecBole leaves it to an unstable sort.
"""

import argparse
import copy
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ml.data import Dataset, clean
from ml.id_maps import IdMap
from ml.leave_out import Trial, leave_one_out_in_time
from ml.metrics import bootstrap, hit_rate, ndcg, target_ranks
from ml.protocols import Case
from ml.ratings import read_ratings

PUBLISHED = {"hit@10": 0.1103, "mrr@10": 0.0337, "ndcg@10": 0.0513}
WIDTH, HIDDEN, DROPOUT, LEARNING_RATE = 64, 128, 0.3, 0.001  # of RecBole's page, as all below
EPOCHS, PATIENCE = 500, 10
LENGTH = 50
STEPS = 24  # an epoch: 97,228 prefixes in batches of 4,096


class GRU4Rec(nn.Module):
    """The state after each event, scored against every title's embedding."""

    def __init__(self, n_items: int) -> None:
        super().__init__()
        self.items = nn.Embedding(n_items + 1, WIDTH, padding_idx=0)
        self.dropout = nn.Dropout(DROPOUT)
        self.gru = nn.GRU(WIDTH, HIDDEN, bias=False, batch_first=True)
        self.output = nn.Linear(HIDDEN, WIDTH)
        nn.init.xavier_normal_(self.items.weight)
        for weights in self.gru.parameters():
            nn.init.xavier_uniform_(weights)

    def forward(self, items: Tensor) -> Tensor:
        """Map indices (B, L), padded on the right, to scores (B, L, N + 1)."""
        states, _ = self.gru(self.dropout(self.items(items)))
        scores: Tensor = self.output(states) @ self.items.weight.T
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
def figures(model: GRU4Rec, cases: Sequence[Case], id_map: IdMap) -> dict[str, NDArray[np.float64]]:
    """Return each person's metrics; nothing but padding is masked, as in RecBole's sequential evaluation."""
    rows = [id_map.indices_of(case.known.item_ids[-LENGTH:]) for case in cases]
    lengths = torch.tensor([len(row) - 1 for row in rows])
    scores = model.eval()(padded(rows, LENGTH))[torch.arange(len(rows)), lengths].numpy()
    nothing = np.zeros(0, dtype=np.int64)
    values = []
    for case, row in zip(cases, scores, strict=True):
        ranks = target_ranks(row, id_map.indices_of(case.targets), nothing)
        values.append((hit_rate(ranks, 10), float(1 / ranks[0] * (ranks[0] <= 10)), ndcg(ranks, 10)))
    return dict(zip(PUBLISHED, np.array(values).T, strict=True))


def epoch(inputs: Tensor, targets: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the windows in a random order, in as many steps as RecBole takes."""
    for batch in torch.randperm(len(inputs)).tensor_split(STEPS):
        yield inputs[batch], targets[batch]


def fit(trial: Trial, seed: int) -> GRU4Rec:
    """Train until MRR@10 on the validation cases has not risen for ten epochs; return the best model."""
    torch.manual_seed(seed)
    model = GRU4Rec(trial.training.n_items)
    optimiser = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    inputs, targets = windows(trial.training)
    best, best_model, waited = -1.0, model, 0
    for number in range(EPOCHS):
        for batch, wanted in epoch(inputs, targets):
            scores = model.train()(batch)
            loss = nn.functional.cross_entropy(scores[wanted > 0], wanted[wanted > 0])
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        reached = float(figures(model, trial.validation, trial.training.id_map)["mrr@10"].mean())
        waited += 1
        if reached > best:
            best, best_model, waited = reached, copy.deepcopy(model), 0
        print(f"seed {seed}, epoch {number}: loss {loss.item():.3f}, validation MRR@10 {reached:.4f}")
        if waited > PATIENCE:
            break
    return best_model


def main() -> None:
    """Train once a seed and print the figures beside the published ones."""
    command = argparse.ArgumentParser(description=__doc__)
    command.add_argument("--ratings", type=Path, required=True)
    command.add_argument("--seeds", type=int, default=3)
    options = command.parse_args()
    dataset = clean([read_ratings(options.ratings, rating_scale=5)], min_item_count=1, min_user_count=1)
    runs = []
    for seed in range(options.seeds):
        trial = leave_one_out_in_time(dataset, seed)
        runs.append(figures(fit(trial, seed), trial.test, dataset.id_map))
    print(f"\n| test | RecBole's page | here, {options.seeds} seeds | each |\n| --- | --- | --- | --- |")
    for name, published in PUBLISHED.items():
        interval = bootstrap(np.mean([run[name] for run in runs], axis=0))
        each = ", ".join(f"{run[name].mean():.4f}" for run in runs)
        here = f"{interval.mean:.4f} [{interval.low:.4f}, {interval.high:.4f}]"
        print(f"| {name} | {published} | {here} | {each} |")


if __name__ == "__main__":
    main()
