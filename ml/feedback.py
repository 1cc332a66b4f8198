"""What a person said about a title, as the model's small vocabulary."""

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

NO_SCORE = -1  # Kaggle's and MyAnimeList's mark for "watched, but not scored"


class Feedback(IntEnum):
    """Feedback of one event. WATCHED is an interaction whose taste is unknown, not a like."""

    PADDING = 0
    DISLIKE = 1
    LIKE = 2
    LOVE = 3
    WATCHED = 4


FEEDBACK_NAMES = {
    "dislike": Feedback.DISLIKE,
    "like": Feedback.LIKE,
    "love": Feedback.LOVE,
    "watched": Feedback.WATCHED,
}


def bucket_ratings(ratings: NDArray[np.float64]) -> NDArray[np.int8]:
    """Bucket scores on a 1-10 scale: below 5 dislike, below 8 like, else love; -1, 0 and NaN are watched.

    Shape (E,) to (E,), values of `Feedback`.
    """
    scored = np.nan_to_num(ratings, nan=NO_SCORE)
    buckets = np.select(
        [scored <= 0, scored < 5, scored < 8],
        [Feedback.WATCHED, Feedback.DISLIKE, Feedback.LIKE],
        default=Feedback.LOVE,
    )
    return buckets.astype(np.int8)
