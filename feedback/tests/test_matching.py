"""Which of our titles the rows of a list mean."""

from datetime import UTC, datetime

import pytest

from catalog.models import LONGEST_NAME, MergedItem
from catalog.tests.factories import ItemFactory
from catalog.text import fold
from feedback.lists import matching
from feedback.lists.matching import followed, matched
from feedback.lists.rows import Row
from feedback.models import FeedbackType

pytestmark = pytest.mark.django_db
LOVE, LIKE = FeedbackType.LOVE, FeedbackType.LIKE


def meant(*rows):
    return [row.item_id for row in matched(rows)]


def merge(anime_id, name, into):
    MergedItem.objects.create(anime_id=anime_id, item=into, name=name, search_name=fold(name))


def test_the_id_counts_before_the_name():
    bebop, trigun = ItemFactory(name="Cowboy Bebop"), ItemFactory(name="Trigun")
    assert meant(Row(("Trigun",), anime_id=bebop.pk)) == [bebop.pk]
    assert meant(Row(("Trigun",), anime_id=bebop.pk), Row(("Trigun",))) == [bebop.pk, trigun.pk]


def test_an_id_that_is_not_here_is_looked_up_by_its_names():
    trigun = ItemFactory(name="Trigun")
    assert meant(Row(("Nothing", "trigun!"), anime_id=999_999)) == [trigun.pk]
    assert meant(Row(("Nothing",), anime_id=999_999), Row(), Row(("!",))) == [None, None, None]


def test_the_first_name_that_is_known_counts():
    bebop, trigun = ItemFactory(name="Cowboy Bebop"), ItemFactory(name="Trigun")
    assert meant(Row(("COWBOY  bebop", "Trigun"))) == [bebop.pk]
    assert meant(Row(("Trigun", "Cowboy Bebop"))) == [trigun.pk]


def test_a_name_that_two_titles_share_means_neither():
    ItemFactory(name="Kimi no Na wa"), ItemFactory(name="Kimi no na wa!")
    other = ItemFactory(name="Your Name")
    assert meant(Row(("Kimi no Na wa",))) == [None]
    assert meant(Row(("Kimi no Na wa", "Your Name"))) == [other.pk]


def test_a_merged_title_means_the_one_that_stayed():
    stayed = ItemFactory(anime_id=5, name="Trigun")
    merge(77, "Trigun (TV)", stayed)
    merge(78, "Something else", stayed)
    assert meant(Row(("x",), anime_id=77)) == [5]
    assert meant(Row(("trigun tv",))) == [5]
    other = ItemFactory(name="Trigun (TV)")
    assert meant(Row(("trigun tv",))) == [None]  # now two are called so
    assert meant(Row(("trigun tv",), anime_id=other.pk)) == [other.pk]


def test_rows_are_followed_to_what_their_titles_were_merged_into_since():
    stayed, other = ItemFactory(anime_id=5), ItemFactory(anime_id=6)
    merge(77, "Gone", stayed)
    rows = [Row(("a",), item_id=77), Row(("b",), item_id=other.pk), Row(("c",))]
    assert [(row.titles, row.item_id) for row in followed(rows)] == [(("a",), 5), (("b",), 6), (("c",), None)]


def test_a_name_is_compared_as_far_as_names_are_kept():
    item = ItemFactory(name="a" * LONGEST_NAME)
    assert meant(Row(("A" * (LONGEST_NAME + 3),))) == [item.pk]


def test_more_than_fit_into_one_query_are_all_found(monkeypatch, django_assert_num_queries):
    monkeypatch.setattr(matching, "AT_A_TIME", 3)
    items = ItemFactory.create_batch(7)
    by_id = [Row(("x",), anime_id=item.pk) for item in items[:4]]
    by_name = [Row((item.name,)) for item in items[4:]]
    with django_assert_num_queries(1 + 2 + 2 * 2):  # the merged; two times three ids; four names
        assert meant(*by_id, *by_name, Row(("nothing",))) == [*(item.pk for item in items), None]


def day(number):
    return datetime(2020, 1, number, tzinfo=UTC)


@pytest.mark.parametrize(
    ("first", "second", "stays"),
    [
        (day(1), day(2), LIKE),
        (day(2), day(1), LOVE),
        (day(1), day(1), LIKE),
        (None, day(1), LIKE),
        (day(1), None, LOVE),
        (None, None, LIKE),
    ],
)
def test_of_two_rows_about_a_title_the_last_word_stays(first, second, stays):
    pk = ItemFactory(name="Trigun").pk
    rows = matched(
        [Row(("Trigun",), when=first, reaction=LOVE), Row(("trigun",), when=second, reaction=LIKE)]
    )
    assert [(row.item_id, row.reaction) for row in rows] == [(pk, stays)]


def test_each_title_keeps_its_first_place_and_unmatched_rows_all_stay():
    bebop, trigun = ItemFactory(name="Cowboy Bebop"), ItemFactory(name="Trigun")
    names = ("Nothing", "Trigun", "Nothing", "Cowboy Bebop", "trigun", "TRIGUN", "Cowboy bebop")
    rows = matched([Row((name,), when=day(place + 1)) for place, name in enumerate(names)])
    assert [row.item_id for row in rows] == [None, trigun.pk, None, bebop.pk]
    assert [row.titles[0] for row in rows] == ["Nothing", "TRIGUN", "Nothing", "Cowboy bebop"]
