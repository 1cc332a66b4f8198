"""`History`: what the log says about one person."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

from feedback.models import Event, FeedbackType


@dataclass(frozen=True)
class Reaction:
    """The reaction that stands for one title."""

    event_id: int
    anime_id: int
    feedback_type: FeedbackType
    timestamp: float  # Unix seconds


@dataclass(frozen=True)
class History:
    """One person's standing reactions, oldest first, one a title."""

    reactions: tuple[Reaction, ...] = ()

    def __len__(self) -> int:
        return len(self.reactions)

    @property
    def anime_ids(self) -> frozenset[int]:
        return frozenset(reaction.anime_id for reaction in self.reactions)


def history_of(user: AbstractBaseUser | AnonymousUser) -> History:
    """Return what `user` said and did not take back, in one query; empty for a visitor."""
    if not user.is_authenticated:
        return History()
    latest: dict[int, Reaction] = {}
    rows = Event.objects.of(user).standing().values_list("id", "item_id", "feedback_type", "timestamp")
    for event_id, anime_id, feedback_type, timestamp in rows:
        latest.pop(anime_id, None)  # a changed mind moves the title to where it was changed
        latest[anime_id] = Reaction(event_id, anime_id, FeedbackType(feedback_type), timestamp.timestamp())
    return History(tuple(latest.values()))
