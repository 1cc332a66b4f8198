"""Merging duplicates: one title stays, and whatever refers to the others follows to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import IntegrityError, models, transaction
from django.db.models import Exists, Max, OuterRef, Subquery

from catalog import merging as in_catalog
from catalog.merging import Followers, leave_a_trace, take_facts
from catalog.models import Item
from feedback import merging as in_feedback
from feedback.models import Event
from recommender.models import Ignored, Impression

MOST = 10  # at once


class CannotMerge(Exception):  # noqa: N818  # told to people as a sentence
    """These titles cannot be merged; the message says what to do."""


def follow_the_word(gone: Item, kept: Item) -> None:
    """Drop what was ignored of a reaction that another one about the pair has replaced."""
    for item, other in ((gone, kept), (kept, gone)):
        latest = _said(item).values("user").annotate(at=Max("timestamp")).values("at")
        later = _said(other).filter(timestamp__gt=Subquery(latest))
        Ignored.objects.filter(Exists(later), item=item).delete()


def _said(item: Item) -> models.QuerySet[Event]:
    return Event.objects.filter(user=OuterRef("user"), item=item).standing().order_by()


FOLLOWERS: tuple[Followers, ...] = (
    # Before the reactions, which it compares.
    Followers(Ignored, "item", "ignored for recommendations", ("user",), "created_at", follow_the_word),
    *in_feedback.FOLLOWERS,
    # Of two on a day the first one counts: what followed it is looked for from there on.
    Followers(Impression, "item", "times shown", ("user", "day", "version"), "-shown_at"),
    *in_catalog.FOLLOWERS,
)


@dataclass(frozen=True)
class Part:
    """One kind of row before a merge: how many there are of each title, and how many say the same twice."""

    words: str
    counts: tuple[int, ...]
    shared: int

    @property
    def total(self) -> int:
        return sum(self.counts)


@dataclass(frozen=True)
class Preview:
    """What a merge of some titles would do."""

    items: tuple[Item, ...]
    parts: tuple[Part, ...]
    people_of_both: int  # said something about more than one of the titles

    @classmethod
    def of(cls, items: Sequence[Item]) -> Preview:
        """Count everything that would follow."""
        parts = [
            Part(each.words, tuple(each.of(item).count() for item in items), each.n_shared(items))
            for each in sorted(FOLLOWERS, key=lambda each: each.model is Ignored)
            if each.words
        ]
        lines = tuple(in_feedback.n_lines_about(item) for item in items)
        parts.append(Part("lines of imported lists", lines, 0))
        spoke = Event.objects.filter(item__in=items).standing().order_by().values("user")
        both = spoke.annotate(n=models.Count("item", distinct=True)).filter(n__gt=1).count()
        return cls(tuple(items), tuple(parts), both)


@dataclass(frozen=True)
class Merged:
    """What a merge did."""

    kept: Item
    gone: tuple[Item, ...]
    moved: dict[str, int]
    taken: dict[str, object]

    @property
    def sentence(self) -> str:
        """Say it in the words of the log."""
        names = ", ".join(f"{item} ({item.pk})" for item in self.gone)
        moved = ", ".join(f"{words}: {n}" for words, n in self.moved.items() if n and words)
        taken = "; ".join(f"{name}: {value}" for name, value in self.taken.items())
        parts = [
            f"Merged in {names}.",
            moved and f"What followed: {moved}.",
            taken and f"Filled in: {taken}.",
        ]
        return " ".join(part for part in parts if part)


def merge(items: Sequence[Item], keep: int) -> Merged:
    """Let one title stay for all of them, in one transaction. Raises CannotMerge, with nothing changed."""
    if not 2 <= len({item.pk for item in items}) <= MOST:
        raise CannotMerge(f"Choose from two to {MOST} titles to merge.")
    refuse_the_unknown()
    try:
        return _merged(items, keep)
    except IntegrityError as error:  # PostgreSQL finds at the end what was said in the middle of it
        raise CannotMerge("Somebody answered one of these titles just now; merge them again.") from error


def _merged(items: Sequence[Item], keep: int) -> Merged:
    with transaction.atomic():
        locked = Item.objects.select_for_update(of=("self",)).order_by("pk")
        found = {item.pk: item for item in locked.filter(pk__in=[item.pk for item in items])}
        if len(found) != len({item.pk for item in items}) or keep not in found:
            raise CannotMerge("One of these titles is not here any more; look for them again.")
        kept = found.pop(keep)
        gone = tuple(found.values())
        moved = {each.words: sum(each.of(item).count() for item in gone) for each in FOLLOWERS}
        taken: dict[str, object] = {}
        for item in gone:
            taken |= take_facts(item, kept)
            for each in FOLLOWERS:
                each.move(item, kept)
            leave_a_trace(item, kept)
        kept.save()
    return Merged(kept, gone, moved, taken)


def relations() -> set[str]:
    """Name everything in the database that refers to a title, as `Followers.relation` does."""
    return {
        f"{each.related_model._meta.label}.{each.field.name}"  # type: ignore[union-attr]
        for each in Item._meta.get_fields(include_hidden=True)
        if each.auto_created and not each.concrete and not each.many_to_many
    }


def refuse_the_unknown() -> None:
    """Raise CannotMerge where an app was added whose rows nobody taught to follow: they would be lost."""
    if missing := relations() - {each.relation for each in FOLLOWERS}:
        raise CannotMerge(f"Nobody has said yet what becomes of {', '.join(sorted(missing))}; add it first.")
