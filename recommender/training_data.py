"""What a training run learns from and is judged by: read from the log and the bootstrap ratings, streaming.

Nobody held out ever teaches: of the ratings the people that the starter holds out, of the site a tenth of its
people, both by a hash of their name, and of everybody else with news the newest word. Who of the site is read
at all, `recommender.trust` draws.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
import pandas as pd
from django.conf import settings
from django.db.models import Count

from catalog.models import MergedItem
from feedback.exporting import Extent, export_events, pseudonym_of
from feedback.guests import GUEST_PREFIX
from feedback.models import Event
from ml.baselines import EASE, Popularity
from ml.data import Dataset, clean, describe, joined
from ml.directories import new_directory
from ml.gate import Panel
from ml.protocols import Case, fold_in
from ml.ratings import DataError, read_ratings
from ml.scoring import Scorer
from ml.splits import user_fractions
from recommender import trust
from recommender.newest import newest_cases, shown_beside, without_newest

RATINGS_HELD_OUT = 0.02  # as the starter's own
SITE_HELD_OUT = 0.1
MOST_HELD_OUT = 2_000  # people of the site, those of the lowest hash
MOST_OLD_PEOPLE = 5_000  # that one fine-tuning replays; a full training takes all
FEWEST_PEOPLE = 3  # who must have reacted to a title before the model gets a row for it
NEVER = 2**31  # a title nobody asked to keep never gets a row


@dataclass(frozen=True)
class Material:
    """Datasets of one id map, but for `beside`; any of them may be of nobody."""

    news: Dataset  # the whole lists of people with new events
    replay: Dataset  # people without
    held_ratings: Dataset
    held_site: Dataset
    newest: Dataset  # people of `news` with one event more, their newest
    beside: Dataset  # the same people, and the titles that this one was chosen from, where cards showed it

    def save(self, folder: Path) -> None:
        """Write everything, or nothing: a run that is taken over goes on with the same data."""
        with new_directory(folder) as draft:
            for part in fields(self):
                dataset: Dataset = getattr(self, part.name)
                dataset.save(draft / part.name, describe(dataset))

    @classmethod
    def load(cls, folder: Path) -> Material:
        """Read what `save` wrote. Raises DataError when it is damaged."""
        return cls(**{part.name: Dataset.load(folder / part.name) for part in fields(cls)})


@dataclass(frozen=True)
class People:
    """Who of the site is read, by user id, and the names of those with news."""

    ids: list[int]
    news: frozenset[str]
    attendance: trust.Attendance  # of those with news who are not held out


def material(
    folder: Path,
    known: tuple[int, ...],
    extent: tuple[int, int],
    *,
    whole: bool,
    came: Callable[[trust.Attendance], None] = lambda _: None,
) -> Material:
    """Return the data of a run: that which it left in `folder` before it died, else read anew and kept there.

    `known` are the ids of the titles that the parent knows. The news are the events after the first id of
    `extent`, up to the second. With `whole` everybody is replayed. Data that is read again is announced to
    `came`. Raises DataError when no list is left to learn from.
    """
    kept = folder / "data"
    if kept.exists():
        try:
            return Material.load(kept)
        except DataError:
            shutil.rmtree(kept)
    people = choose_people(*extent, None if whole else MOST_OLD_PEOPLE)
    came(people.attendance)
    found = gather(known, extent, people)
    found.save(kept)
    return found


def bootstrap_ratings(path: Path) -> pd.DataFrame:
    """Read the ratings; what they say about a title that was merged is about the one that stayed."""
    ratings = read_ratings(path)
    heirs = MergedItem.objects.heirs()
    return ratings.assign(item_id=ratings["item_id"].replace(heirs)) if heirs else ratings


def gather(known: tuple[int, ...], extent: tuple[int, int], people: People) -> Material:
    """Read the log and the ratings, and say who teaches what."""
    _, until = extent
    tables = [read_log(people, until)]
    if settings.RATINGS_CSV:
        tables.insert(0, bootstrap_ratings(Path(settings.RATINGS_CSV)))
    everybody = clean(tables, NEVER, keep_items={*known, *new_titles(until)})
    of_site = np.char.startswith(everybody.user_ids, "site-")
    fractions = user_fractions(everybody.user_ids)
    held = fractions < np.where(of_site, SITE_HELD_OUT, RATINGS_HELD_OUT)
    has_news = np.isin(everybody.user_ids, list(people.news)) & ~held
    news, newest = without_newest(everybody.people(has_news))
    users = {pseudonym_of(user_id): user_id for user_id in people.ids}
    return Material(
        news=news,
        replay=everybody.people(~held & ~has_news),
        held_ratings=everybody.people(held & ~of_site),
        held_site=everybody.people(held & of_site),
        newest=newest,
        beside=shown_beside(newest, [users[name] for name in newest.user_ids]),
    )


def panels_of(data: Material) -> list[Panel]:
    """Return whom a candidate is judged by: nobody, and no event, that it was trained on."""
    return [
        Panel("held-out people of the ratings", fold_in(data.held_ratings)),
        Panel("held-out people of the site", wanted(fold_in(data.held_site))),
        Panel("people by their newest reaction", newest_cases(data.newest, data.beside), (None,)),
    ]


def wanted(cases: list[Case]) -> list[Case]:
    """Drop the disliked targets: who dislikes a card here was shown it, and did not choose it."""
    left = (replace(case, targets=tuple(t for t in case.targets if t not in case.disliked)) for case in cases)
    return [case for case in left if case.targets]


def references_of(data: Material) -> dict[str, Scorer]:
    """Fit what every ranker must beat to the same people."""
    learners = joined(data.news, data.replay)
    return {"EASE": EASE(learners), "popularity": Popularity(learners)}


def choose_people(after: int, until: int, most_old: int | None) -> People:
    """Choose, in one pass over the people of the log, who is read.

    Everybody with news, the held-out people, and of all others `most_old`, those of the highest hash: the
    draw is the same every night until more people come. Of each of these groups those take part whom
    `recommender.trust` draws; who said a single thing teaches nothing, and takes no place there.
    """
    said = Event.objects.standing().teaching().filter(pk__lte=until).order_by()
    with_news = set(said.filter(pk__gt=after).values_list("user_id", flat=True).distinct().iterator())
    old: list[tuple[bool, float, int]] = []
    held: list[tuple[bool, float, int]] = []
    news = []
    titles = said.values("user_id").annotate(titles=Count("item_id", distinct=True)).filter(titles__gte=2)
    for user_id, username in titles.values_list("user_id", "user__username").iterator():
        fraction = float(user_fractions(np.array([pseudonym_of(user_id)]))[0])
        named_guest = username.startswith(GUEST_PREFIX)  # however many there are, members are not crowded out
        if fraction < SITE_HELD_OUT:
            held.append((named_guest, fraction, user_id))
        elif user_id in with_news:
            news.append(user_id)
        else:
            old.append((named_guest, -fraction, user_id))
    known = trust.look_up(news)
    taught = trust.take_part(known, until, trust.RULES)
    judges = _drawn(sorted(held)[:MOST_HELD_OUT], until, trust.JUDGES)
    replayed = _drawn(sorted(old)[:most_old], until, trust.RULES)
    return People(
        sorted(judges | replayed | taught),
        frozenset(map(pseudonym_of, taught)),
        trust.Attendance.of(known, taught, trust.RULES),
    )


def _drawn(people: Sequence[tuple[bool, float, int]], seed: int, rules: trust.Rules) -> set[int]:
    return trust.take_part(trust.look_up([user_id for *_, user_id in people]), seed, rules)


def read_log(people: People, until: int) -> pd.DataFrame:
    """Read the lists of the chosen people by way of a file, as the command line would."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events.csv"
        export_events(path, Extent(until=until, people=people.ids))
        return read_ratings(path)


def new_titles(until: int) -> list[int]:
    """Return the titles that enough people have reacted to for a row of their own."""
    said = Event.objects.standing().teaching().filter(pk__lte=until).order_by()
    counted = said.values("item_id").annotate(people=Count("user_id", distinct=True))
    return list(counted.filter(people__gte=FEWEST_PEOPLE).values_list("item_id", flat=True))
