"""What importing a list would change, before anything is written."""

import pytest

from catalog.tests.factories import ItemFactory
from feedback.lists.planning import Line, Plan
from feedback.lists.rows import Row, Status
from feedback.models import Dismissal, Event, FeedbackType, ListImport, Saved
from feedback.tests.factories import SavedFactory, UserFactory

LOVE, LIKE, DISLIKE = FeedbackType.LOVE, FeedbackType.LIKE, FeedbackType.DISLIKE
LOVED, SEEN = Row(reaction=LOVE), Row(status=Status.COMPLETED)
PLANNED = Row(status=Status.PLANNED)
BOTH = Row(reaction=LIKE, is_saved=True)


@pytest.mark.parametrize(
    ("row", "words"),
    [(LOVED, "Loved"), (PLANNED, "Saved"), (BOTH, "Liked · Saved"), (SEEN, "Seen it"), (Row(), "Seen it")],
)
def test_it_names_what_a_list_says(row, words):
    assert Line(row).theirs == words


@pytest.mark.parametrize(
    ("row", "stands", "news"),
    [
        (LOVED, {}, True),
        (LOVED, {"now": LOVE}, False),
        (LOVED, {"now": DISLIKE}, False),  # a conflict is no news: it is asked about
        (PLANNED, {}, True),
        (PLANNED, {"is_saved": True}, False),
        (BOTH, {"now": LIKE}, True),  # still to be saved
        (BOTH, {"is_saved": True}, True),  # still to be liked
        (BOTH, {"now": LIKE, "is_saved": True}, False),
        (SEEN, {}, True),
        (SEEN, {"is_seen": True}, False),
        (SEEN, {"now": LOVE}, False),
        (LOVED, {"is_seen": True}, True),
    ],
)
def test_news_is_what_would_be_noted(row, stands, news):
    assert Line(row, **stands).has_news is news


@pytest.mark.parametrize(
    ("row", "stands", "tells"),
    [
        (SEEN, {}, True),
        (SEEN, {"now": LIKE}, False),
        (SEEN, {"is_seen": True}, False),
        (LOVED, {}, False),
        (PLANNED, {}, False),
    ],
)
def test_a_title_is_noted_as_seen_only_where_nothing_more_is_known(row, stands, tells):
    assert Line(row, **stands).tells_seen is tells


@pytest.fixture
def owner(db):
    return UserFactory()


def plan_of(owner, *rows):
    return Plan.of(ListImport(user=owner), rows)


def test_rows_are_grouped_by_what_would_happen_to_them(owner):
    loved, other, saved, seen, plain = ItemFactory.create_batch(5)
    Event.objects.record(owner, loved, LOVE)
    Event.objects.record(owner, other, DISLIKE)
    Saved.objects.create(user=owner, item=saved)
    SavedFactory(item=plain)  # somebody else's
    Dismissal.objects.dismiss(owner, seen, Dismissal.Kind.SEEN)
    rows = [
        Row(reaction=LOVE, item_id=loved.pk),  # the same
        Row(reaction=LIKE, item_id=other.pk),  # a conflict
        Row(status=Status.PLANNED, item_id=saved.pk),  # the same
        Row(status=Status.COMPLETED, item_id=seen.pk),  # the same
        Row(reaction=LIKE, is_saved=True, item_id=plain.pk),  # new, twice
        Row(("Nobody knows it",), reaction=LOVE),
    ]
    plan = plan_of(owner, *rows)
    assert [line.row for line in plan.same] == [rows[0], rows[2], rows[3]]
    assert [line.row for line in plan.conflicts] == [rows[1]]
    assert [line.row for line in plan.new] == [rows[4]]
    assert [line.row for line in plan.unmatched] == [rows[5]]
    assert (plan.reactions, plan.saves, plan.seen) == ({LIKE: 1}, 1, 0)
    assert plan.conflicts[0].now == DISLIKE


def test_what_would_be_noted_is_counted(owner):
    items = ItemFactory.create_batch(6)
    ids = [item.pk for item in items]
    rows = [Row(reaction=said, item_id=pk) for said, pk in zip((LOVE, LOVE, LIKE), ids, strict=False)]
    rows += [Row(status=Status.PLANNED, item_id=ids[3]), Row(reaction=LIKE, is_saved=True, item_id=ids[4])]
    rows += [Row(status=Status.COMPLETED, item_id=ids[5]), Row(is_saved=True), Row(status=Status.COMPLETED)]
    plan = plan_of(owner, *rows)
    assert (plan.reactions, plan.saves, plan.seen) == ({LOVE: 2, LIKE: 2}, 2, 1)
    assert (len(plan.new), len(plan.unmatched)) == (6, 2)
    empty = plan_of(owner)
    assert (empty.new, empty.conflicts, empty.same, empty.unmatched, empty.saves, empty.seen) == (
        [], [], [], [], 0, 0,
    )  # fmt: skip


def test_nothing_stands_for_a_row_that_means_no_title_here(owner):
    first = ItemFactory(anime_id=1)
    Event.objects.record(owner, first, LOVE)
    Saved.objects.create(user=owner, item=first)
    (line,) = plan_of(owner, Row(("Nobody knows it",), reaction=LIKE)).unmatched
    assert (line.now, line.is_saved, line.is_seen) == (None, False, False)


def test_it_costs_three_queries_however_long_the_list(owner, django_assert_num_queries):
    rows = [Row(reaction=LOVE, item_id=item.pk) for item in ItemFactory.create_batch(5)]
    with django_assert_num_queries(3):
        plan_of(owner, *rows)
