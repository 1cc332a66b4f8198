"""Train SASRec, from nothing or from a checkpoint."""

from dataclasses import asdict, replace

import numpy as np
import torch
from numpy.typing import NDArray

from ml.checkpoint import Checkpoint
from ml.closed_forms import learn_item_item
from ml.config import SASRecConfig, TrainingConfig
from ml.data import Dataset
from ml.distillation import Champion, Teacher
from ml.feedback import Feedback
from ml.fitting import Surroundings, Validation, fit
from ml.index import ExactIndex
from ml.item_item import MAX_ITEMS, ItemItem
from ml.mixed_batches import batches_of
from ml.mixing import find_mix
from ml.objective import Objective, starting_level
from ml.pretraining import pretrain
from ml.protocols import Case, fold_in
from ml.ratings import DataError
from ml.resuming import identity_of
from ml.sasrec import SASRec

MAX_VALIDATION_CASES = 1000
MIX_DRAWS = 3  # of each list: which three titles are told is half of the noise
ALONE = Surroundings()


def train(
    dataset: Dataset,
    model_config: SASRecConfig,
    config: TrainingConfig,
    device: str = "auto",
    validation: Validation | None = None,
    around: Surroundings = ALONE,
) -> Checkpoint:
    """Train a new model on the dataset's training people and return its best checkpoint, not yet saved.

    `validation` stands in for the fold-in of the validation people, where a protocol holds out events.
    Raises DataError when nobody is left to train on, and ValueError when the data has another number of
    titles than `model_config`, or a window is longer than the model reads. The same seed on the same machine
    and number of threads gives the same weights, also when the run was killed and goes on from the state that
    `around` keeps. Where several processes train, the first one solves the item-item term and finds the mix,
    which take the memory and the cores of a machine, and gives them to the others.
    """
    from_first = around.processes.from_first
    start = from_first(lambda: untrained(dataset, model_config, config))
    trained = run(start, dataset, config, device, None, validation, around)
    return from_first(lambda: with_mix(trained, dataset, config, validation))


def untrained(dataset: Dataset, model_config: SASRecConfig, config: TrainingConfig) -> Checkpoint:
    """Return a new model where training starts, with the item-item term, which may teach it."""
    with_term = with_item_item(new_sasrec(dataset, model_config, config), dataset, config)
    return with_mix(with_term, dataset, config) if config.distillation else with_term


def new_sasrec(dataset: Dataset, model_config: SASRecConfig, config: TrainingConfig) -> Checkpoint:
    """Return a SASRec where training starts: spectral embeddings, popular biases, a silent item-item term."""
    torch.manual_seed(config.seed)
    _check(model_config, dataset, config)
    learners = dataset.people(config.split.training_people(dataset))
    first, last = model_config.time_bins.trained_range(learners.timestamps)
    model_config = replace(model_config, time_first=first, time_last=last)
    model = SASRec(model_config)
    pretrain(model, learners)
    with torch.no_grad():
        if "feedback" in model_config.context:
            model.gate.weight[Feedback.DISLIKE] = config.dislike_gate
        model.bias.add_(starting_level(config, torch.from_numpy(learners.item_counts())))
    nobody = torch.zeros(model_config.n_items + 1, dtype=torch.int64)
    silent = ItemItem.nothing(model_config.n_items)
    return Checkpoint(model_config, dataset.id_map, model.state_dict(), nobody, silent)


def with_item_item(checkpoint: Checkpoint, dataset: Dataset, config: TrainingConfig) -> Checkpoint:
    """Add the item-item term, learned from the training people; beyond `MAX_ITEMS` titles there is none.

    It has no say before `with_mix`.
    """
    if dataset.n_items > MAX_ITEMS:
        return checkpoint
    torch.manual_seed(config.seed)
    learners = dataset.people(config.split.training_people(dataset))
    return replace(checkpoint, item_item=learn_item_item(learners, config.item_item))


def with_mix(
    checkpoint: Checkpoint, dataset: Dataset, config: TrainingConfig, validation: Validation | None = None
) -> Checkpoint:
    """Find the mix on the validation people; without any it is the one of `config`."""
    if checkpoint.item_item.is_silent:
        return checkpoint
    cases = validation.cases if validation else validation_cases(dataset, config, MIX_DRAWS)
    return replace(checkpoint, mix=find_mix(checkpoint, cases) if cases else config.mix)


def run(
    start: Checkpoint,
    dataset: Dataset,
    config: TrainingConfig,
    device: str = "auto",
    parent: str | None = None,
    validation: Validation | None = None,
    around: Surroundings = ALONE,
    news: NDArray[np.bool_] | None = None,
) -> Checkpoint:
    """Train `start` on `dataset` (same id map) and return the result with its metrics.

    Where `news` (U,) marks some people only, the others are replayed beside them.
    """
    _check(start.config, dataset, config)
    chosen = config.split.training_people(dataset)
    news = np.ones(int(chosen.sum()), dtype=bool) if news is None else news[chosen]
    learners = dataset.people(chosen)
    if not news.any():
        raise DataError(
            "Nobody is left to train on; lower the holdout and validation shares or bring more people."
        )
    torch.manual_seed(config.seed)
    judge = validation or Validation(validation_cases(dataset, config))
    pretends = config.pretended_people and "feedback" in start.config.context  # else it could not be seen
    kin = neighbours(start, config.pretended_kin) if pretends else None
    batches = batches_of(learners, start.config.time_bins, config, kin, news)
    counts = torch.from_numpy(learners.item_counts())
    objective = Objective(config, counts, Teacher.of(start), Champion(start))
    identity = identity_of(f"{dataset.fingerprint} {news.sum()}", start.config, config, parent)
    progress = fit(start, batches, objective, judge, choose_device(device), identity, around)
    return replace(
        start,
        weights=progress.best_weights,
        item_counts=torch.maximum(start.item_counts, torch.from_numpy(learners.item_counts())),
        data={"fingerprint": dataset.fingerprint, "people": learners.n_users, "events": len(learners.items)},
        training=asdict(config),
        metrics=progress.summary(),
        parent=parent,
        version="",
    )


def validation_cases(dataset: Dataset, config: TrainingConfig, draws: int = 1) -> list[Case]:
    """Fold in the validation people, at most a thousand cases, each person's list drawn `draws` times."""
    people = dataset.people(config.split.validation_people(dataset))
    cases = [case for seed in range(draws) for case in fold_in(people, seed=seed)]
    return cases[:MAX_VALIDATION_CASES]


def neighbours(start: Checkpoint, k: int) -> NDArray[np.int64]:
    """Return the k titles most like each (N + 1, k) at the start, at most an eighth of all."""
    vectors = start.weights["items.weight"][1:].numpy()
    _, rows = ExactIndex(vectors).search(vectors, min(k, start.config.n_items // 8) + 1)
    return np.vstack([np.zeros_like(rows[:1]), rows + 1])[:, 1:]


def choose_device(name: str) -> torch.device:
    """Resolve `auto` to CUDA where there is one, else the CPU."""
    return torch.device(("cuda" if torch.cuda.is_available() else "cpu") if name == "auto" else name)


def _check(model_config: SASRecConfig, dataset: Dataset, config: TrainingConfig) -> None:
    """Refuse settings that cannot work together."""
    if dataset.n_items != model_config.n_items:
        raise ValueError(f"The data has {dataset.n_items} titles, the model {model_config.n_items}.")
    if config.window > model_config.max_length:
        raise ValueError(
            f"window {config.window} is longer than the model's max_length {model_config.max_length}."
        )
