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
from recommender.taste import A_NIGHT, IN_ALL, examine_taste


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
        verdict = judge(ours.ranker, theirs.ranker, panels, references)
        verdict, taste = shown_to_tastes(verdict, candidate, champion, (ours, theirs))
    comparison = {"champion": champion.version, **verdict.to_dict(), "taste": taste}
    candidate.verdict, candidate.comparison = shortened(verdict.sentence), comparison
    candidate.save(update_fields=["verdict", "comparison"])
    return verdict


def shown_to_tastes(
    verdict: Verdict, candidate: Checkpoint, champion: Checkpoint, rankers: tuple[LiveRanker, LiveRanker]
) -> tuple[Verdict, dict[str, Any] | None]:
    """Judge by the pages of known tastes too, which a ranker without figures, a broken one, has not."""
    if not verdict.figures:
        return verdict, None
    limits = A_NIGHT if candidate.is_nightly else IN_ALL
    ours, theirs = rankers
    checks, reference = [], None
    if (earlier := champion.reference()) != champion:
        try:
            reference = live_ranker(earlier, theirs.catalogue)
        except NotServable:
            lost = f"The reference {earlier} does not load; how far all nights have led is unknown."
            checks = [Check("taste: reference", False, f"{lost} Take the champion as the reference.")]
    taste = examine_taste(ours, theirs, limits=limits, reference=reference)
    return verdict.followed_by([*taste.checks, *checks]), taste.to_dict()
