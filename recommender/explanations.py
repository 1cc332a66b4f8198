"""Words for people: why a title is in the feed, said only where the model says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.contrib.humanize.templatetags.humanize import intcomma

from catalog.models import Item
from ml.feedback import Feedback

if TYPE_CHECKING:
    from ml.ranker import Cause

MAX_CAUSES = 2
# A drop is the fall of a title's log-probability when the event is taken away: 0.02 says that the title was
# 2 % more likely because of it. Less than that is noise, and naming it would be inventing a reason.
MIN_DROP = 0.02
# In a long history no event does much alone; it is a reason where it does this share of all that speaks for a
# title. Of three hundred events the two or three that name a title's kin pass, the general drift does not.
MIN_SHARE_OF_ALL = 0.1
# The second cause is named only where it does at least this share of what the first does.
MIN_SHARE_OF_FIRST = 0.4

VERBS = {
    Feedback.DISLIKE: "disliked",
    Feedback.LIKE: "liked",
    Feedback.LOVE: "loved",
    Feedback.WATCHED: "saw",
}
_PLEASED = (Feedback.LIKE, Feedback.LOVE)


@dataclass(frozen=True)
class Part:
    """A piece of a reason's sentence: words, and the title that they lead to."""

    lead: str
    item: Item


@dataclass(frozen=True)
class Reason:
    """Why a card is there: the sentence, and where it names titles, its parts in their order."""

    text: str
    parts: tuple[Part, ...] = ()

    @property
    def causes(self) -> tuple[Item, ...]:
        """Return the titles it names."""
        return tuple(part.item for part in self.parts)


WILDCARD = Reason("From beyond your list, to find out what else you like")


def real_causes(causes: Sequence[Cause]) -> list[Cause]:
    """Keep the at most two liked or loved titles that really raise a card; a dislike is never a reason."""
    enough = max(MIN_DROP, MIN_SHARE_OF_ALL * sum(cause.drop for cause in causes if cause.drop > 0))
    kept = [cause for cause in causes if cause.feedback in _PLEASED and cause.drop >= enough]
    return [cause for cause in kept[:MAX_CAUSES] if cause.drop >= MIN_SHARE_OF_FIRST * kept[0].drop]


def because(causes: Sequence[Cause], items: Mapping[int, Item]) -> Reason:
    """Word the causes of one card; `items` has the titles they name."""
    known = [cause for cause in causes if cause.item_id in items]
    named = [(VERBS[Feedback(cause.feedback)], items[cause.item_id]) for cause in known]
    if not named:
        return Reason("Popular with people like you")
    parts: list[Part] = []
    said = ""
    for verb, item in named:
        lead = f"Because you {verb}" if not parts else "and" if verb == said else f"and {verb}"
        parts.append(Part(lead, item))
        said = verb
    return Reason(" ".join(f"{part.lead} {part.item.name}" for part in parts), tuple(parts))


def popular(item: Item) -> Reason:
    """Say how many people know a title, where the model has nothing to say about it."""
    return Reason(f"Popular with {intcomma(item.members)} members" if item.members else "New to most people")
