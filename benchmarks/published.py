"""Reproduce published full-ranking figures on MovieLens-100K with this project's loader, split and metrics.

    python -m benchmarks.published --ratings ratings.csv --model sasrec --seeds 3
    python -m benchmarks.published --ratings ratings.csv --model gru4rec --seeds 3

Both publications used RecBole: each person's last event to test on, the last but one to choose on, every
title ranked, those of the history too, at most 50 events read. `sasrec` is our own model, batches and
training loop with the settings published; `gru4rec` is RecBole's model and loop, rebuilt in
`benchmarks.gru4rec`. Both learn from what `ml.leave_out.leave_one_out_in_time` allows and are measured with
`ml.metrics`.

`ratings.csv` has user_id, item_id, rating and timestamp; GroupLens publishes the data, and RecBole's wheel
has a copy. Events of the same second come in an order drawn by the seed, where RecBole takes the file's.
"""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from benchmarks import gru4rec
from ml.ablations import likes
from ml.batches import Batch, Batches
from ml.checkpoint import Checkpoint
from ml.config import SASREC_ALONE, SASRecConfig, TrainingConfig
from ml.data import Dataset, clean
from ml.encoding import encode
from ml.fitting import Surroundings, Validation, fit, weights_of
from ml.id_maps import IdMap
from ml.item_item import ItemItem
from ml.leave_out import WHOLE, Trial, leave_one_out_in_time
from ml.metrics import bootstrap, hit_rate, ndcg, target_ranks
from ml.mixed_score import MixedScore
from ml.objective import Objective
from ml.protocols import CHUNK, Case
from ml.ratings import DataError, read_ratings
from ml.sasrec import SASRec
from ml.splits import Split

Scores = NDArray[np.float32]  # (U, N + 1)
Values = dict[str, NDArray[np.float64]]  # a metric's per-person values
Model = Callable[[Sequence[Case]], Scores]  # a trained one

LENGTH = 50
EPOCHS, CHECKS = 120, 24


def reciprocal_rank(ranks: NDArray[np.int64], k: int) -> float:
    """Return one over the best rank, 0 when it is beyond k."""
    return float(1 / ranks[0]) if ranks[0] <= k else 0.0


METRICS = {"hit": hit_rate, "mrr": reciprocal_rank, "ndcg": ndcg}


def measure(scores: Scores, cases: Sequence[Case], id_map: IdMap, masked: bool = False) -> Values:
    """Return each person's metrics. As in RecBole's sequential evaluation, nothing but padding is masked."""
    values: dict[str, list[float]] = {}
    for case, row in zip(cases, scores, strict=True):
        known = id_map.indices_of(case.known.item_ids if masked else ())
        ranks = target_ranks(row, id_map.indices_of(case.targets), known)
        for name, metric in METRICS.items():
            for k in (10, 20):
                values.setdefault(f"{name}@{k}", []).append(metric(ranks, k))
    return {name: np.array(column) for name, column in values.items()}


def train_gru4rec(trial: Trial, seed: int) -> Model:
    """Train RecBole's GRU4Rec until MRR@10 on the validation cases has not risen for ten epochs."""
    id_map = trial.training.id_map

    def judge(scores: Scores, cases: Sequence[Case]) -> float:
        return float(measure(scores, cases, id_map)["mrr@10"].mean())

    model = gru4rec.fit(trial, seed, judge)
    return lambda cases: gru4rec.scores(model, cases, id_map)


class NothingHidden(Objective):
    """The softmax for the next title over all titles; ours leaves those out that the person has seen."""

    def __call__(self, model: SASRec, batch: Batch) -> Tensor:
        """Return the mean cross-entropy over the positions with a next title."""
        wanted = batch.next_titles()
        states = model(*batch.inputs, None)[wanted > 0]
        return nn.functional.cross_entropy(model.score(states), wanted[wanted > 0])


def train_sasrec(trial: Trial, seed: int) -> Model:
    """Train our SASRec with our batches and loop and the published settings, from random weights."""
    training = likes(trial.training)
    model, config = recipe(training.n_items, seed)
    start = untrained(model, training, seed)
    batches = Batches(training, model.time_bins, config)
    objective = NothingHidden(config, torch.from_numpy(training.item_counts()))
    judge = Validation(trial.validation, WHOLE)
    progress = fit(start, batches, objective, judge, torch.device("cpu"), "", Surroundings(watch=report))
    score = MixedScore(replace(start, weights=progress.best_weights))

    @torch.inference_mode()
    def scores(cases: Sequence[Case]) -> Scores:
        encoded = [encode(case.known, training.id_map, model) for case in cases]
        chunks = (encoded[start : start + CHUNK] for start in range(0, len(encoded), CHUNK))
        return torch.cat([score.mixed(chunk) for chunk in chunks]).numpy()

    return scores


def report(step: int, figures: Mapping[str, float]) -> None:
    """Print what a validation found."""
    if "validation/ndcg@20" in figures:
        print(
            f"step {step}: NDCG@20 {figures['validation/ndcg@20']:.4f} with known titles masked", flush=True
        )


def recipe(n_items: int, seed: int) -> tuple[SASRecConfig, TrainingConfig]:
    """Return RecBole's shape of SASRec, told the titles and their order only, and training like there."""
    model = SASRecConfig(
        n_items, 64, n_heads=2, hidden_ratio=4, max_length=LENGTH, dropout=0.5, context=("position",)
    )
    config = TrainingConfig(
        epochs=EPOCHS,
        validations=CHECKS,
        batch_size=10,  # windows of up to 50 targets: some 500 a step
        window=LENGTH,
        positions=0,
        ordered_horizon=1,
        learning_rate=1e-3,
        warmup=0.0,
        weight_decay=0.0,
        seed=seed,
        split=Split(0.0, 0.0),
    )
    return model, config


def untrained(config: SASRecConfig, training: Dataset, seed: int) -> Checkpoint:
    """Return SASRec alone with random weights."""
    torch.manual_seed(seed)
    nobody = torch.zeros(config.n_items + 1, dtype=torch.int64)
    silent = ItemItem.nothing(config.n_items)
    return Checkpoint(config, training.id_map, weights_of(SASRec(config)), nobody, silent, SASREC_ALONE)


@dataclass(frozen=True)
class Publication:
    """What was published of a model, and how to train it here."""

    source: str
    min_count: int  # people a title needs, and titles a person
    test: Mapping[str, float]
    validation: Mapping[str, float]
    train: Callable[[Trial, int], Model]


PUBLICATIONS = {
    "sasrec": Publication(
        "README of github.com/demoleiwang/EC4SRec, the code of Wang et al. (CIKM 2022)",
        5,
        {"hit@10": 0.1304, "ndcg@10": 0.0617, "hit@20": 0.2269, "ndcg@20": 0.0860},
        {},
        train_sasrec,
    ),
    "gru4rec": Publication(
        "recbole.io/docs/get_started/started/sequential.html",
        1,
        {"hit@10": 0.1103, "mrr@10": 0.0337, "ndcg@10": 0.0513},
        {"hit@10": 0.1442, "mrr@10": 0.0501, "ndcg@10": 0.0717},
        train_gru4rec,
    ),
}


def rows(part: str, published: Mapping[str, float], runs: Sequence[Values]) -> list[str]:
    """Set the published figures of a part beside ours, with intervals over people."""
    lines = []
    for name, figure in published.items():
        found = bootstrap(np.mean([one[name] for one in runs], axis=0))
        each = ", ".join(f"{one[name].mean():.4f}" for one in runs)
        here = f"{found.mean:.4f} [{found.low:.4f}, {found.high:.4f}]"
        lines.append(f"| {part} {name} | {figure:.4f} | {here} | {each} |")
    return lines


def table(publication: Publication, runs: Mapping[str, Sequence[Values]]) -> str:
    """Lay out the published figures beside those of the runs so far."""
    n = len(runs["test"])
    masked = bootstrap(np.mean([one["ndcg@10"] for one in runs["masked"]], axis=0))
    lines = [
        f"| | {publication.source} | here, mean of {n} | each |",
        "| --- | --- | --- | --- |",
        *rows("test", publication.test, runs["test"]),
        *rows("validation", publication.validation, runs["validation"]),
        "",
        f"With known titles masked NDCG@10 is {masked.mean:.4f} [{masked.low:.4f}, {masked.high:.4f}].",
    ]
    return "\n".join(lines)


def compare(dataset: Dataset, publication: Publication, seeds: int) -> None:
    """Train once a seed, and print the table after each."""
    runs: dict[str, list[Values]] = {"validation": [], "test": [], "masked": []}
    for seed in range(seeds):
        trial = leave_one_out_in_time(dataset, seed)
        model = publication.train(trial, seed)
        tested = model(trial.test)
        runs["validation"].append(measure(model(trial.validation), trial.validation, dataset.id_map))
        runs["test"].append(measure(tested, trial.test, dataset.id_map))
        runs["masked"].append(measure(tested, trial.test, dataset.id_map, masked=True))
        print(f"\n{table(publication, runs)}\n", flush=True)


def main() -> int:
    """Run the command and return its exit status."""
    command = argparse.ArgumentParser(
        prog="python -m benchmarks.published",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("--ratings", type=Path, required=True)
    command.add_argument("--model", choices=sorted(PUBLICATIONS), required=True)
    command.add_argument("--seeds", type=int, default=3)
    options = command.parse_args()
    try:
        table = read_ratings(options.ratings, rating_scale=5)
        compare(
            clean([table], min_item_count=1, min_user_count=1), PUBLICATIONS[options.model], options.seeds
        )
    except (DataError, OSError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
