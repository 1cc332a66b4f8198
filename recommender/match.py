"""How well a title matches a person, in words: what the model believes, against a title picked at random.

The measure is the probability that the ranker gives the title as this person's next favourite, times the
number of titles it chooses among: 1 is no better than chance. Words keep to the order of the ranking, and say
little where little is known: after one reaction the model's belief is spread thin, and hardly any title can
be a strong match. A percentage would claim more than the model knows.
"""

from __future__ import annotations

import math
from enum import Enum


class Match(Enum):
    """The words, the least times chance that each needs, and how many of the three marks are lit."""

    STRONG = "strong", "Strong match", 50.0, 3
    GOOD = "good", "Good match", 10.0, 2
    FAIR = "fair", "Fair match", 2.0, 1
    LONG_SHOT = "long-shot", "A long shot", 0.0, 0

    def __init__(self, slug: str, words: str, at_least: float, marks: int) -> None:
        self.slug = slug
        self.words = words
        self.at_least = at_least
        self.marks = marks

    @property
    def meaning(self) -> str:
        """Say what the words claim."""
        if self is Match.LONG_SHOT:
            return "To the model hardly likelier to be your next favourite than a title picked at random."
        return (
            f"To the model at least {self.at_least:.0f} times as likely to be your next favourite as a title"
            " picked at random."
        )


def match_of(log_probability: float, n_titles: int) -> Match:
    """Word the log-probability of a title among `n_titles`."""
    times_chance = math.exp(log_probability) * n_titles
    return next(match for match in Match if times_chance >= match.at_least)
