"""The gate a candidate passes before it may go live: figures on held-out people, and known tastes' pages."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings

from ml.gate import Panel, judge
from ml.scoring import Scorer
from ml.verdicts import Check, Verdict
from recommender.models import Checkpoint, NotServable, shortened
from recommender.serving import LiveRanker, live_ranker
from recommender.taste import examine_taste


def decide(
    candidate: Checkpoint, champion: Checkpoint, panels: Sequence[Panel], references: Mapping[str, Scorer]
) -> Verdict:
    """Compare two checkpoints' directories, and keep what was found on the candidate's row.

    The row's `verdict` is the sentence; its `comparison` has the verdict's checks and figures, the `champion`
    and, where both rank at all, the `taste` pages. Nothing is promoted, and no state changes. A candidate
    that does not load has not passed; raises NotServable for a champion that does not.
    """
    theirs = live_ranker(champion)
    try:
        ours = live_ranker(candidate, theirs.catalogue)
    except NotServable as error:
        reason = str(error).replace(f"{settings.CHECKPOINT_DIR}{os.sep}", "")  # shown in the admin: no paths
        verdict, taste = Verdict.of([Check("loads", False, f"It does not load. {reason}")], "", {}), None
    else:
        verdict, taste = compare(ours, theirs, panels, references)
    comparison = {"champion": champion.version, **verdict.to_dict(), "taste": taste}
    candidate.verdict, candidate.comparison = shortened(verdict.sentence), comparison
    candidate.save(update_fields=["verdict", "comparison"])
    return verdict


def compare(
    candidate: LiveRanker, champion: LiveRanker, panels: Sequence[Panel], references: Mapping[str, Scorer]
) -> tuple[Verdict, dict[str, Any] | None]:
    """Judge by the people of the panels, then by the pages of known tastes, which a broken ranker has not."""
    verdict = judge(candidate.ranker, champion.ranker, panels, references)
    if not verdict.figures:
        return verdict, None
    taste = examine_taste(candidate, champion)
    return verdict.followed_by(taste.checks), taste.to_dict()
