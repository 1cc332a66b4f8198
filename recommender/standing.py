"""Where titles stand in one person's feed, and what holds them back: named rules, each with its remedy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from django.contrib.humanize.templatetags.humanize import intcomma
from django.urls import reverse

from catalog.models import Item
from feedback.history import History, Reaction
from feedback.models import Dismissal
from recommender.fading import FALL, PATIENCE
from recommender.order import Order

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

    @cached_property
    def feed(self) -> Mapping[int, int]:
        """Map titles to their places in the feed, deep as the model knows titles."""
        live = self.order.live
        n = len(live.ranker.item_ids) if live else DEEPEST_POPULAR
        return {pk: place for place, pk in enumerate(self.order.slice(0, n), start=1)}

    @cached_property
    def masked(self) -> frozenset[int]:
        """Return the model's titles that are no answer: out of sight, or with a reaction."""
        live = self.order.live
        known = frozenset(live.ranker.item_ids if live else ())
        visible = Item.objects.visible(adult=self.order.adult).order_by().values_list("pk", flat=True)
        return known.difference(visible) | self.order.settled

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
        return Places(replace(self.order, history=History(kept)))

    def standing(self, item: Item) -> Standing:
        """Say where a title stands and why it does not stand higher."""
        found = (rule(item, self) for rule in RULES)
        holds = tuple(hold for hold in found if hold is not None)
        return Standing(self.feed.get(item.pk), self.model.get(item.pk), len(self.model), holds)


def _said(item: Item, places: Places) -> Hold | None:
    """Never recommend what the person has an opinion on."""
    reaction = places.reaction_to(item)
    if reaction is None:
        return None
    return Hold(
        "Already answered",
        f"You {reaction.label.lower()} it on {reaction.when:%-d %B %Y}. "
        "What you have an opinion on is never recommended again.",
        Remedy(
            "Take your reaction back, and it competes again.",
            "Take it back",
            reverse("feedback:react", args=[item.pk]),
            (("feedback_type", "0"),),
        ),
        is_out=True,
    )


def _dismissed(item: Item, places: Places) -> Hold | None:
    """Never recommend what the person set aside, while it is set aside."""
    dismissed, history = places.order.dismissed, places.order.history
    if item.pk not in places.order.settled or item.pk in history.anime_ids:
        return None
    kind = Dismissal.Kind.FRANCHISE
    said = "You hid its whole franchise."
    if item.pk in dismissed.seen:
        kind, said = Dismissal.Kind.SEEN, "You have seen it."
    elif item.pk in dismissed.snoozed:
        _, until = dismissed.snoozed[item.pk]
        kind, said = Dismissal.Kind.NOT_NOW, f"You said “not now”: it is back on {until:%-d %B %Y}."
    elif not dismissed.hides_franchise_of(item):  # its series is one by name alone, hidden by another title
        return Hold("Set aside", said, Remedy("Take that back in My activity."), is_out=True)
    url = reverse("feedback:dismiss", args=[item.pk])
    remedy = Remedy("Take that back, and it competes again.", "Show it again", url, (("show", kind.value),))
    return Hold("Set aside", said, remedy, is_out=True)


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
    if not fall or item.pk in places.order.settled:
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


def _spread(item: Item, places: Places) -> Hold | None:
    """Keep one show from filling a page."""
    live, place, by_model = places.order.live, places.feed.get(item.pk), places.model.get(item.pk)
    if live is None or place is None or by_model is None or place <= by_model:
        return None
    series = live.series.get(item.pk)
    above = [pk for pk in live.series if live.series[pk] == series and places.feed.get(pk, place) < place]
    if not series or not above:
        return None
    nearest = max(above, key=lambda pk: places.feed[pk])
    name = Item.objects.get(pk=nearest).name
    return Hold(
        "One of a series",
        f"{name}, of the same series, stands at place {intcomma(places.feed[nearest])}, and ten other titles "
        "come between two of one series.",
        Remedy(
            "Answer that one, and this one moves up.",
            "Open it",
            reverse("recommender:title", args=[nearest]),
        ),
    )


Rule = Callable[[Item, Places], Hold | None]
RULES: tuple[Rule, ...] = (_said, _dismissed, _stranger, _faded, _spread)
