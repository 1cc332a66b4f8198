"""`Row`: what a list says about one title, whatever file it came from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from feedback.lists.scores import reaction_to
from feedback.models import FeedbackType

MOST_ROWS = 50_000
MOST_VALUES = 2_500_000  # about 40 for a title with everything: a file with more is made to keep us busy


class ListFileError(Exception):
    """A file cannot be read as a list; the message says why and what to do."""

    def __init__(self, sentence: str, status: int = 400) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.status = status


def too_many_values() -> ListFileError:
    return ListFileError(f"This file holds too much for a list: {MOST_ROWS:,} titles are the most.", 413)


def too_many_rows() -> ListFileError:
    return ListFileError(f"This list has more than {MOST_ROWS:,} titles: split it in two.", 413)


class Status(StrEnum):
    WATCHING = "watching"
    COMPLETED = "completed"
    ON_HOLD = "on hold"
    DROPPED = "dropped"
    PLANNED = "plan to watch"
    UNKNOWN = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One title of a list; `score` is out of 10 whatever the list counted in."""

    titles: tuple[str, ...] = ()  # the main one first
    anime_id: int | None = None  # as the file says
    score: float | None = None
    status: Status = Status.UNKNOWN
    when: datetime | None = None
    reaction: FeedbackType | None = None  # said outright, in a file of our own making
    is_saved: bool = False
    saved_at: datetime | None = None
    item_id: int | None = None  # the title it was matched with

    @property
    def title(self) -> str:
        return self.titles[0] if self.titles else f"MyAnimeList {self.anime_id}"

    @property
    def says(self) -> FeedbackType | None:
        """Return the reaction it stands for: its own word, else by its score, else dislike where dropped."""
        if self.reaction is not None:
            return self.reaction
        if self.score is not None:
            return reaction_to(self.score)
        return FeedbackType.DISLIKE if self.status is Status.DROPPED else None

    @property
    def keeps(self) -> bool:
        """Say whether the title is to be saved for later."""
        return self.is_saved or self.status is Status.PLANNED

    @property
    def is_watched(self) -> bool:
        """Say whether it tells no more than that the title is known already."""
        also_saved = self.is_saved and self.status is Status.COMPLETED
        return self.says is None and (not self.keeps or also_saved)

    @property
    def kept_at(self) -> datetime | None:
        return self.saved_at or (self.when if self.status is Status.PLANNED else None)

    def as_json(self) -> list[Any]:
        """Return what the database keeps of it until the list is imported."""
        return [
            self.titles,
            self.anime_id,
            self.score,
            self.status.value,
            self.when and self.when.isoformat(),
            self.reaction,
            self.is_saved,
            self.saved_at and self.saved_at.isoformat(),
            self.item_id,
        ]

    @classmethod
    def of_json(cls, kept: list[Any]) -> Row:
        titles, anime_id, score, status, when, reaction, is_saved, saved_at, item_id = kept
        return cls(
            tuple(titles),
            anime_id,
            score,
            Status(status),
            datetime.fromisoformat(when) if when else None,
            FeedbackType(reaction) if reaction else None,
            is_saved,
            datetime.fromisoformat(saved_at) if saved_at else None,
            item_id,
        )
