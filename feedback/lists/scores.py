"""What a score means: one fixed rule, which the import page shows."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from feedback.models import FeedbackType

LOVED, LIKED, UNDECIDED = 9, 7, 5  # out of 10, and from there on
ENOUGH_TO_GUESS = 5
# What our own files carry for programs that know only scores; `reaction_to` reads each back.
SCORES = {FeedbackType.LOVE: 10, FeedbackType.LIKE: 8, FeedbackType.DISLIKE: 3}
SMILEYS = {1: 3.5, 2: 6.0, 3: 8.5}  # as AniList itself converts them


class Scale(Enum):
    """What a list counts its scores in; the values are for people."""

    TEN = "out of 10"
    HUNDRED = "out of 100"
    STARS = "out of 5 stars"
    SMILEYS = "as three smileys"

    def out_of_ten(self, score: float) -> float | None:
        """Return the score out of 10; none where there is none (0) or it is not on the scale."""
        if self is Scale.SMILEYS:
            return SMILEYS.get(round(score))
        most = {Scale.TEN: 10, Scale.HUNDRED: 100, Scale.STARS: 5}[self]
        return score * 10 / most if 0 < score <= most else None


ANILIST = {
    "POINT_100": Scale.HUNDRED,
    "POINT_10_DECIMAL": Scale.TEN,
    "POINT_10": Scale.TEN,
    "POINT_5": Scale.STARS,
    "POINT_3": Scale.SMILEYS,
}


def scale_of(scores: Sequence[float | None]) -> Scale:
    """Guess what a list counts in from its highest score; out of 10 where there are too few to tell."""
    given = [score for score in scores if score]
    highest = max(given, default=0)
    if highest > 10:
        return Scale.HUNDRED
    if len(given) < ENOUGH_TO_GUESS or highest > 5:
        return Scale.TEN
    return Scale.STARS if highest > 3 else Scale.SMILEYS


def reaction_to(score: float) -> FeedbackType | None:
    """Return the reaction that a score out of 10 stands for; none in the middle, where it says nothing."""
    if score >= LOVED:
        return FeedbackType.LOVE
    if score >= LIKED:
        return FeedbackType.LIKE
    return None if score >= UNDECIDED else FeedbackType.DISLIKE
