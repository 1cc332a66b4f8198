"""Where titles stand in one person's feed, and what holds them back: named rules, each with its remedy."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from django.contrib.humanize.templatetags.humanize import intcomma
from django.urls import reverse

from catalog.models import Item
from feedback.dismissals import Dismissed
from feedback.history import History, Reaction
from feedback.models import Dismissal
from recommender.dealing import deal
from recommender.fading import FALL, PATIENCE
from recommender.feed import PAGE_SIZE
from recommender.order import Order
from recommender.rules import Held, held_back
from recommender.wildcards import PAGES

DEEPEST_POPULAR = 1_000  # places counted where popularity alone decides: they are the same for everybody


@dataclass(frozen=True)
class Remedy:
    """What would change it, and the form that does so where there is one."""

    sentence: str
    label: str = ""
    url: str = ""
    fields: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Hold:
    """A rule that keeps a title out of the feed, or lower than the model would have it."""

    rule: str
    sentence: str
    remedy: Remedy
    is_out: bool = False  # else it is only lower


@dataclass(frozen=True)
class Standing:
    """One title's place, counted from 1, and everything that holds it back."""

    place: int | None  # in the feed as it is; None where it is out, or behind all that is counted
    by_model: int | None  # by the model alone, before any rule
    n: int  # titles that the model orders
    holds: tuple[Hold, ...]

    @property
    def is_out(self) -> bool:
        return any(hold.is_out for hold in self.holds)


@dataclass(frozen=True)
class Places:
    """The whole of one person's order, for questions about any title: ranks once, about 50 ms."""

    order: Order
    who: object = None  # whom the wildcards are drawn for; without anybody the list stands as it is ranked

    @cached_property
    def feed(self) -> Mapping[int, int]:
        """Map titles to their places in the feed, wildcards counted, deep as the model knows titles."""
        live = self.order.live
        ranked = self.order.slice(0, len(live.ranker.item_ids) if live else DEEPEST_POPULAR)
        pages = [] if self.who is None else deal(self.order, 1, PAGES, PAGE_SIZE, who=self.who)[0]
        first = [place.anime_id for page in pages for place in page]
        return {pk: place for place, pk in enumerate(dict.fromkeys([*first, *ranked]), start=1)}

    @cached_property
    def masked(self) -> frozenset[int]:
        """Return the model's titles that are no answer: out of sight, or with one already."""
        situation, live = self.order.situation, self.order.live
        unseen = frozenset(situation.catalogue.ids_of(~situation.visible))
        return unseen | self.settled | (live.strangers if live else frozenset())

    @cached_property
    def settled(self) -> frozenset[int]:
        """Return the titles that the person has answered, be it with an opinion or without one."""
        situation = self.order.situation
        rows = situation.reacted | situation.set_aside | situation.catalogue.mask_of(situation.watched)
        return frozenset(situation.catalogue.ids[rows].tolist())

    @cached_property
    def model(self) -> Mapping[int, int]:
        """Map titles to their places by the model's score alone, among those that may be shown."""
        live = self.order.live
        if live is None:
            return {}
        n = len(live.ranker.item_ids)
        ranked = live.ranker.rank(self.order.sequence, n, exclude=self.masked)
        return {title.item_id: place for place, title in enumerate(ranked, start=1)}

    def reaction_to(self, item: Item) -> Reaction | None:
        """Return what the person said about a title."""
        return next((said for said in self.order.history.reactions if said.anime_id == item.pk), None)

    def without(self, item: Item) -> Places:
        """Return the order as it would be, had the person said nothing about a title."""
        kept = tuple(said for said in self.order.history.reactions if said.anime_id != item.pk)
        return Places(replace(self.order, history=History(kept)), self.who)

    def standing(self, item: Item) -> Standing:
        """Say where a title stands and why it does not stand higher."""
        lower = (rule(item, self) for rule in LOWER)
        holds = (*_ruled(item, self), *(hold for hold in lower if hold is not None))
        return Standing(self.feed.get(item.pk), self.model.get(item.pk), len(self.model), holds)


def _ruled(item: Item, places: Places) -> Iterator[Hold]:
    """Say which of the feed's own rules leave a title out."""
    for held in held_back(places.order.situation, item.pk):
        yield Hold(held.rule.capitalize(), held.sentence, _remedy(held, item, places), is_out=True)


def _remedy(held: Held, item: Item, places: Places) -> Remedy:
    """Offer the button where one press will do."""
    if held.rule == "already answered":
        url = reverse("feedback:react", args=[item.pk])
        return Remedy(held.remedy, "Take it back", url, (("feedback_type", "0"),))
    kind = _dismissal_of(item, places.order.dismissed) if held.rule == "set aside" else None
    if kind is not None:
        url = reverse("feedback:dismiss", args=[item.pk])
        return Remedy(held.remedy, "Show it again", url, (("show", kind.value),))
    return Remedy(held.remedy)


def _dismissal_of(item: Item, dismissed: Dismissed) -> Dismissal.Kind | None:
    """Return which dismissal the title itself stands under; None for one of a series by its name alone."""
    if item.pk in dismissed.seen:
        return Dismissal.Kind.SEEN
    if item.pk in dismissed.snoozed:
        return Dismissal.Kind.NOT_NOW
    return Dismissal.Kind.FRANCHISE if dismissed.hides_franchise_of(item) else None


def _stranger(item: Item, places: Places) -> Hold | None:
    """Rank what the model does not know behind everything it does."""
    live = places.order.live
    if live is None or live.ranker.knows(item.pk):
        return None
    return Hold(
        "Unknown to the model",
        "Too few people had spoken about it when the model was trained, so it stands behind every title "
        f"that the model knows, by popularity ({intcomma(item.members)} members).",
        Remedy("Nothing you can press: it is learnt once a few people here have reacted to it."),
    )


def _faded(item: Item, places: Places) -> Hold | None:
    """Let a title that was shown often and ignored stand lower for a while."""
    fall = places.order.falls.get(item.pk)
    if not fall or item.pk in places.settled:
        return None
    days = fall // FALL + PATIENCE
    return Hold(
        "Shown and ignored",
        f"It was shown to you on {days} days without an answer, so it stands {fall} places lower.",
        Remedy(
            "Save it, and it moves back up tomorrow; left alone, it comes back within 30 days.",
            "Save it",
            reverse("feedback:save", args=[item.pk]),
            (("saved", "1"),),
        ),
    )


LOWER: tuple[Callable[[Item, Places], Hold | None], ...] = (_stranger, _faded)
