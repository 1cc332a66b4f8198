"""`History`: what the log says about one person."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from catalog.models import Item
from feedback.models import Event, FeedbackType, Person


@dataclass(frozen=True)
class Reaction:
    """The reaction that stands for one title."""

    event_id: int
    anime_id: int
    feedback_type: FeedbackType
    timestamp: float  # Unix seconds
    item: Item | None = field(default=None, compare=False)  # where a page shows the title too

    @property
    def is_dislike(self) -> bool:
        return self.feedback_type == FeedbackType.DISLIKE

    @property
    def is_like(self) -> bool:
        return self.feedback_type == FeedbackType.LIKE

    @property
    def is_love(self) -> bool:
        return self.feedback_type == FeedbackType.LOVE

    @property
    def label(self) -> str:
        """Disliked, Liked or Loved."""
        return self.feedback_type.past

    @property
    def when(self) -> datetime:
        return datetime.fromtimestamp(self.timestamp, UTC)


@dataclass(frozen=True)
class History:
    """One person's standing reactions, oldest first, one a title."""

    reactions: tuple[Reaction, ...] = ()

    def __len__(self) -> int:
        return len(self.reactions)

    @property
    def anime_ids(self) -> frozenset[int]:
        return frozenset(reaction.anime_id for reaction in self.reactions)


def history_of(user: Person) -> History:
    """Return what `user` said and did not take back, in one query; empty for a visitor."""
    if not user.is_authenticated:
        return History()
    latest: dict[int, Reaction] = {}
    rows = Event.objects.of(user).standing().values_list("id", "item_id", "feedback_type", "timestamp")
    for event_id, anime_id, feedback_type, timestamp in rows:
        latest.pop(anime_id, None)  # a changed mind moves the title to where it was changed
        latest[anime_id] = Reaction(event_id, anime_id, FeedbackType(feedback_type), timestamp.timestamp())
    return History(tuple(latest.values()))
