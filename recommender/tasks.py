"""Background work."""

from __future__ import annotations

import logging

from celery import shared_task
from django.conf import settings

from recommender import outcomes
from recommender.due import why_retrain

logger = logging.getLogger(__name__)


@shared_task
def retrain(preset: str = "nightly") -> None:
    """Train a candidate and promote or reject it; too little news, or a going run, is fine."""
    # torch takes seconds to import: the scheduler and the ordinary worker never need it.
    from recommender.retraining import retrain as run  # noqa: PLC0415
    from recommender.runs import CannotRetrain, RunLost  # noqa: PLC0415
    from recommender.training import NothingToDo  # noqa: PLC0415

    try:
        run(preset=preset)
    except NothingToDo as news:
        logger.info("Not retrained: %s", news)
    except (CannotRetrain, RunLost) as problem:
        logger.warning("Not retrained: %s", problem)


@shared_task
def retrain_when_due() -> None:
    """Ask for a run where enough was said since the last one, or where one died."""
    if reason := why_retrain():
        logger.info("Retraining: %s", reason)
        retrain.delay()


@shared_task
def measure_reasons() -> None:
    """Measure how faithful the reasons of each new checkpoint are, the starter's too."""
    # As above: only the training worker pays for torch.
    from recommender.faithfulness import measure_missing  # noqa: PLC0415

    for line in measure_missing():
        logger.info("Reasons: %s", line)


@shared_task
def draw_map() -> None:
    """Draw the map of a checkpoint that went live."""
    from recommender.mapping import draw_missing  # noqa: PLC0415  # as above

    for line in draw_missing():
        logger.info("Map: %s", line)


@shared_task
def link_impressions(days: int) -> int:
    """Find what followed the impressions of the last `days` days."""
    return outcomes.link(days)


@shared_task
def prune_impressions() -> int:
    """Delete impressions older than `IMPRESSION_DAYS`."""
    return outcomes.prune(settings.IMPRESSION_DAYS)
