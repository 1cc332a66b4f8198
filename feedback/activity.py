"""My activity: everything a person said, kept and dismissed, in one list that can be narrowed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from catalog.models import Item
from catalog.text import fold
from feedback.context_processors import Mine
from feedback.models import FeedbackType

LONGEST_QUERY = 100


@dataclass(frozen=True)
class Kind:
    """One kind of entry, as the page names it."""

    name: str
    label: str
    undo: str  # what its button says
    is_reaction: bool = False


KINDS = {
    kind.name: kind
    for kind in (
        Kind("love", "Loved", "Take back", is_reaction=True),
        Kind("like", "Liked", "Take back", is_reaction=True),
        Kind("dislike", "Disliked", "Take back", is_reaction=True),
        Kind("saved", "Saved", "Remove"),
        Kind("seen", "Seen", "Remove"),
        Kind("not-now", "Not now", "Show again"),
        Kind("franchise", "Franchise hidden", "Show again"),
    )
}
_REACTIONS = {
    FeedbackType.LOVE: KINDS["love"],
    FeedbackType.LIKE: KINDS["like"],
    FeedbackType.DISLIKE: KINDS["dislike"],
}


@dataclass(frozen=True)
class Entry:
    """One thing that stands, and the title it is about once a page has fetched it."""

    kind: Kind
    anime_id: int
    when: datetime
    until: datetime | None = None
    item: Item | None = None

    @property
    def label(self) -> str:
        return self.kind.label


def entries_of(mine: Mine) -> list[Entry]:
    """Return all that stands, the newest first: three queries, however much it is."""
    return sorted(_entries(mine), key=lambda entry: entry.when, reverse=True)


def _entries(mine: Mine) -> Iterator[Entry]:
    for reaction in reversed(mine.reactions.values()):
        yield Entry(_REACTIONS[reaction.feedback_type], reaction.anime_id, reaction.when)
    for anime_id, when in mine.saved.items():
        yield Entry(KINDS["saved"], anime_id, when)
    for anime_id, when in mine.dismissed.seen.items():
        yield Entry(KINDS["seen"], anime_id, when)
    for anime_id, (when, until) in mine.dismissed.snoozed.items():
        yield Entry(KINDS["not-now"], anime_id, when, until)
    for rejected in mine.dismissed.franchises:
        yield Entry(KINDS["franchise"], rejected.anime_id, rejected.when)


def about(query: str, entries: Sequence[Entry]) -> list[Entry]:
    """Keep the entries whose title has every word of `query`, without case and accents."""
    words = fold(query[:LONGEST_QUERY]).split()
    if not words or not entries:
        return list(entries)
    titles = Item.objects.order_by()
    for word in words:
        titles = titles.filter(search_name__contains=word)
    found = set(titles.values_list("pk", flat=True))
    return [entry for entry in entries if entry.anime_id in found]


def counted(entries: Sequence[Entry]) -> Mapping[str, int]:
    """Count the entries of each kind."""
    return {name: sum(entry.kind.name == name for entry in entries) for name in KINDS}


def with_items(entries: Sequence[Entry]) -> list[Entry]:
    """Attach the titles and their genres: two queries, however many entries."""
    items = Item.objects.with_facts().in_bulk([entry.anime_id for entry in entries])
    return [replace(entry, item=items[entry.anime_id]) for entry in entries if entry.anime_id in items]
