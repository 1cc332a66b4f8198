"""What a person does not want to be shown, though they said nothing for or against it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from catalog.models import Item
from feedback.models import Dismissal, Person

Kind = Dismissal.Kind


@dataclass(frozen=True)
class Rejected:
    """A franchise that is hidden, by the title it was said of."""

    anime_id: int
    name: str
    franchise_id: int | None  # without one, who knows series by their names decides what belongs to it
    when: datetime


@dataclass(frozen=True)
class Dismissed:
    """All that stands of one person's dismissals."""

    seen: Mapping[int, datetime] = field(default_factory=dict)  # anime_id -> when that was said
    snoozed: Mapping[int, tuple[datetime, datetime]] = field(default_factory=dict)  # -> when, until when
    franchises: tuple[Rejected, ...] = ()

    @property
    def anime_ids(self) -> frozenset[int]:
        """Return the titles dismissed by themselves; those of `franchises` are more than these."""
        return frozenset({*self.seen, *self.snoozed, *(rejected.anime_id for rejected in self.franchises)})

    def hides_franchise_of(self, item: Item) -> bool:
        """Say whether a title was hidden with its franchise, by itself or by another title of it."""
        return any(
            rejected.anime_id == item.pk
            or (item.franchise_id is not None and rejected.franchise_id == item.franchise_id)
            for rejected in self.franchises
        )


NOTHING = Dismissed()


def dismissed_by(user: Person) -> Dismissed:
    """Return what `user` dismissed and what still stands of it, in one query; nothing for a visitor."""
    if not user.is_authenticated:
        return NOTHING
    seen: dict[int, datetime] = {}
    snoozed: dict[int, tuple[datetime, datetime]] = {}
    franchises: list[Rejected] = []
    rows = Dismissal.objects.of(user).standing().order_by("created_at", "id")
    columns = ("item_id", "kind", "created_at", "until", "item__name", "item__franchise_id")
    for anime_id, kind, when, until, name, franchise_id in rows.values_list(*columns):
        if kind == Kind.SEEN:
            seen[anime_id] = when
        elif kind == Kind.NOT_NOW:
            snoozed[anime_id] = when, until
        else:
            franchises.append(Rejected(anime_id, name, franchise_id, when))
    return Dismissed(seen, snoozed, tuple(franchises))
