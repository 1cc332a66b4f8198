"""Pages with wildcards: how many, which titles, and what is logged of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
import time_machine
from django.contrib.auth.models import AnonymousUser, User
from django.test import Client
from django.utils import timezone

from feedback.models import Event, FeedbackType
from recommender import dealing, online, wildcards
from recommender.dealing import Place
from recommender.feed import feed_for
from recommender.models import Impression, Preferences
from recommender.order import Order
from recommender.standing import Places
from recommender.tests.fixtures import BATTLES, ROMANCES, Promote, say

SIZE = 4


@pytest.fixture
def ann(catalogue: None, promote: Promote, monkeypatch: pytest.MonkeyPatch) -> User:
    """Somebody with a taste, on a site whose pages and pools suit its sixty titles."""
    promote("first")
    monkeypatch.setattr("recommender.feed.PAGE_SIZE", SIZE)
    monkeypatch.setattr(dealing, "PAGES", 3)
    monkeypatch.setattr(wildcards, "POOL_STARTS", 3 * SIZE)
    monkeypatch.setattr(wildcards, "POOL", 6)
    person = User.objects.create_user("ann")
    for anime_id in ROMANCES[:3]:
        say(person, anime_id, FeedbackType.LOVE)
    return person


def wanted(person: User, n: int) -> None:
    Preferences.objects.update_or_create(user=person, defaults={"wildcards": n})


@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_exactly_so_many_are_on_each_of_the_first_pages(ann: User, n: int) -> None:
    wanted(ann, n)
    pages = [feed_for(ann, page=number).cards for number in (1, 2, 3, 4)]
    assert [sum(card.is_wildcard for card in cards) for cards in pages] == [n, n, n, 0]
    assert [len(cards) for cards in pages] == [SIZE] * 4


@pytest.mark.parametrize("n", [1, 3])
def test_pages_never_repeat_a_title_and_are_the_same_in_one_piece(ann: User, n: int) -> None:
    wanted(ann, n)
    alone = [card.item.pk for number in range(1, 16) for card in feed_for(ann, page=number).cards]
    assert len(alone) == len(set(alone))
    together = feed_for(ann, shown=12).cards
    assert [card.item.pk for card in together] == alone[:12]
    wanted(ann, 0)
    plain = [card.item.pk for number in range(1, 16) for card in feed_for(ann, page=number).cards]
    assert set(plain) == set(alone)  # a wildcard takes nothing away


def test_wildcards_come_from_beyond_the_pages_that_have_them(ann: User) -> None:
    wanted(ann, 0)
    near = {card.item.pk for card in feed_for(ann, shown=12).cards}
    wanted(ann, 2)
    wild = [card for card in feed_for(ann, shown=12).cards if card.is_wildcard]
    assert not near & {card.item.pk for card in wild}
    assert {card.reason.text for card in wild} == {"From beyond your list, to find out what else you like"}


def test_why_not_counts_the_places_as_the_feed_deals_them(ann: User, monkeypatch) -> None:
    monkeypatch.setattr("recommender.standing.PAGE_SIZE", SIZE)
    wanted(ann, 2)
    shown = [card.item.pk for card in feed_for(ann, shown=16).cards]
    order = Order.of(ann)
    places = Places(order, ann.pk).feed
    assert [places[pk] for pk in shown] == [*range(1, len(shown) + 1)]
    assert sorted(places.values()) == [*range(1, len(places) + 1)]
    as_ranked = Places(order).feed
    assert places.keys() == as_ranked.keys()
    assert any(as_ranked[pk] != places[pk] for pk in shown)


def test_the_least_known_title_of_a_pool_is_the_most_novel(ann: User) -> None:
    order = Order.of(ann)
    pool = tuple(order.slice(10, 20))
    found = dealing.novelty(order, pool)
    assert sorted(found) == pytest.approx(np.linspace(0, 1, 10))
    assert order.live is not None
    known = dict(zip(order.live.ranker.item_ids, order.live.ranker.log_popularity, strict=True))
    by_novelty = [pool[place] for place in np.argsort(found)]
    assert by_novelty == sorted(pool, key=lambda anime_id: known[anime_id], reverse=True)
    assert dealing.novelty(order, pool[:1]).tolist() == [0.0]


def test_where_the_model_says_nothing_novel_is_what_has_few_members(ann: User) -> None:
    pool = (BATTLES[4], ROMANCES[2], BATTLES[20])  # a lower id has more members here
    assert dealing.novelty(Order.of(AnonymousUser()), pool).tolist() == [0.5, 0.0, 1.0]


def test_a_place_of_the_list_was_certain_and_a_wildcard_is_marked() -> None:
    guests = [wildcards.Wildcard(70, 0.25)]
    assert dealing._mixed([1, 2], guests, 3) == [
        Place(1, is_wildcard=False, propensity=1.0),
        Place(70, is_wildcard=True, propensity=0.25),
        Place(2, is_wildcard=False, propensity=1.0),
    ]
    assert dealing._mixed([], guests, 3) == []


@pytest.mark.parametrize(("guests", "at"), [(1, [6]), (2, [4, 8]), (3, [3, 6, 9])])
def test_wildcards_stand_evenly_over_a_page(guests: int, at: list[int]) -> None:
    wild = [wildcards.Wildcard(100 + number, 0.1) for number in range(guests)]
    page = dealing._mixed(list(range(12 - guests)), wild, 12)
    assert [place for place, each in enumerate(page) if each.is_wildcard] == at
    assert [each.anime_id for each in page if not each.is_wildcard] == list(range(12 - guests))


def test_the_list_ends_where_its_last_title_was_dealt(ann: User) -> None:
    order = replace(Order.of(ann), wildcards=0)
    everything = order.slice(0, 999)
    whole = len(everything) // SIZE
    pages, more = dealing.deal(order, 1, whole, SIZE, who=ann.pk)
    assert [place.anime_id for page in pages for place in page] == everything[: whole * SIZE]
    assert more == (len(everything) % SIZE > 0)
    assert not dealing.deal(order, whole, whole + 1, SIZE, who=ann.pk)[1]
    assert dealing.deal(order, 1, whole - 1, SIZE, who=ann.pk)[1]
    assert dealing.deal(order, 1, 1, len(everything), who=ann.pk) == (
        [[Place(anime_id) for anime_id in everything]],
        False,
    )
    assert dealing.deal(order, 1, 1, len(everything) - 1, who=ann.pk)[1]


def test_the_last_page_with_wildcards_has_a_whole_pool(ann: User) -> None:
    """Also where a page is so short that the list alone would not reach so deep."""
    order = replace(Order.of(ann), wildcards=2)
    (page,), more = dealing.deal(order, 1, 1, SIZE, who=ann.pk)
    pool = order.slice(0, 999)[wildcards.pool_of(1)]
    assert more
    drawn = [place for place in page if place.is_wildcard]
    assert len(drawn) == 2
    assert {place.anime_id for place in drawn} <= set(pool)
    other = wildcards.choose(
        pool, 2, dealing.novelty(order, pool), wildcards.Evidence({}, {}), (ann.pk, timezone.localdate(), 1)
    )
    assert [(place.anime_id, place.propensity) for place in drawn] == [
        (each.anime_id, each.propensity) for each in other
    ]


def drawn(pages: list[list[Place]]) -> list[list[int]]:
    return [[place.anime_id for place in page if place.is_wildcard] for page in pages]


def test_each_page_draws_from_its_own_pool_and_all_titles_are_dealt_once(ann: User) -> None:
    order = replace(Order.of(ann), wildcards=2)
    everything = order.slice(0, 999)
    pages, more = dealing.deal(order, 1, 20, SIZE, who=ann.pk)
    for number, wild in enumerate(drawn(pages)[:3], start=1):
        assert len(wild) == 2
        assert set(wild) <= set(everything[wildcards.pool_of(number)])
    assert not any(drawn(pages)[3:])
    dealt = [place.anime_id for page in pages for place in page]
    assert (sorted(dealt), more) == (sorted(everything), False)
    deep, more = dealing.deal(order, 1, 10, SIZE, who=ann.pk)
    assert ([len(page) for page in deep], more) == ([SIZE] * 10, True)


def test_a_draw_is_one_persons_from_their_own_pool_and_for_so_many(ann: User) -> None:
    """Though the ranker remembers what it drew."""
    order = replace(Order.of(ann), wildcards=2)
    pages, _ = dealing.deal(order, 1, 3, SIZE, who=1)
    assert dealing.deal(order, 1, 3, SIZE, who=1)[0] == pages
    assert drawn(dealing.deal(order, 1, 3, SIZE, who=2)[0]) != drawn(pages)
    fewer, _ = dealing.deal(replace(order, wildcards=1), 1, 3, SIZE, who=1)
    assert [len(wild) for wild in drawn(fewer)] == [1, 1, 1]
    say(ann, BATTLES[3], FeedbackType.LOVE)
    other = replace(Order.of(ann), wildcards=2)
    wild = drawn(dealing.deal(other, 1, 1, SIZE, who=1)[0])[0]
    assert set(wild) <= set(other.slice(0, 999)[wildcards.pool_of(1)])


def test_the_evidence_is_that_of_the_day(ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def counted(today: date) -> wildcards.Evidence:
        asked.append(today)
        return wildcards.Evidence({}, {})

    monkeypatch.setattr(dealing, "evidence", counted)
    order = replace(Order.of(ann), wildcards=1)
    for days in (0, 0, 1):
        with time_machine.travel(datetime(2026, 3, 1 + days, 12, tzinfo=UTC)):
            dealing.deal(order, 1, 1, SIZE, who=ann.pk)
    assert asked == [date(2026, 3, 1), date(2026, 3, 2)]


def test_of_two_titles_the_better_known_is_not_novel_at_all(ann: User) -> None:
    order = Order.of(ann)
    assert sorted(dealing.novelty(order, order.slice(0, 2))) == [0.0, 1.0]


def test_a_short_list_fills_its_page(ann: User) -> None:
    wanted(ann, 3)
    for anime_id in (*ROMANCES[3:], *BATTLES[:20]):
        say(ann, anime_id, FeedbackType.LIKE)
    cards = feed_for(ann, page=1).cards
    assert len(cards) == SIZE
    assert not any(card.is_wildcard for card in feed_for(ann, page=3).cards)


def test_popular_lists_have_none(ann: User) -> None:
    other = User.objects.create_user("ben")
    wanted(other, 3)
    assert not any(card.is_wildcard for card in feed_for(other).cards)


@pytest.mark.parametrize("said", [FeedbackType.LOVE, FeedbackType.DISLIKE])
def test_taking_an_answer_to_a_wildcard_back_restores_the_page(ann: User, said: FeedbackType) -> None:
    wanted(ann, 2)
    before = [card.item.pk for card in feed_for(ann, shown=12).cards]
    wild = next(card.item.pk for card in feed_for(ann).cards if card.is_wildcard)
    event = say(ann, wild, said)
    assert wild not in [card.item.pk for card in feed_for(ann, shown=12).cards]
    Event.objects.undo(event)
    assert [card.item.pk for card in feed_for(ann, shown=12).cards] == before


def test_what_was_shown_is_logged_with_its_chance(ann: User, client: Client) -> None:
    wanted(ann, 2)
    client.force_login(ann)
    page = client.get("/")
    assert page.content.count(b"card__wild") == 2
    rows = Impression.objects.filter(user=ann)
    wild = rows.filter(slot=Impression.Slot.WILDCARD)
    assert wild.count() == 2
    assert all(0 < row.propensity < 1 for row in wild)
    assert {row.propensity for row in rows.exclude(slot=Impression.Slot.WILDCARD)} == {1.0}


def test_what_they_got_before_today_is_the_evidence(ann: User, client: Client) -> None:
    wanted(ann, 1)
    client.force_login(ann)
    client.get("/")
    row = Impression.objects.get(slot=Impression.Slot.WILDCARD)
    event = say(ann, row.item_id, FeedbackType.LOVE)
    Impression.objects.filter(pk=row.pk).update(event=event)
    assert wildcards.evidence(row.day).shown == {}
    tomorrow = wildcards.evidence(row.day + timedelta(days=1))
    assert (tomorrow.shown, tomorrow.loved) == ({row.item_id: 1}, {row.item_id: 1})


def test_the_admin_sets_wildcards_beside_the_rest(ann: User, client: Client, admin_client: Client) -> None:
    wanted(ann, 1)
    client.force_login(ann)
    client.get("/")
    row = Impression.objects.get(slot=Impression.Slot.WILDCARD)
    Impression.objects.filter(pk=row.pk).update(event=say(ann, row.item_id, FeedbackType.LOVE))
    page = admin_client.get("/admin/recommender/checkpoint/online/").content.decode()
    assert "Wildcards and the rest" in page
    assert "at random, 100.0 % of the wildcards would have been loved" in page
    by_slot = {figures.name: figures for figures in online.by_slot(row.day)}
    assert by_slot["Wildcards"].love_rate.value == 1.0
    assert by_slot["The model's list"].impressions == SIZE - 1
