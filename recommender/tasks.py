"""Background work."""

from __future__ import annotations

import logging

from celery import shared_task
from django.conf import settings

from recommender import outcomes

logger = logging.getLogger(__name__)


@shared_task
def retrain() -> None:
    """Fine-tune the active checkpoint on the site's events; too little news, or a going run, is fine."""
    # torch takes seconds to import: the scheduler and the ordinary worker never need it.
    from recommender.retraining import CannotRetrain, NothingToDo  # noqa: PLC0415
    from recommender.retraining import retrain as run  # noqa: PLC0415

    try:
        run()
    except NothingToDo as news:
        logger.info("Not retrained: %s", news)
    except CannotRetrain as problem:
        logger.warning("Not retrained: %s", problem)


@shared_task
def link_impressions(days: int) -> int:
    """Find what followed the impressions of the last `days` days."""
    return outcomes.link(days)


@shared_task
def prune_impressions() -> int:
    """Delete impressions older than `IMPRESSION_DAYS`."""
    return outcomes.prune(settings.IMPRESSION_DAYS)
