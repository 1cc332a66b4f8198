"""The feed: what is in it, in which order, on every page."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser, User

from catalog.models import Franchise, Item
from feedback.models import Event, FeedbackType
from recommender import serving
from recommender.feed import MAX_SHOWN, PAGE_SIZE, FeedPage, feed_for
from recommender.models import Checkpoint, Preferences
from recommender.tests.fixtures import ADULT, BATTLES, HIDDEN, NEWCOMERS, ROMANCES, STRANGERS, say


def ids(page: FeedPage) -> list[int]:
    return [card.item.pk for card in page.cards]


def walk(user: User | AnonymousUser) -> list[int]:
    """Return the titles of all pages in order."""
    found, number = [], 1
    while number is not None:
        page = feed_for(user, page=number)
        assert page.cards
        found += ids(page)
        number = page.next_number
    return found


def test_it_works(live: Checkpoint, ann: User) -> None:
    say(ann, 1)
    page = feed_for(ann)
    assert len(page.cards) == PAGE_SIZE
    assert (page.version, page.is_personal, page.known) == ("first", True, 1)
    assert (page.number, page.next_number, page.shown) == (1, 2, PAGE_SIZE)


def test_no_page_repeats_leaks_or_loses_a_title(live: Checkpoint, ann: User) -> None:
    for anime_id in (1, 2, 40):
        say(ann, anime_id)
    say(ann, 3, FeedbackType.DISLIKE)
    allowed = {*ROMANCES, *BATTLES, *NEWCOMERS} - {1, 2, 3, 40, HIDDEN, ADULT}
    found = walk(ann)
    assert len(found) == len(set(found))
    assert set(found) == allowed
    assert not set(found) & set(STRANGERS)


def test_popular_pages_do_not_repeat_or_leak_either(catalogue: None) -> None:
    found = walk(AnonymousUser())
    assert found == [pk for pk in (*ROMANCES, *BATTLES, *NEWCOMERS) if pk not in (HIDDEN, ADULT)]


def test_titles_the_model_does_not_know_come_last_by_popularity(live: Checkpoint, ann: User) -> None:
    say(ann, 1)
    assert walk(ann)[-len(NEWCOMERS) :] == list(NEWCOMERS)


def test_a_visitor_gets_popular_titles_and_is_told_so(live: Checkpoint) -> None:
    page = feed_for(AnonymousUser())
    assert (page.is_personal, page.version, page.known) == (False, None, 0)
    assert page.cards[0].reason.text == "Popular with 4,999 members"
    assert page.cards[0].reason.causes == ()


def test_a_history_the_model_does_not_know_gets_popular_titles(live: Checkpoint, ann: User) -> None:
    say(ann, NEWCOMERS[0])
    page = feed_for(ann)
    assert not page.is_personal
    assert NEWCOMERS[0] not in walk(ann)


def test_love_tilts_the_feed_and_undo_restores_the_identical_order(live: Checkpoint, ann: User) -> None:
    say(ann, 45, FeedbackType.LIKE)
    before = walk(ann)
    loves = [say(ann, anime_id) for anime_id in (10, 11, 12)]
    romances = [len(set(order[:PAGE_SIZE]) & set(ROMANCES)) for order in (before, walk(ann))]
    assert romances[1] > romances[0] + 4
    for love in loves:
        Event.objects.undo(love)
    assert walk(ann) == before


def test_reasons_name_what_was_loved_and_never_what_was_disliked(live: Checkpoint, ann: User) -> None:
    say(ann, 1)
    for anime_id in (50, 51, 52):
        say(ann, anime_id, FeedbackType.DISLIKE)
    cards = [card for card in feed_for(ann).cards if card.reason.causes]
    assert cards
    for card in cards:
        assert card.reason.text == "Because you loved No 001 Show"
        assert [item.pk for item in card.reason.causes] == [1]


def test_reasons_name_no_title_out_of_sight(live: Checkpoint, ann: User) -> None:
    say(ann, ADULT)
    say(ann, HIDDEN)
    texts = " ".join(card.reason.text for card in feed_for(ann).cards)
    assert f"No {ADULT:03}" not in texts
    assert f"No {HIDDEN:03}" not in texts
    Preferences.objects.create(user=ann, show_adult=True)
    assert f"No {ADULT:03}" in " ".join(card.reason.text for card in feed_for(ann).cards)


def test_adult_titles_come_only_when_switched_on(live: Checkpoint, ann: User) -> None:
    say(ann, 40)
    assert ADULT not in walk(ann)
    Preferences.objects.create(user=ann, show_adult=True)
    assert ADULT in walk(ann)
    assert HIDDEN not in walk(ann)


def test_hiding_a_title_acts_at_once(live: Checkpoint, ann: User) -> None:
    say(ann, 1)
    first = feed_for(ann).cards[0].item
    Item.objects.filter(pk=first.pk).update(is_hidden=True)
    assert first.pk not in walk(ann)


def test_deleting_a_title_does_not_break_the_feed(live: Checkpoint, ann: User) -> None:
    say(ann, 1)
    first = feed_for(ann).cards[0].item
    first.delete()
    assert first.pk not in walk(ann)


def test_shown_gives_the_first_pages_at_once(live: Checkpoint, ann: User) -> None:
    say(ann, 1)
    whole = walk(ann)
    page = feed_for(ann, shown=40)
    assert ids(page) == whole[:40]
    assert (page.number, page.next_number, page.shown) == (2, 3, 40)
    assert feed_for(ann, shown=21).shown == 40
    assert feed_for(ann, shown=0).shown == PAGE_SIZE
    assert feed_for(ann, shown=10**9).number == MAX_SHOWN // PAGE_SIZE


def test_a_page_behind_the_end_is_empty_and_last(live: Checkpoint, ann: User) -> None:
    say(ann, 1)
    for user in (ann, AnonymousUser()):
        page = feed_for(user, page=999_999)
        assert (page.cards, page.next_number) == ((), None)


@pytest.mark.parametrize("n_events", [0, 5, 15])
def test_query_count_does_not_depend_on_the_history(
    live: Checkpoint, ann: User, n_events: int, django_assert_num_queries
) -> None:
    for anime_id in [*ROMANCES, *BATTLES][:n_events]:
        if anime_id not in (HIDDEN, ADULT):
            say(ann, anime_id)
    feed_for(ann)
    with django_assert_num_queries(7):
        feed_for(ann)


def test_query_count_with_300_events_and_the_tail(
    live: Checkpoint, ann: User, django_assert_num_queries
) -> None:
    Item.objects.bulk_create(Item(anime_id=pk, name=str(pk), search_name=str(pk)) for pk in range(2000, 2300))
    for anime_id in (*range(2000, 2299), 1):
        say(ann, anime_id)
    feed_for(ann)
    with django_assert_num_queries(7):
        assert feed_for(ann).known == 300
    with django_assert_num_queries(7):  # also for the titles the model does not know
        assert set(NEWCOMERS) & set(ids(feed_for(ann, page=4)))


def test_one_franchise_has_one_card_where_its_best_stood(live: Checkpoint, ann: User) -> None:
    say(ann, 1)
    best = ids(feed_for(ann))[:6]
    show = Franchise.objects.create(name="One long show")
    for item in Item.objects.filter(pk__in=best):
        item.franchise = show
        item.save()
    serving.forget()
    page = feed_for(ann)
    assert [pk for pk in ids(page) if pk in best] == [min(best)]
    assert ids(page)[0] == min(best)
    assert page.cards[0].label == "Start here · 6 entries"
    assert len(page.cards) == PAGE_SIZE
