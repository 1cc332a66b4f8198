"""Ablations: the same recipe without one thing it is told, each trained anew."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from ml.checkpoint import Checkpoint
from ml.config import CONTEXT, SASREC_ALONE, Preset, SASRecConfig, TrainingConfig
from ml.contenders import training_notes
from ml.data import Dataset
from ml.feedback import Feedback
from ml.fitting import Validation
from ml.leave_out import Trial
from ml.measurements import Built, Contender
from ml.ranker import Ranker
from ml.results import ABLATED
from ml.splits import Split
from ml.training import run, untrained, with_mix

FULL = "full"
SHORT = 50  # events, the window of the original SASRec


@dataclass(frozen=True)
class Recipe:
    """A model, how to train it, and what it is shown of the data."""

    model: SASRecConfig
    training: TrainingConfig
    view: Callable[[Dataset], Dataset] = lambda dataset: dataset


def without(*names: str) -> Callable[[Recipe], Recipe]:
    """Return a change that stops telling the model some of its context."""

    def change(recipe: Recipe) -> Recipe:
        context = tuple(name for name in recipe.model.context if name not in names)
        return replace(recipe, model=replace(recipe.model, context=context))

    return change


def no_feedback(recipe: Recipe) -> Recipe:
    """Tell the model nothing of feedback: every event is a like, as input, as target and as co-occurrence."""
    training = replace(recipe.training, pretended_people=0.0)
    return replace(without("feedback")(recipe), training=training, view=likes)


def likes(dataset: Dataset) -> Dataset:
    """Replace every feedback by a like."""
    return replace(dataset, feedback=np.full_like(dataset.feedback, Feedback.LIKE))


def short(recipe: Recipe) -> Recipe:
    """Read and train on at most 50 events of a list."""
    training = replace(recipe.training, window=min(SHORT, recipe.training.window))
    return replace(recipe, model=replace(recipe.model, max_length=SHORT), training=training)


ABLATIONS: Mapping[str, Callable[[Recipe], Recipe]] = {
    "no feedback": no_feedback,
    "no time": without("time"),
    "no gap": without("gap"),
    "no position": without("position"),
    "no context": lambda recipe: without(*CONTEXT)(no_feedback(recipe)),
    "no long history": short,
}


def variants(recipe: Recipe, dataset: Dataset) -> dict[str, Recipe]:
    """Return the full recipe and those of its ablations that change something on this data."""
    dated = bool(np.isfinite(dataset.timestamps).any())
    undone = () if dated else ("no time", "no gap", "no position", "no context")
    return {FULL: recipe} | {n: change(recipe) for n, change in ABLATIONS.items() if n not in undone}


def recipe_of(preset: Preset, dataset: Dataset) -> Recipe:
    """Fit a preset to a dataset."""
    return Recipe(SASRecConfig(n_items=dataset.n_items, **preset.model), preset.training)


def trained(
    recipe: Recipe, trial: Trial, seed: int, path: Path, device: str, mixed: bool = True
) -> Checkpoint:
    """Train a recipe on what a trial allows and keep it at `path`, or load what was kept there.

    Everybody in the trial's training data learns; its validation cases stop the training. Without `mixed` no
    mix with the item-item term is looked for: an ablation is of SASRec alone.
    """
    if not path.exists():
        dataset = recipe.view(trial.training)
        config = replace(recipe.training, seed=seed, split=Split(0.0, 0.0))
        judge = Validation(trial.validation, trial.lengths)
        start = untrained(dataset, recipe.model, config)
        checkpoint = run(start, dataset, config, device, validation=judge)
        (with_mix(checkpoint, dataset, config, judge) if mixed else checkpoint).save(path)
    return Checkpoint.load(path)


def ablated(
    recipe: Recipe, trial: Trial, seed: int, place: Callable[[str], Path], device: str
) -> Iterator[Contender]:
    """Yield SASRec alone by each ablation of a recipe; `place` says where a name's checkpoint is kept."""
    for name, variant in variants(recipe, trial.training).items():
        if name != FULL:
            made = making(variant, trial, name, seed, place, device)
            yield Contender(f"{ABLATED}{name}", partial(_alone, made), seed, baseline=False)


def making(
    recipe: Recipe, trial: Trial, name: str, seed: int, place: Callable[[str], Path], device: str
) -> Callable[[], Checkpoint]:
    """Return what trains a recipe, or finds what it trained before."""
    return partial(
        trained, recipe, trial, seed, place(f"{name.replace(' ', '-')}-{seed}"), device, name == FULL
    )


def _alone(made: Callable[[], Checkpoint]) -> Built:
    """Rank by SASRec alone."""
    checkpoint = made()
    return Built(Ranker(replace(checkpoint, mix=SASREC_ALONE)), training_notes(checkpoint))
