"""Rules: what no feed shows, each with a name. They are masks laid over the catalogue before top-k.

`RULES` is the whole list, in the order in which a person is told of them. `withheld` joins them for the
ranker; `held_back` says of one title which of them hold it, why, and what would change it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from feedback.models import FeedbackType
from recommender.catalogue import Mask
from recommender.situation import Situation


@dataclass(frozen=True)
class Held:
    """One rule that holds a title back, in words."""

    rule: str
    sentence: str
    remedy: str


@dataclass(frozen=True)
class Rule:
    """What is withheld from whom, and the words for it; `why` and `remedy` may ask about a title's row."""

    name: str
    withholds: Callable[[Situation], Mask]
    why: Callable[[Situation, int], str]
    remedy: Callable[[Situation, int], str]

    def held(self, situation: Situation, row: int) -> Held:
        return Held(self.name, self.why(situation, row), self.remedy(situation, row))


def withheld(situation: Situation) -> Mask:
    """Mark every row that may not be on a card."""
    mask: Mask = np.logical_or.reduce([rule.withholds(situation) for rule in RULES])
    return mask


def held_back(situation: Situation, anime_id: int) -> list[Held]:
    """Return what holds a title back, the first thing to say first; nothing for one that may be shown."""
    return [
        rule.held(situation, int(row))
        for row in situation.catalogue.rows_of([anime_id])
        for rule in RULES
        if rule.withholds(situation)[row]
    ]


def may_raise(situation: Situation) -> Mask:
    """Mark the rows whose rank a card may take: of the series that have a card, what is yet to be seen."""
    catalogue = situation.catalogue
    has_card = np.zeros(len(catalogue.begins) - 1, dtype=bool)
    has_card[catalogue.group[~withheld(situation)]] = True
    pool: Mask = has_card[catalogue.group] & situation.visible & ~situation.seen & ~situation.set_aside
    return pool


def _said(situation: Situation, row: int) -> str:
    said = situation.said[int(situation.catalogue.ids[row])]
    past: str = said.past
    return f"You {past.lower()} it already."


def _set_aside(situation: Situation, row: int) -> str:
    if int(situation.catalogue.ids[row]) in situation.watched:
        return "You have seen it."
    return "You put it off, or hid it with its franchise."


def _no_entry(situation: Situation) -> Mask:
    """Mark what is not the card of its series."""
    catalogue = situation.catalogue
    mask: Mask = situation.entries[catalogue.group] != np.arange(len(catalogue))
    return mask


def _before_its_start(situation: Situation) -> Mask:
    mask: Mask = _no_entry(situation) & ~situation.begun[situation.catalogue.group]
    return mask


def _besides_the_card(situation: Situation) -> Mask:
    mask: Mask = _no_entry(situation) & situation.begun[situation.catalogue.group]
    return mask & ~situation.seen


def _follows_a_dislike(situation: Situation) -> Mask:
    mask: Mask = situation.left[situation.catalogue.group]
    return mask & ~situation.reacted


def _filtered(situation: Situation) -> Mask:
    mask = np.zeros(len(situation.catalogue), dtype=bool)
    for each in situation.filters:
        mask = mask | each.leaves_out
    return mask


def _entry(situation: Situation, row: int) -> str:
    entry = situation.entry_of(row)
    return situation.catalogue.names[entry] if entry >= 0 else "a title that is not shown"


def _disliked(situation: Situation, row: int) -> str:
    catalogue = situation.catalogue
    rows = catalogue.series_rows(int(catalogue.group[row]))
    names = [
        catalogue.names[each]
        for each in rows
        if catalogue.is_main[each] and situation.said.get(int(catalogue.ids[each])) == FeedbackType.DISLIKE
    ]
    return str(names[0])


def _failed(situation: Situation, row: int) -> str:
    return "”, “".join(each.label for each in situation.filters if each.leaves_out[row])


RULES = (
    Rule(
        "hidden by curators",
        lambda s: s.catalogue.mask_of(s.hidden),
        lambda s, row: "This site's curators took it off every list.",
        lambda s, row: "Only they can bring it back.",
    ),
    Rule(
        "adult titles are off",
        lambda s: s.adult,
        lambda s, row: "It is marked 18+, and titles for adults are switched off.",
        lambda s, row: "Switch on “Show adult titles” in your preferences.",
    ),
    Rule(
        "already answered",
        lambda s: s.reacted,
        _said,
        lambda s, row: "Take your reaction back in My activity.",
    ),
    Rule(
        "set aside",
        lambda s: s.set_aside | s.catalogue.mask_of(s.watched),
        _set_aside,
        lambda s, row: "Take that back in My activity.",
    ),
    Rule(
        "no sequel of a dislike",
        _follows_a_dislike,
        lambda s, row: f"You disliked {_disliked(s, row)}, which it belongs to.",
        lambda s, row: f"Take back your dislike of {_disliked(s, row)}.",
    ),
    Rule(
        "the start first",
        _before_its_start,
        lambda s, row: f"It belongs to a series you have not begun; {_entry(s, row)} is where to start.",
        lambda s, row: f"Say what you think of {_entry(s, row)}, or that you have seen it.",
    ),
    Rule(
        "one card a series",
        _besides_the_card,
        lambda s, row: f"A series has one card, and {_entry(s, row)} comes first.",
        lambda s, row: f"Say what you think of {_entry(s, row)}, or that you have seen it.",
    ),
    Rule(
        "your filters",
        _filtered,
        lambda s, row: f"Your filters leave it out: “{_failed(s, row)}”.",
        lambda s, row: "Loosen them above the feed.",
    ),
)
