"""What the catalogue does with its own rows where a title turns out to be another one's duplicate."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from django.db import models

from catalog.models import Item, MergedItem

# What the title that stays takes over where it has nothing itself.
FACTS = ("type", "episodes", "rating_mean", "synopsis", "poster_url", "year", "franchise")


@dataclass(frozen=True)
class Followers:
    """Rows that refer to a title, and what becomes of them: they follow to the title that stays."""

    model: type[models.Model]
    field: str
    words: str  # what they are to people; none where the facts say it
    key: Sequence[str] = ()  # with the title, what no two rows may share
    order: str = ""  # of two such rows the last by this one stays; with a minus the first
    follow: Callable[[Item, Item], None] | None = None  # where moving the rows is not all

    @property
    def relation(self) -> str:
        return f"{self.model._meta.label}.{self.field}"

    def of(self, item: Item) -> models.QuerySet[models.Model]:
        """Return the rows, past a manager that would refuse to change them."""
        return models.QuerySet(self.model).filter(**{self.field: item.pk})

    def n_shared(self, items: Sequence[Item]) -> int:
        """Count the rows that say again what another one says about another of the titles."""
        if not self.key:
            return 0
        rows: models.QuerySet[models.Model] = (
            models.QuerySet(self.model).filter(**{f"{self.field}__in": items}).order_by()
        )
        return rows.count() - rows.values(*self.key).distinct().count()

    def move(self, gone: Item, kept: Item) -> None:
        """Let the rows about `gone` be about `kept`, and of two that would then be the same keep one."""
        if self.follow:
            self.follow(gone, kept)
        if self.key:
            self._thin_out(gone, kept)
        self.of(gone).update(**{self.field: kept.pk})

    def _thin_out(self, gone: Item, kept: Item) -> None:
        same = {name: models.OuterRef(name) for name in self.key}
        name = self.order.removeprefix("-")
        wins = {f"{name}__{'lte' if self.order.startswith('-') else 'gte'}": models.OuterRef(name)}
        self.of(gone).filter(models.Exists(self.of(kept).filter(**same, **wins))).delete()
        self.of(kept).filter(models.Exists(self.of(gone).filter(**same))).delete()


def take_genres(gone: Item, kept: Item) -> None:
    """Take the genres over where the title that stays has none; its own are right otherwise."""
    if not kept.genres.exists():
        kept.genres.set(gone.genres.all())
    gone.genres.clear()


FOLLOWERS = (
    Followers(MergedItem, "item", "earlier duplicates"),
    Followers(Item.genres.through, "item", "", follow=take_genres),
)


def take_facts(gone: Item, kept: Item) -> Mapping[str, object]:
    """Fill in what `kept` lacks from `gone`, and return that; the caller saves."""
    lacking = [name for name in FACTS if getattr(kept, name) in (None, "")]
    taken = {name: value for name in lacking if (value := getattr(gone, name)) not in (None, "")}
    for name, value in taken.items():
        setattr(kept, name, value)
    return taken


def leave_a_trace(gone: Item, kept: Item) -> None:
    """Delete a duplicate, and remember what its id and its name mean now."""
    MergedItem.objects.create(anime_id=gone.pk, item=kept, name=gone.name, search_name=gone.search_name)
    Item.objects.filter(pk=gone.pk).delete()
