"""What was dismissed is on no page, and what was seen is told to the model."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from catalog.models import Franchise, Item
from feedback.dismissals import dismissed_by
from feedback.history import history_of
from feedback.models import Dismissal, FeedbackType
from ml.feedback import Feedback
from recommender.dismissed import dismissed_ids, sequence_of
from recommender.feed import feed_for
from recommender.models import Checkpoint
from recommender.serving import get_catalogue
from recommender.tests.fixtures import say
from recommender.tests.test_feed import walk

Kind = Dismissal.Kind


def dismiss(user: User, anime_id: int, kind: Dismissal.Kind) -> Dismissal:
    return Dismissal.objects.dismiss(user, Item.objects.get(pk=anime_id), kind)


@pytest.mark.parametrize("known", [1, 101])  # the model decides, or popularity
@pytest.mark.parametrize("kind", Kind)
def test_it_works(live: Checkpoint, ann: User, kind: Dismissal.Kind, known: int) -> None:
    say(ann, known)
    before = walk(ann)
    dismissals = [dismiss(ann, anime_id, kind) for anime_id in (before[0], before[25], before[-1])]
    after = walk(ann)
    assert set(before) - set(after) == {each.item_id for each in dismissals}
    assert len(after) == len(set(after))
    for each in dismissals:
        each.delete()
    assert walk(ann) == before  # each card is back in its place


def test_not_now_comes_back(live: Checkpoint, ann: User) -> None:
    say(ann, 1)
    before = walk(ann)
    dismiss(ann, before[3], Kind.NOT_NOW)
    assert before[3] not in walk(ann)
    Dismissal.objects.update(until=timezone.now() - timedelta(seconds=1))
    assert walk(ann) == before


@pytest.mark.parametrize("known", [1, 101])
def test_a_franchise_goes_with_all_its_titles(live: Checkpoint, ann: User, known: int) -> None:
    show = Franchise.objects.create(name="One long show")
    members = {10, 11, 40, 105}
    Item.objects.filter(pk__in=members).update(franchise=show)
    say(ann, known)
    dismiss(ann, 11, Kind.FRANCHISE)
    assert not members & set(walk(ann))
    assert 12 in walk(ann)


def test_a_series_without_a_franchise_is_known_by_its_name(live: Checkpoint, ann: User) -> None:
    names = {20: "Naruto", 21: "Naruto: Shippuuden", 22: "Naruto (TV) 2nd Season", 23: "Narutaru"}
    for anime_id, name in names.items():
        item = Item.objects.get(pk=anime_id)
        item.name = name
        item.save()
    say(ann, 1)
    dismiss(ann, 21, Kind.FRANCHISE)
    assert set(names) & set(walk(ann)) == {23}


def test_what_was_seen_is_told_as_watched_unless_a_reaction_says_more(live: Checkpoint, ann: User) -> None:
    say(ann, 1)
    dismiss(ann, 2, Kind.SEEN)
    dismiss(ann, 3, Kind.SEEN)
    say(ann, 3, FeedbackType.LIKE)
    dismiss(ann, 4, Kind.NOT_NOW)
    dismiss(ann, 6, Kind.FRANCHISE)
    sequence = sequence_of(history_of(ann), dismissed_by(ann))
    assert sequence.item_ids == (1, 2, 3)
    assert sequence.feedback == (Feedback.LOVE, Feedback.WATCHED, Feedback.LIKE)
    assert list(sequence.timestamps) == sorted(sequence.timestamps)


def test_what_was_only_seen_is_no_taste_and_no_reason(live: Checkpoint, ann: User) -> None:
    dismiss(ann, 2, Kind.SEEN)
    assert not feed_for(ann).is_personal
    say(ann, 1)
    page = feed_for(ann)
    assert page.is_personal
    assert page.known == 1
    assert 2 not in {cause.pk for card in page.cards for cause in card.reason.causes}


def test_the_api_obeys_too(live: Checkpoint, ann: User, client: Client) -> None:
    client.force_login(ann)
    say(ann, 1)
    before = [each["anime_id"] for each in client.get("/api/v1/recommendations/?k=100").json()["results"]]
    for anime_id, kind in zip(before, Kind, strict=False):
        dismiss(ann, anime_id, kind)
    after = [each["anime_id"] for each in client.get("/api/v1/recommendations/?k=100").json()["results"]]
    assert set(before) - set(after) == set(before[:3])


def test_it_works_without_javascript(live: Checkpoint, ann: User, client: Client) -> None:
    client.force_login(ann)
    say(ann, 1)
    first = walk(ann)[0]
    card = f'data-card="{first}"'
    answer = client.post(f"/dismissed/{first}/", {"hide": "not-now", "next": "/?shown=20"}, follow=True)
    assert card not in answer.content.decode()
    assert 'name="show" value="not-now"' in answer.content.decode()  # the Undo
    assert "is back in 30 days" in answer.content.decode()
    undone = client.post(f"/dismissed/{first}/", {"show": "not-now", "undo": "1", "next": "/"}, follow=True)
    assert card in undone.content.decode()


def test_query_count_does_not_depend_on_what_was_dismissed(
    live: Checkpoint, ann: User, django_assert_num_queries
) -> None:
    say(ann, 1)
    for anime_id in range(2, 5):
        dismiss(ann, anime_id, Kind.SEEN)
    feed_for(ann)
    with django_assert_num_queries(7):
        feed_for(ann)
    for count in (3, 6):
        for anime_id in range(40, 40 + count):
            dismiss(ann, anime_id, Kind.FRANCHISE)
        with django_assert_num_queries(7):
            feed_for(ann)


def test_a_thousand_franchises_are_no_problem(catalogue: None, ann: User) -> None:
    Item.objects.bulk_create(
        Item(anime_id=pk, name=f"Show {pk} of many", search_name=f"show {pk} of many")
        for pk in range(2000, 3000)
    )
    for anime_id in range(2000, 3000):
        Dismissal.objects.create(user=ann, item_id=anime_id, kind=Kind.FRANCHISE)
    assert len(dismissed_ids(dismissed_by(ann), get_catalogue())) == 1000
