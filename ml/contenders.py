"""Who takes part in a comparison: tuned baselines, a checkpoint's ranker and its parts."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import pandas as pd

from ml.baselines import EASE
from ml.checkpoint import Checkpoint
from ml.config import SASREC_ALONE, Mix
from ml.content import ContentOnly
from ml.hybrid import Blend
from ml.leave_out import Trial
from ml.measurements import Built, Contender
from ml.ranker import Ranker
from ml.results import SASREC
from ml.tuning import Baseline, baselines, tune

RANKER, LINEAR = "Nostrade", "item-item alone"  # a checkpoint's names in the results
FIXED, TUNED = "0.8 SASRec + 0.2 content", "SASRec + content + EASE, tuned"


def field(
    trial: Trial, items: pd.DataFrame | None = None, franchises: Mapping[int, str] | None = None
) -> Iterator[Contender]:
    """Yield every baseline of the field that the data allows, tuned on the validation cases in its turn."""
    for baseline in baselines(trial.training, items, franchises):
        yield Contender(baseline.name, partial(_tuned, baseline, trial))


def _tuned(baseline: Baseline, trial: Trial) -> Built:
    """Tune one baseline and note what was chosen."""
    started = time.perf_counter()
    tuned = tune(baseline, trial.training, trial.validation, trial.lengths)
    seconds = round(time.perf_counter() - started, 1)
    return Built(tuned.scorer, {"chosen": tuned.chosen, "tried": tuned.tried, "seconds": seconds})


def parts(
    made: Callable[[], Checkpoint],
    trial: Trial,
    content: ContentOnly | None = None,
    seed: int = 0,
) -> Iterator[Contender]:
    """Yield a checkpoint's ranker and what it is made of, then blends of its SASRec with `content` and EASE.

    The fixed blend is 0.8 SASRec + 0.2 content; the tuned one's shares are chosen on the validation cases.
    """
    yield Contender(RANKER, partial(_mixed, made, _whole), seed, baseline=False)
    yield Contender(SASREC, partial(_mixed, made, _sasrec), seed, baseline=False)
    yield Contender(LINEAR, partial(_mixed, made, Mix.without_sasrec), seed, baseline=False)
    if content is not None:
        yield Contender(FIXED, partial(_fixed, made, content), seed, baseline=False)
        yield Contender(TUNED, partial(_blend, made, content, trial), seed, baseline=False)


def _whole(mix: Mix) -> Mix:
    return mix


def _sasrec(_mix: Mix) -> Mix:
    return SASREC_ALONE


def _mixed(made: Callable[[], Checkpoint], shares: Callable[[Mix], Mix]) -> Built:
    """Rank by a checkpoint with other shares of its parts."""
    checkpoint = made()
    return Built(Ranker(replace(checkpoint, mix=shares(checkpoint.mix))), training_notes(checkpoint))


def _fixed(made: Callable[[], Checkpoint], content: ContentOnly) -> Built:
    """Blend in fixed shares."""
    return Built(Blend.fixed(_mixed(made, _sasrec).scorer, content))


def _blend(made: Callable[[], Checkpoint], content: ContentOnly, trial: Trial) -> Built:
    """Blend with EASE too, in the shares that rank the validation cases best."""
    scorers = [_mixed(made, _sasrec).scorer, content, EASE(trial.training)]
    blend = Blend.tuned(scorers, trial.validation, trial.lengths)
    shares = {str(n or "all"): row for n, row in zip(trial.lengths, blend.shares, strict=True)}
    return Built(blend, {"shares of SASRec, content and EASE": shares})


def training_notes(checkpoint: Checkpoint) -> dict[str, Any]:
    """Say how a checkpoint's training went."""
    metrics = checkpoint.metrics
    best: dict[str, float] = max(metrics["validations"], key=lambda v: v["ndcg@20"], default={})
    return {"steps": metrics["steps"], "seconds": metrics["seconds"], "best_validation": best}
