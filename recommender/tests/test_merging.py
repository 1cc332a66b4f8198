"""Merging duplicates: everything follows, nothing is lost, and the duplicate stays away."""

from datetime import timedelta

import pytest
from django.apps import apps
from django.db import models
from django.db.models import ProtectedError
from django.urls import reverse
from django.utils import timezone

from catalog.importing import import_items
from catalog.models import Item, MergedItem
from catalog.tests.factories import FranchiseFactory, ItemFactory
from feedback.history import history_of
from feedback.lists.importing import carry_on, confirm
from feedback.lists.matching import matched
from feedback.lists.rows import Row
from feedback.models import Dismissal, Event, FeedbackType, ListImport, Saved
from feedback.tests.factories import EventFactory, SavedFactory, UserFactory
from recommender import serving
from recommender.catalogue import catalogue_version
from recommender.merging import FOLLOWERS, CannotMerge, Preview, merge, relations
from recommender.models import Ignored, Impression
from recommender.serving import get_ranker
from recommender.tests.fixtures import say
from recommender.training_data import bootstrap_ratings

pytestmark = pytest.mark.django_db
DISLIKE, LIKE, LOVE = FeedbackType.DISLIKE, FeedbackType.LIKE, FeedbackType.LOVE
NOW = timezone.now()


@pytest.fixture
def pair():
    """The title that stays, and its duplicate."""
    return ItemFactory(anime_id=1, name="Cowboy Bebop"), ItemFactory(anime_id=2, name="Kaubôi Bibappu")


def shown(user, item, at=NOW, event=None):
    return Impression.objects.create(
        user=user, item=item, version="v", position=1, day=NOW.date(), shown_at=at, event=event
    )


def test_it_works(pair):
    kept, gone = pair
    events = [EventFactory(item=gone, feedback_type=LOVE), EventFactory(item=kept)]
    saved, impression = SavedFactory(item=gone), shown(events[0].user, gone, event=events[0])
    seen = Dismissal.objects.dismiss(saved.user, gone, Dismissal.Kind.SEEN)
    ignored = Ignored.objects.create(user=events[0].user, item=gone)

    said = merge(pair, keep=kept.pk).sentence

    assert list(Item.objects.all()) == [kept]
    for row in (*events, saved, impression, seen, ignored):
        row.refresh_from_db()
        assert row.item_id == kept.pk
    assert impression.event == events[0]
    assert "Merged in Kaubôi Bibappu (2)." in said
    assert "reactions and what was taken back: 1" in said
    assert "saved: 1" in said


def test_nothing_that_refers_to_a_title_is_forgotten():
    """A new relation to Item must say in `FOLLOWERS` what becomes of it."""
    assert relations() == {each.relation for each in FOLLOWERS}


def test_no_column_of_json_is_forgotten():
    """Ids of titles may stand in JSON too: look at each new column, and name it here with what is done."""
    ours = [
        model
        for name in ("catalog", "feedback", "recommender")
        for model in apps.get_app_config(name).get_models()
    ]
    found = {
        f"{model.__name__}.{f.name}"
        for model in ours
        for f in model._meta.fields
        if isinstance(f, models.JSONField)
    }
    assert found == {
        "ListImport.rows",  # `feedback.lists.matching.followed` reads them
        "ListImport.counts",  # no titles
        "Checkpoint.config",  # no titles
        "Checkpoint.metrics",  # no titles
        "Checkpoint.comparison",  # a record, with the names of that day
        "Map.points",  # the model's titles; those that are not in the catalogue are not drawn
    }  # fmt: skip


def test_the_newest_word_stands_and_the_older_one_comes_back_with_undo(pair):
    kept, gone = pair
    ann = UserFactory()
    EventFactory(user=ann, item=gone, feedback_type=LIKE, timestamp=NOW - timedelta(days=3))
    newest = EventFactory(user=ann, item=kept, feedback_type=DISLIKE, timestamp=NOW - timedelta(days=2))
    between = EventFactory(user=ann, feedback_type=LOVE, timestamp=NOW - timedelta(days=1))
    EventFactory(user=ann, item=gone, feedback_type=LOVE, timestamp=NOW)

    merge(pair, keep=kept.pk)

    history = history_of(ann).reactions
    assert [(r.anime_id, r.feedback_type) for r in history] == [(between.item_id, LOVE), (kept.pk, LOVE)]
    Event.objects.retract(ann, kept.pk)
    assert Event.objects.of(ann).filter(feedback_type__gt=0).count() == 4
    assert newest.pk in Event.objects.of(ann).values_list("pk", flat=True)


def test_what_was_taken_back_stays_taken_back(pair):
    kept, gone = pair
    ann = UserFactory()
    event = Event.objects.record(ann, gone, LOVE)
    taken = Event.objects.undo(event)
    merge(pair, keep=kept.pk)
    assert not history_of(ann).reactions
    taken.refresh_from_db()
    assert (taken.item_id, taken.retracts) == (kept.pk, event)
    assert Event.objects.undo(taken).item_id == kept.pk  # and can be restored


def test_rows_that_say_the_same_become_one(pair):
    kept, gone = pair
    ann = UserFactory()
    SavedFactory(user=ann, item=kept, created_at=NOW - timedelta(days=2))
    newer = SavedFactory(user=ann, item=gone, created_at=NOW)
    first, _ = shown(ann, gone, NOW - timedelta(hours=2)), shown(ann, kept)
    Dismissal.objects.dismiss(ann, kept, Dismissal.Kind.NOT_NOW)
    later = Dismissal.objects.dismiss(ann, gone, Dismissal.Kind.NOT_NOW, since=NOW + timedelta(days=1))
    seen = Dismissal.objects.dismiss(ann, gone, Dismissal.Kind.SEEN)

    assert {part.words: part.shared for part in Preview.of(pair).parts if part.shared} == {
        "saved": 1, "dismissed": 1, "times shown": 1
    }  # fmt: skip
    merge(pair, keep=kept.pk)

    assert list(Saved.objects.all()) == [newer]
    assert set(Dismissal.objects.all()) == {later, seen}
    assert list(Impression.objects.all()) == [first]


@pytest.mark.parametrize(("newest", "still"), [("kept", False), ("gone", True)])
def test_ignoring_goes_with_the_reaction_that_stands(pair, newest, still):
    kept, gone = pair
    ann = UserFactory()
    EventFactory(user=ann, item=gone, timestamp=NOW - timedelta(days=2 if newest == "kept" else 0))
    EventFactory(user=ann, item=kept, timestamp=NOW - timedelta(days=1))
    Ignored.objects.create(user=ann, item=gone)
    merge(pair, keep=kept.pk)
    assert Ignored.objects.of(ann).filter(item=kept).exists() is still


def test_what_the_title_lacks_is_filled_in_and_the_rest_stays():
    franchise = FranchiseFactory()
    kept = ItemFactory(name="A", year=None, episodes=3, genres=["Drama"])
    gone = ItemFactory(name="B", year=1998, episodes=26, franchise=franchise, genres=["Space"])
    before = kept.updated_at
    said = merge([kept, gone], keep=kept.pk).sentence
    kept = Item.objects.get()
    assert (kept.name, kept.year, kept.episodes, kept.franchise) == ("A", 1998, 3, franchise)
    assert [genre.name for genre in kept.genres.all()] == ["Drama"]
    assert kept.updated_at > before
    assert "year: 1998" in said


def test_several_are_merged_and_a_merged_one_again(pair):
    kept, gone = pair
    third, last = ItemFactory(anime_id=3), ItemFactory(anime_id=4)
    merge([gone, third], keep=3)
    merge([kept, third, last], keep=4)
    assert MergedItem.objects.heirs() == {1: 4, 2: 4, 3: 4}


def test_it_comes_back_by_no_import(pair, tmp_path):
    kept, _gone = pair
    merge(pair, keep=kept.pk)
    file, side = tmp_path / "anime.csv", tmp_path / "years.csv"
    header = "anime_id,name,genre,type,episodes,rating,members\n"
    file.write_text(header + "1,Cowboy Bebop,,TV,26,8.8,100\n2,Kaubôi Bibappu,,TV,26,8.8,1\n")
    side.write_text("anime_id,year\n2,1900\n")
    with side.open("a") as more:
        more.write("1,1998\n")

    report = import_items({"items": file, "metadata": side})

    assert (report.created, report.updated, report.merged, report.rejected) == (0, 1, 2, [])
    assert [(item.pk, item.year) for item in Item.objects.all()] == [(1, 1998)]


def test_nor_by_hand(pair, admin_client):
    kept, _gone = pair
    merge(pair, keep=kept.pk)
    response = admin_client.post(
        reverse("admin:catalog_item_add"), {"anime_id": 2, "name": "x", "members": 1}
    )
    assert "merged into Cowboy Bebop (1)" in response.context["adminform"].form.errors["anime_id"][0]


def test_lists_mean_the_title_that_stays(pair):
    kept, _gone = pair
    ann = UserFactory()
    rows = matched([Row(anime_id=2), Row(titles=("Trigun",))])
    waiting = ListImport.objects.create(
        user=ann, source="mal", scale="x", state="ready", rows=[row.as_json() for row in rows], total=2
    )
    assert Preview.of(pair).parts[-1].counts == (0, 1)
    merge(pair, keep=kept.pk)

    assert [row.item_id for row in matched([Row(anime_id=2), Row(titles=("kauboi bibappu",))])] == [1]
    assert confirm(waiting, overrule=False)
    carry_on(waiting.pk)
    assert Dismissal.objects.get(user=ann).item == kept


def test_the_ranker_notices(live, ann):
    kept, gone = Item.objects.get(pk=10), Item.objects.get(pk=11)
    say(ann, 11, LOVE)
    before = catalogue_version()
    merge([kept, gone], keep=10)
    assert catalogue_version() != before
    serving._watch._ask()
    serving_now = get_ranker()
    assert 11 in serving_now.strangers
    assert 10 not in serving_now.strangers


@pytest.mark.parametrize("ids", [[1], [1, 1], range(1, 13)])
def test_it_rejects_too_few_and_too_many(ids):
    items = [Item.objects.filter(pk=pk).first() or ItemFactory(anime_id=pk) for pk in ids]
    with pytest.raises(CannotMerge, match="from two to 10"):
        merge(items, keep=1)


def test_it_rejects_titles_that_are_gone(pair):
    kept, gone = pair
    Item.objects.filter(pk=gone.pk).delete()
    with pytest.raises(CannotMerge, match="not here any more"):
        merge(pair, keep=kept.pk)


def test_the_log_itself_still_refuses_to_lose_a_title(pair):
    EventFactory(item=pair[1])
    with pytest.raises(ProtectedError):
        pair[1].delete()


def test_bootstrap_ratings_are_about_the_title_that_stays(pair, tmp_path):
    kept, _ = pair
    merge(pair, keep=kept.pk)
    file = tmp_path / "rating.csv"
    file.write_text("user_id,anime_id,rating\n1,1,8\n1,2,10\n1,3,9\n")
    assert bootstrap_ratings(file)["item_id"].tolist() == [1, 1, 3]
