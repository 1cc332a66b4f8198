"""The taste suite: the pages it compares, and each thing it finds in a ranker that is bad in that way."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import replace
from typing import Any

import pytest

from catalog.models import Franchise, Genre, Item
from feedback.models import FeedbackType
from ml.checkpoint import Checkpoint as Weights
from ml.history import History
from ml.ranker import RankedItem, Ranker
from recommender.feed import PAGE_SIZE
from recommender.models import Checkpoint
from recommender.order import Order
from recommender.serving import LiveRanker, live_ranker
from recommender.starter import load_starter
from recommender.taste import A_NIGHT, Page, Profile, TasteReport, examine_pages, examine_taste, read_profiles
from recommender.tests.fixtures import ADULT, BATTLES, HIDDEN, ROMANCES

LOVE, DISLIKE = FeedbackType.LOVE, FeedbackType.DISLIKE
FIGHTER = Profile("Fights", tuple((pk, LOVE) for pk in (31, 32, 33, 34)))
DREAMER = Profile("Dreams", (*((pk, LOVE) for pk in (1, 2, 3)), (40, DISLIKE)))
PROFILES = (FIGHTER, DREAMER)


class Biased(Ranker):
    """Ranks like the real one, but some titles first, and those of `never` not at all."""

    first: Collection[int] = ()
    never: Collection[int] = ()

    def rank(self, history: History, k: int, *, exclude: Collection[int] = (), **_: Any) -> list[RankedItem]:
        order = super().rank(history, 999, exclude=exclude)
        pushed = [pk for pk in self.first if pk not in exclude]
        rest = [item for item in order if item.item_id not in {*pushed, *self.never}]
        return [*(RankedItem(pk, 0.0) for pk in pushed), *rest][:k]


class Reversed(Ranker):
    """Ranks the worst first."""

    def rank(self, history: History, k: int, *, exclude: Collection[int] = (), **_: Any) -> list[RankedItem]:
        return super().rank(history, 999, exclude=exclude)[::-1][:k]


@pytest.fixture
def champion(live: Checkpoint) -> LiveRanker:
    return live_ranker(live)


def bad(champion: LiveRanker, live: Checkpoint, kind: type[Ranker] = Biased, **how: object) -> LiveRanker:
    ranker = kind(Weights.load(live.path))
    for name, value in how.items():
        setattr(ranker, name, value)
    return replace(champion, ranker=ranker)


def failed(report: TasteReport) -> set[str]:
    return {check.name for check in report.checks if not check.passed}


def test_it_works(champion: LiveRanker) -> None:
    report = examine_taste(champion, champion, PROFILES)
    assert report.passed
    assert [page.profile for page in report.pages] == ["Fights", "Dreams"]
    for page, own in zip(report.pages, (BATTLES, ROMANCES), strict=True):
        assert page.now == page.before
        assert len(page.now) == PAGE_SIZE
        assert len(set(page.now) & set(own)) > PAGE_SIZE / 2
    assert report.names[report.pages[0].now[0]].startswith("No 0")


def test_pages_are_those_of_the_feed(champion: LiveRanker) -> None:
    (page,) = examine_taste(champion, champion, [FIGHTER]).pages
    assert list(page.now) == Order.by(champion, FIGHTER.history(), adult=False).slice(0, PAGE_SIZE)
    assert not set(page.now) & {HIDDEN, ADULT, 31, 32, 33, 34}


def examined(champion: LiveRanker, *shown: int) -> TasteReport:
    """Check a page that the rules of the feed would never let through."""
    page = Page("Fights", FIGHTER.history().anime_ids, before=shown, now=shown)
    return examine_pages([page], champion.catalogue)


def sentence_of(report: TasteReport, name: str) -> str:
    return next(check.sentence for check in report.checks if check.name == name)


def test_a_title_shown_again_is_found(champion: LiveRanker) -> None:
    report = examined(champion, 32, 40)
    assert failed(report) == {"taste: seen"}
    found = sentence_of(report, "taste: seen")
    assert found == "The taste “Fights” is shown No 032 Show, which it has reacted to."


@pytest.mark.parametrize("title", [ADULT, HIDDEN, 900])
def test_a_title_out_of_sight_is_found(champion: LiveRanker, title: int) -> None:
    assert "taste: visible" in failed(examined(champion, title))


def test_a_page_of_one_genre_is_found(champion: LiveRanker, live: Checkpoint) -> None:
    for place in range(10):
        genre = Genre.objects.create(name=f"Kind {place}")
        genre.items.set(Item.objects.filter(pk__in=BATTLES[place::10]))
    assert examine_taste(champion, champion, [FIGHTER]).passed
    report = examine_taste(bad(champion, live, first=ROMANCES), champion, [FIGHTER])
    assert "taste: genres" in failed(report)
    assert examine_taste(champion, bad(champion, live, first=ROMANCES), [FIGHTER]).checks[2].passed


def test_sequels_without_their_start_are_found(live: Checkpoint) -> None:
    for start, later in ((40, 45), (31, 46)):
        show = Franchise.objects.create(name=f"Show {start}")
        Item.objects.filter(pk__in=(start, later)).update(franchise=show)
    champion = live_ranker(live)
    report = examined(champion, 45)
    assert failed(report) == {"taste: sequels"}
    found = sentence_of(report, "taste: sequels")
    assert found == "The taste “Fights” is shown No 045 Show before the start of its series."
    assert examined(champion, 40).passed
    assert examined(champion, 46).passed  # 31 was reacted to


def test_no_ranker_gets_a_sequel_past_the_rules(live: Checkpoint) -> None:
    show = Franchise.objects.create(name="Show")
    Item.objects.filter(pk__in=(40, 45, 50)).update(franchise=show)
    champion = live_ranker(live)
    (page,) = examine_taste(bad(champion, live, first=(50, 45)), champion, [FIGHTER]).pages
    assert page.now[0] == 40
    assert not {45, 50} & set(page.now)


def test_pages_that_have_nothing_in_common_are_found(champion: LiveRanker, live: Checkpoint) -> None:
    report = examine_taste(bad(champion, live, Reversed), champion, PROFILES)
    assert "taste: drift" in failed(report)
    drift = next(check for check in report.checks if check.name == "taste: drift")
    assert drift.sentence.endswith("; more than 60 % is needed.")


def found_in(pages: list[Page], champion: LiveRanker, name: str) -> bool:
    report = examine_pages(pages, champion.catalogue)
    return next(check.passed for check in report.checks if check.name == name)


def turned(n: int) -> Page:
    """Return a page of battles of which the last `n` became romances."""
    before, romances = tuple(BATTLES[8:28]), tuple(ROMANCES[6 : 6 + n])
    return Page("Fights", frozenset(), before, (*before[: PAGE_SIZE - n], *romances))


def test_a_page_that_keeps_just_the_limit_has_drifted(champion: LiveRanker) -> None:
    """The attack of a dozen guests passed at exactly the limit."""
    at_limit = round((1 - A_NIGHT.overlap) * PAGE_SIZE)
    assert turned(at_limit).overlap == A_NIGHT.overlap
    assert not found_in([turned(at_limit)], champion, "taste: drift")
    assert found_in([turned(at_limit - 1)], champion, "taste: drift")


def test_a_genre_that_takes_one_page_over_is_found_however_still_the_others_are(
    champion: LiveRanker,
) -> None:
    still = [turned(0)] * 13
    assert found_in([*still, turned(A_NIGHT.rise)], champion, "taste: genre rises")
    report = examine_pages([*still, turned(A_NIGHT.rise + 1)], champion.catalogue)
    assert failed(report) == {"taste: genre rises"}
    assert sentence_of(report, "taste: genre rises") == (
        "No genre rises more on any page than Romance for the taste “Fights”: from 0 titles on the champion's"
        " to 5; 4 more are allowed."
    )


def test_small_steps_add_up_against_the_reference(champion: LiveRanker, live: Checkpoint) -> None:
    """Each night changes little beside the one before, and all of them a lot."""
    some = bad(champion, live, first=[pk for pk in ROMANCES if pk != HIDDEN][: A_NIGHT.rise])
    more = bad(champion, live, first=[pk for pk in ROMANCES if pk != HIDDEN][: 2 * A_NIGHT.rise])
    assert examine_taste(more, some, [FIGHTER]).checks[-1].passed
    report = examine_taste(more, some, [FIGHTER], reference=champion)
    assert failed(report) == {"taste: genre rises in all"}
    assert "titles on the reference's to" in sentence_of(report, "taste: genre rises in all")
    assert examine_taste(some, champion, [FIGHTER], reference=champion).passed


def test_what_an_installation_does_not_know_is_skipped_and_counted(champion: LiveRanker) -> None:
    elsewhere = Profile("Elsewhere", ((1, LOVE), (70001, LOVE), (70002, LOVE)))
    beyond = Profile("Not in the catalogue", ((900, LOVE),))
    report = examine_taste(champion, champion, [elsewhere, FIGHTER, beyond])
    assert report.skipped == ("Elsewhere", "Not in the catalogue")
    assert [page.profile for page in report.pages] == ["Fights"]
    assert examine_taste(champion, champion, [elsewhere]).passed


def test_the_difference_says_what_came_went_and_moved() -> None:
    told = Page("Any", frozenset(), before=(1, 2, 3, 4), now=(1, 3, 2, 9)).to_dict()
    assert (told["came"], told["went"]) == ([9], [4])
    assert told["moved"] == [[3, 3, 2], [2, 2, 3]]
    assert told["overlap"] == 0.75


def test_the_report_fits_json(champion: LiveRanker) -> None:
    report = examine_taste(champion, champion, PROFILES).to_dict()
    assert json.loads(json.dumps(report)) == report
    assert report["names"][str(report["pages"][0]["now"][0])].startswith("No ")


def test_query_count_is_a_few_a_profile(champion: LiveRanker, django_assert_max_num_queries) -> None:
    with django_assert_max_num_queries(3 + 2 * 3):
        examine_taste(champion, champion, [FIGHTER])


@pytest.fixture
def starter(db) -> LiveRanker:
    """The checkpoint and the catalogue that this checkout brings."""
    list(load_starter())
    return live_ranker(Checkpoint.objects.get())


def test_the_starter_knows_every_profile_and_passes_against_itself(starter: LiveRanker) -> None:
    report = examine_taste(starter, starter)
    assert report.passed, report.checks
    assert report.skipped == ()
    assert len(report.pages) == len(read_profiles()) >= 12
    told = {pk for profile in read_profiles() for pk, _ in profile.told}
    assert all(starter.ranker.knows(pk) for pk in told)
    assert not told & starter.strangers
    assert all(page.overlap == 1 for page in report.pages)
    assert all(len(page.now) == PAGE_SIZE for page in report.pages)
