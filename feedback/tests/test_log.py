"""The log: what is recorded, undone and taken back, and that nothing in it ever changes."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from catalog.tests.factories import ItemFactory
from feedback.history import history_of
from feedback.models import AppendOnlyError, Event, FeedbackType, Saved
from feedback.tests.factories import EventFactory, SavedFactory, UserFactory

pytestmark = pytest.mark.django_db
DISLIKE, LIKE, LOVE = FeedbackType.DISLIKE, FeedbackType.LIKE, FeedbackType.LOVE


def said(user):
    """Return the history as (anime_id, feedback), oldest first."""
    return [(reaction.anime_id, reaction.feedback_type) for reaction in history_of(user).reactions]


def test_it_works():
    user, item = UserFactory(), ItemFactory()

    event = Event.objects.record(user, item, LOVE)

    assert said(user) == [(item.pk, LOVE)]
    assert history_of(user).reactions[0].event_id == event.pk


def test_saying_the_same_again_logs_once():
    user, item = UserFactory(), ItemFactory()

    first = Event.objects.record(user, item, LOVE)
    again = Event.objects.record(user, item, LOVE)

    assert first == again
    assert Event.objects.count() == 1


def test_a_changed_mind_moves_the_title_to_the_end():
    user, first, second = UserFactory(), ItemFactory(), ItemFactory()
    Event.objects.record(user, first, LIKE)
    Event.objects.record(user, second, LIKE)

    Event.objects.record(user, first, DISLIKE)

    assert said(user) == [(second.pk, LIKE), (first.pk, DISLIKE)]
    assert Event.objects.count() == 3


def test_a_clock_set_back_does_not_bring_the_older_word_back():
    user, item = UserFactory(), ItemFactory()
    EventFactory(user=user, item=item, feedback_type=LIKE, timestamp=timezone.now() + timedelta(hours=1))

    Event.objects.record(user, item, LOVE)

    assert said(user) == [(item.pk, LOVE)]


def test_undoing_restores_what_was_said_before():
    user, first, second = UserFactory(), ItemFactory(), ItemFactory()
    Event.objects.record(user, first, LIKE)
    Event.objects.record(user, second, LIKE)
    love = Event.objects.record(user, first, LOVE)

    Event.objects.undo(love)

    assert said(user) == [(first.pk, LIKE), (second.pk, LIKE)]


def test_undoing_twice_changes_nothing():
    user, item = UserFactory(), ItemFactory()
    love = Event.objects.record(user, item, LOVE)

    once = Event.objects.undo(love)
    twice = Event.objects.undo(love)

    assert once == twice
    assert said(user) == []
    assert Event.objects.count() == 2


def test_a_reaction_undone_can_be_given_again():
    user, item = UserFactory(), ItemFactory()
    Event.objects.undo(Event.objects.record(user, item, LOVE))

    Event.objects.record(user, item, LOVE)

    assert said(user) == [(item.pk, LOVE)]


def test_retracting_takes_back_everything_about_one_title():
    user, item, other = UserFactory(), ItemFactory(), ItemFactory()
    Event.objects.record(user, item, LIKE)
    Event.objects.record(user, other, LIKE)
    Event.objects.record(user, item, LOVE)

    retractions = Event.objects.retract(user, item.pk)

    assert [retraction.retracts.feedback_type for retraction in retractions] == [LIKE, LOVE]
    assert said(user) == [(other.pk, LIKE)]
    assert Event.objects.retract(user, item.pk) == []


def test_retracting_leaves_other_people_alone():
    user, other, item = UserFactory(), UserFactory(), ItemFactory()
    Event.objects.record(other, item, LOVE)

    assert Event.objects.retract(user, item.pk) == []
    assert said(other) == [(item.pk, LOVE)]


def test_undoing_a_removal_puts_the_title_back_in_its_old_place():
    user, first, second = UserFactory(), ItemFactory(), ItemFactory()
    Event.objects.record(user, first, LOVE)
    Event.objects.record(user, second, LIKE)
    before = [(reaction.anime_id, reaction.timestamp) for reaction in history_of(user).reactions]
    removal = Event.objects.retract(user, first.pk)[-1]

    Event.objects.undo(removal)
    Event.objects.undo(removal)

    assert [(reaction.anime_id, reaction.timestamp) for reaction in history_of(user).reactions] == before
    assert Event.objects.count() == 4


def test_undoing_a_removal_late_does_not_overrule_a_newer_word():
    user, item = UserFactory(), ItemFactory()
    Event.objects.record(user, item, LOVE)
    removal = Event.objects.retract(user, item.pk)[-1]
    Event.objects.record(user, item, DISLIKE)

    Event.objects.undo(removal)

    assert said(user) == [(item.pk, DISLIKE)]


def test_history_is_one_query(django_assert_num_queries):
    user, items = UserFactory(), ItemFactory.create_batch(5)
    for item in items:
        Event.objects.record(user, item, LIKE)
        Event.objects.record(user, item, LOVE)
    Event.objects.retract(user, items[0].pk)
    Event.objects.undo(Event.objects.record(user, items[1], DISLIKE))

    with django_assert_num_queries(1):
        assert said(user) == [(item.pk, LOVE) for item in items[1:]]


def test_what_was_said_last_and_not_taken_back_counts():
    user, items = UserFactory(), ItemFactory.create_batch(3)
    same_moment = timezone.now()
    for feedback_type in (LIKE, LOVE, DISLIKE):  # equal times: the one logged last counts
        EventFactory(user=user, item=items[0], feedback_type=feedback_type, timestamp=same_moment)
    Event.objects.record(user, items[1], LIKE)
    Event.objects.undo(Event.objects.record(user, items[1], LOVE))
    Event.objects.undo(Event.objects.record(user, items[2], LOVE))

    assert said(user) == [(items[0].pk, DISLIKE), (items[1].pk, LIKE)]


def test_reactions_have_words_for_templates():
    user, item = UserFactory(), ItemFactory()
    event = Event.objects.record(user, item, LOVE)

    (reaction,) = history_of(user).reactions

    assert (reaction.is_dislike, reaction.is_like, reaction.is_love) == (False, False, True)
    assert reaction.label == "Loved"
    assert abs(reaction.when - event.timestamp) < timedelta(milliseconds=1)


@pytest.mark.parametrize(
    "change",
    [
        lambda event: event.save(),
        lambda event: event.delete(),
        lambda event: Event.objects.filter(pk=event.pk).update(feedback_type=LIKE),
        lambda event: Event.objects.filter(pk=event.pk).delete(),
        lambda event: Event.objects.bulk_update([event], ["feedback_type"]),
    ],
    ids=["save", "delete", "update", "delete many", "bulk update"],
)
def test_the_log_rejects_changes(change):
    event = EventFactory(feedback_type=LOVE)

    with pytest.raises(AppendOnlyError, match="append-only"), transaction.atomic():
        change(event)

    assert Event.objects.get().feedback_type == LOVE


def test_it_rejects_overwriting_a_row_by_its_id():
    event = EventFactory(feedback_type=LOVE)

    with pytest.raises(IntegrityError), transaction.atomic():
        Event(pk=event.pk, user=event.user, item=event.item, feedback_type=LIKE).save()

    assert Event.objects.get().feedback_type == LOVE


def test_deleting_an_account_deletes_what_it_said():
    user = UserFactory()
    Event.objects.undo(Event.objects.record(user, ItemFactory(), LOVE))
    SavedFactory(user=user)
    kept = EventFactory()

    user.delete()

    assert list(Event.objects.all()) == [kept]
    assert not Saved.objects.exists()


@pytest.mark.parametrize("whose", ["person", "title", "retraction"])
def test_it_rejects_retracting_what_is_not_ones_own_reaction(whose):
    event = EventFactory()
    person = UserFactory() if whose == "person" else event.user
    title = ItemFactory() if whose == "title" else event.item
    target = Event.objects.undo(event) if whose == "retraction" else event

    with pytest.raises(AppendOnlyError, match="retract"):
        EventFactory(user=person, item=title, feedback_type=FeedbackType.RETRACTED, retracts=target)


@pytest.mark.parametrize("wrong", [{"feedback_type": 4}, {"feedback_type": FeedbackType.RETRACTED}])
def test_the_database_rejects_what_is_no_reaction(wrong):
    with pytest.raises(IntegrityError), transaction.atomic():
        EventFactory(**wrong)


def test_the_database_rejects_a_second_retraction_of_one_event():
    event = EventFactory()
    retraction = {"user": event.user, "item": event.item, "retracts": event}
    EventFactory(**retraction, feedback_type=FeedbackType.RETRACTED)

    with pytest.raises(IntegrityError), transaction.atomic():
        EventFactory(**retraction, feedback_type=FeedbackType.RETRACTED)


def test_the_database_rejects_a_reaction_that_names_another():
    event = EventFactory()

    with pytest.raises(IntegrityError), transaction.atomic():
        EventFactory(user=event.user, item=event.item, feedback_type=LIKE, retracts=event)


def test_the_database_rejects_saving_a_title_twice():
    saved = SavedFactory()

    with pytest.raises(IntegrityError), transaction.atomic():
        SavedFactory(user=saved.user, item=saved.item)
