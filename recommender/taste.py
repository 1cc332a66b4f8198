"""The taste suite: what known tastes would be shown by a candidate, beside what the champion shows them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from catalog.models import Item
from feedback.history import History, Reaction
from feedback.models import FeedbackType
from ml.verdicts import Check
from recommender.catalogue import Catalogue
from recommender.feed import PAGE_SIZE
from recommender.order import Order
from recommender.serving import LiveRanker
from recommender.situation import Situation

PROFILES = Path(__file__).with_name("taste_profiles.json")
# A profile says something here if at least this share of what it was told about exists here.
ENOUGH_KNOWN = 0.5
# Profiles react once a minute, from a fixed time on: the same profile is the same history for ever.
FIRST_REACTION, A_MINUTE = 1_700_000_000.0, 60.0
# Different genres on a page, or this share of those on the champion's page where that is less.
MIN_GENRES, GENRES_KEPT = 8, 0.5


@dataclass(frozen=True)
class Limits:
    """How far pages may move from a ranker's; `benchmarks.poisoning` has honest nights and others."""

    overlap: float  # of a page with that ranker's, on average: at this or below it is another model
    rise: int  # titles by which a genre may rise on any page of `PAGE_SIZE`: more is somebody's wish


A_NIGHT = Limits(0.6, 4)  # from the champion, by a night's training
IN_ALL = Limits(0.4, 6)  # from the reference, by all nights since, or by a training from nothing


@dataclass(frozen=True)
class Profile:
    """A taste: what somebody with it said about some titles, oldest first."""

    name: str
    told: tuple[tuple[int, FeedbackType], ...]

    def history(self) -> History:
        return History(
            tuple(
                Reaction(place, anime_id, feedback_type, FIRST_REACTION + A_MINUTE * place)
                for place, (anime_id, feedback_type) in enumerate(self.told)
            )
        )

    def fits(self, live: LiveRanker) -> bool:
        """Say whether enough of the titles are known to a ranker and in the catalogue."""
        known = [pk for pk, _ in self.told if live.ranker.knows(pk) and pk not in live.strangers]
        return len(known) >= max(ENOUGH_KNOWN * len(self.told), 1)


@dataclass(frozen=True)
class Page:
    """The first page of one profile: `now` is the candidate's, `before` the champion's."""

    profile: str
    seen: frozenset[int]
    before: tuple[int, ...]
    now: tuple[int, ...]

    @property
    def shown(self) -> tuple[int, ...]:
        """Return what either shows."""
        return (*self.before, *self.now)

    @property
    def kept(self) -> int:
        """Count the champion's titles that are still there."""
        return len(set(self.before) & set(self.now))

    @property
    def overlap(self) -> float:
        return self.kept / len(self.before) if self.before else 1.0

    def to_dict(self) -> dict[str, Any]:
        """Return both pages, and what came, what went and what moved, places from 1."""
        was = {anime_id: place for place, anime_id in enumerate(self.before, start=1)}
        places = {anime_id: place for place, anime_id in enumerate(self.now, start=1)}
        return {
            "profile": self.profile,
            "before": list(self.before),
            "now": list(self.now),
            "came": [pk for pk in self.now if pk not in was],
            "went": [pk for pk in self.before if pk not in places],
            "moved": [[pk, was[pk], place] for pk, place in places.items() if was.get(pk, place) != place],
            "overlap": round(self.overlap, 3),
        }


@dataclass(frozen=True)
class TasteReport:
    """What the suite found; `names` has every title on any page that the catalogue knows."""

    checks: tuple[Check, ...]
    pages: tuple[Page, ...]
    skipped: tuple[str, ...]  # profiles of which this installation knows too little
    names: Mapping[int, str]

    @property
    def passed(self) -> bool:
        return all(check.passed for check in self.checks)

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the checks for JSON, whose keys are words."""
        return {
            "pages": [page.to_dict() for page in self.pages],
            "skipped": list(self.skipped),
            "names": {str(pk): name for pk, name in self.names.items()},
        }


def read_profiles() -> list[Profile]:
    """Read the canned profiles, whose ids are MyAnimeList's."""
    words = {"love": FeedbackType.LOVE, "like": FeedbackType.LIKE, "dislike": FeedbackType.DISLIKE}
    rows = json.loads(PROFILES.read_text(encoding="utf-8"))
    return [Profile(row["name"], tuple((pk, words[word]) for pk, word in row["told"])) for row in rows]


def examine_taste(
    candidate: LiveRanker,
    champion: LiveRanker,
    profiles: Sequence[Profile] | None = None,
    *,
    limits: Limits = A_NIGHT,
    reference: LiveRanker | None = None,
) -> TasteReport:
    """Show the profiles both rankers' first pages, as the feed would with adult titles off, and check them.

    With a `reference`, the ranker from which the champion was made night by night, its pages are compared
    too: many small steps in one direction are a large one. Costs three queries a profile and ranker at most,
    and some milliseconds of ranking.
    """
    asked = read_profiles() if profiles is None else profiles
    fitting = [profile for profile in asked if profile.fits(champion)]
    pages = tuple(page_of(profile, candidate, champion) for profile in fitting)
    skipped = tuple(profile.name for profile in asked if profile not in fitting)
    report = examine_pages(pages, champion.catalogue, skipped, limits)
    if reference is None:
        return report
    since = tuple(page_of(profile, candidate, reference) for profile in fitting if profile.fits(reference))
    return replace(report, checks=(*report.checks, *examine_steps(since)))


def examine_steps(pages: Sequence[Page]) -> tuple[Check, ...]:
    """Check how far all nights have led; in `pages` the reference's stand in the place of the champion's."""
    items = Item.objects.prefetch_related("genres").in_bulk({pk for page in pages for pk in page.shown})
    found = _no_drift(pages, IN_ALL, "reference"), _no_genre_rises(pages, items, IN_ALL, "reference")
    return tuple(replace(check, name=f"{check.name} in all") for check in found)


def examine_pages(
    pages: Sequence[Page],
    catalogue: Catalogue,
    skipped: tuple[str, ...] = (),
    limits: Limits = A_NIGHT,
) -> TasteReport:
    """Check pages. The feed's rules promise the first, second and fourth check; here they are kept to it."""
    shown = {pk for page in pages for pk in page.shown}
    items = Item.objects.prefetch_related("genres").in_bulk(shown)
    checks = (
        _nothing_seen(pages, items),
        _nothing_out_of_sight(pages, items),
        _different_genres(pages, items),
        _no_sequels(pages, catalogue, items),
        _no_drift(pages, limits),
        _no_genre_rises(pages, items, limits),
    )
    return TasteReport(checks, tuple(pages), skipped, {pk: item.name for pk, item in items.items()})


def page_of(profile: Profile, candidate: LiveRanker, champion: LiveRanker) -> Page:
    """Rank for one profile as the site would."""
    history = profile.history()
    now, before = (
        tuple(Order.by(live, history, adult=False).slice(0, PAGE_SIZE)) for live in (candidate, champion)
    )
    return Page(profile.name, history.anime_ids, before, now)


def _nothing_seen(pages: Sequence[Page], items: Mapping[int, Item]) -> Check:
    again = next(((page, pk) for page in pages for pk in page.now if pk in page.seen), None)
    if again is None:
        return Check("taste: seen", True, f"None of {len(pages)} tastes is shown what it has reacted to.")
    page, pk = again
    sentence = f"The taste “{page.profile}” is shown {_name(pk, items)}, which it has reacted to."
    return Check("taste: seen", False, sentence)


def _nothing_out_of_sight(pages: Sequence[Page], items: Mapping[int, Item]) -> Check:
    visible = {
        pk for pk, item in items.items() if not (item.is_hidden or any(g.is_adult for g in item.genres.all()))
    }
    wrong = next(((page, pk) for page in pages for pk in page.now if pk not in visible), None)
    if wrong is None:
        return Check("taste: visible", True, "Nobody is shown a title that is adult, hidden or not here.")
    page, pk = wrong
    sentence = f"The taste “{page.profile}” is shown {_name(pk, items)}, which is adult, hidden or not here."
    return Check("taste: visible", False, sentence)


def _different_genres(pages: Sequence[Page], items: Mapping[int, Item]) -> Check:
    def count(anime_ids: Sequence[int]) -> int:
        return len({genre.pk for pk in anime_ids if pk in items for genre in items[pk].genres.all()})

    for page in pages:
        now, before = count(page.now), count(page.before)
        if now < min(MIN_GENRES, GENRES_KEPT * before):
            sentence = f"The page of the taste “{page.profile}” has {now} genres, the champion's {before}."
            return Check("taste: genres", False, sentence)
    fewest = min((count(page.now) for page in pages), default=0)
    return Check("taste: genres", True, f"Every page has {fewest} genres or more.")


def _no_sequels(pages: Sequence[Page], catalogue: Catalogue, items: Mapping[int, Item]) -> Check:
    hidden = list(Item.objects.withheld(adult=True).values_list("pk", flat=True))
    for page in pages:
        said = dict.fromkeys(page.seen, FeedbackType.LIKE)  # what was disliked has a rule of its own
        starts = Situation(catalogue, said=said, hidden=hidden)
        for row in catalogue.rows_of(page.now).tolist():
            if not starts.begun[catalogue.group[row]] and starts.entry_of(row) != row:
                name = _name(int(catalogue.ids[row]), items)
                sentence = f"The taste “{page.profile}” is shown {name} before the start of its series."
                return Check("taste: sequels", False, sentence)
    return Check("taste: sequels", True, "Nobody is shown a sequel before the start of its series.")


def _no_drift(pages: Sequence[Page], limits: Limits, whose: str = "champion") -> Check:
    if not pages:
        return Check("taste: drift", True, "No taste is known here well enough to compare pages.")
    mean = sum(page.overlap for page in pages) / len(pages)
    least = min(pages, key=lambda page: page.overlap)
    found = f"On average {_percent(mean)} of a page is on the {whose}'s too, least"
    found = f"{found} ({_percent(least.overlap)}) for the taste “{least.profile}”"
    sentence = f"{found}; more than {_percent(limits.overlap)} is needed."
    return Check("taste: drift", mean > limits.overlap, sentence)


def _no_genre_rises(
    pages: Sequence[Page], items: Mapping[int, Item], limits: Limits, whose: str = "champion"
) -> Check:
    """Check that no genre takes a page over."""
    counts = [(page, _genres_of(page.before, items), _genres_of(page.now, items)) for page in pages]
    rises = [(now[g] - before[g], page, g, before[g], now[g]) for page, before, now in counts for g in now]
    if not rises:
        return Check("taste: genre rises", True, "There are no genres to compare.")
    rise, page, genre, n_before, n_now = max(rises, key=lambda each: each[0])
    found = (
        f"No genre rises more on any page than {genre} for the taste “{page.profile}”: from {n_before}"
        f" titles on the {whose}'s to {n_now}"
    )
    return Check("taste: genre rises", rise <= limits.rise, f"{found}; {limits.rise} more are allowed.")


def _genres_of(anime_ids: Sequence[int], items: Mapping[int, Item]) -> Counter[str]:
    """Count the titles of each genre."""
    return Counter(genre.name for pk in anime_ids if pk in items for genre in items[pk].genres.all())


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _name(pk: int, items: Mapping[int, Item]) -> str:
    return items[pk].name if pk in items else f"the title {pk}"
