"""Importing a list: upload, preview, confirm, undo."""

import gzip
from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from catalog.tests.factories import ItemFactory
from feedback.guests import hand_over
from feedback.history import history_of
from feedback.lists.mal import write_mal
from feedback.lists.rows import Row, Status
from feedback.models import Dismissal, Event, FeedbackType, ListImport, Saved
from feedback.tests.factories import EventFactory, SavedFactory, UserFactory
from feedback.tests.lists import UPLOAD, act, bring, preview, said, table, upload

pytestmark = pytest.mark.django_db
LISTS = reverse("feedback:lists")
LOVE, LIKE, DISLIKE = FeedbackType.LOVE, FeedbackType.LIKE, FeedbackType.DISLIKE
State = ListImport.State


@pytest.fixture
def member(client):
    user = UserFactory()
    client.force_login(user)
    return user


@pytest.fixture
def titles():
    return [ItemFactory(name=name) for name in ("Cowboy Bebop", "Mushishi", "Trigun", "Planetes")]


def test_it_works(client, member, titles):
    bebop, mushishi, trigun, planetes = titles
    text = table(
        "Cowboy Bebop,10,Completed,2019-02-01",
        "mushishi!,,Plan to Watch,2020-01-01",
        "Trigun,,Dropped,",
        "PLANETES,6,Completed,",
        "Nobody knows it,9,Completed,",
    )
    list_import = preview(client, text)

    page = client.get(list_import.get_absolute_url())
    plan = page.context["plan"]
    assert list_import.state == State.READY
    assert not Event.objects.exists()
    assert not Saved.objects.exists()
    assert dict(plan.reactions) == {LOVE: 1, DISLIKE: 1}
    assert (plan.saves, plan.seen, len(plan.new), len(plan.unmatched)) == (1, 1, 4, 1)

    response = act(client, list_import)

    assert (response.status_code, response["Location"]) == (303, list_import.get_absolute_url())
    assert said(member) == {bebop.pk: LOVE, trigun.pk: DISLIKE}
    loved = Event.objects.get(item=bebop)
    assert (loved.timestamp, loved.list_import) == (datetime(2019, 2, 1, 12, tzinfo=UTC), list_import)
    seen = Dismissal.objects.get()
    assert (seen.item, seen.kind, seen.list_import) == (planetes, Dismissal.Kind.SEEN, list_import)
    saved = Saved.objects.get()
    assert (saved.item, saved.created_at.year, saved.list_import) == (mushishi, 2020, list_import)
    assert "2 reactions and 1 saved title" in client.get(list_import.get_absolute_url()).content.decode()


def test_a_visitor_becomes_a_guest_with_a_list_that_can_be_read(client, titles):
    assert upload(client, b"\x00nothing").status_code == 400
    assert "_auth_user_id" not in client.session

    list_import = bring(client, table("Trigun,10,,"))

    assert said(list_import.user) == {titles[2].pk: LOVE}
    assert history_of(list_import.user).anime_ids == {titles[2].pk}


def test_myanimelist_as_it_exports(client, member, titles):
    rows = [
        Row(titles=("Another name",), anime_id=titles[0].pk, score=9),
        Row(("Trigun",), status=Status.PLANNED),
    ]
    xml = "".join(write_mal(rows)).encode()

    list_import = bring(client, gzip.compress(xml))

    assert list_import.source == ListImport.Source.MAL
    assert said(member) == {titles[0].pk: LOVE}
    assert Saved.objects.get().item == titles[2]


def test_a_name_that_two_titles_share_matches_neither(client, member):
    ItemFactory(name="Kimi no Na wa"), ItemFactory(name="Kimi no na wa!")
    assert (
        len(
            client.get(preview(client, table("Kimi no na wa,9,,")).get_absolute_url())
            .context["plan"]
            .unmatched
        )
        == 1
    )


def test_one_title_twice_counts_once_by_its_last_word(client, member, titles):
    bring(client, table("Trigun,3,,2021-01-01", "trigun,9,,2020-01-01", "Trigun,8,,2021-01-01"))
    assert [(event.feedback_type, event.timestamp.year) for event in Event.objects.all()] == [(LIKE, 2021)]


def test_titles_without_a_date_keep_no_order_of_the_file(client, member):
    names = [item.name for item in ItemFactory.create_batch(30)]
    bring(client, table(*(f"{name},9,," for name in names)))
    order = [event.item.name for event in Event.objects.order_by("timestamp", "id")]
    assert order != names
    assert sorted(order) == sorted(names)


def test_nothing_is_said_in_the_future(client, member, titles):
    bring(client, table("Trigun,9,,2150-01-01", "Mushishi,,plan to watch,2150-01-01"))
    assert Event.objects.get().timestamp <= timezone.now()
    assert Saved.objects.get().created_at <= timezone.now()


@pytest.mark.parametrize(("choice", "stands"), [("mine", LOVE), ("theirs", DISLIKE), (None, LOVE)])
def test_where_the_list_says_otherwise_the_person_chooses(client, member, titles, choice, stands):
    bebop, mushishi = titles[:2]
    Event.objects.record(member, bebop, LOVE)
    same = Event.objects.record(member, mushishi, LIKE)
    list_import = preview(client, table("Cowboy Bebop,2,,2010-01-01", "Mushishi,8,,2010-01-01"))

    page = client.get(list_import.get_absolute_url())
    conflict = page.context["plan"].conflicts[0]
    assert (conflict.row.item_id, conflict.now, conflict.theirs) == (bebop.pk, LOVE, "Disliked")
    assert "Whose word counts?" in page.content.decode()
    act(client, list_import, **({"conflicts": choice} if choice else {}))

    assert said(member) == {bebop.pk: stands, mushishi.pk: LIKE}
    assert Event.objects.filter(item=mushishi).get() == same  # no second word about it
    act(client, list_import, "undo")
    assert said(member) == {bebop.pk: LOVE, mushishi.pk: LIKE}


def test_what_was_watched_without_an_opinion_is_seen_until_undone(client, member, titles):
    bebop, mushishi, trigun, planetes = titles
    Event.objects.record(member, bebop, LOVE)
    Dismissal.objects.dismiss(member, mushishi, Dismissal.Kind.SEEN)
    lines = (
        "Cowboy Bebop,,Completed,",
        "Mushishi,,Watching,",
        "Trigun,5,Completed,2015-05-05",
        "Planetes,,,",
    )

    list_import = bring(client, table(*lines))

    assert said(member) == {bebop.pk: LOVE}
    assert {row.item: row.list_import for row in Dismissal.objects.all()} == {
        mushishi: None,
        trigun: list_import,
        planetes: list_import,
    }
    assert Dismissal.objects.get(item=trigun).created_at.year == 2015
    act(client, list_import, "undo")
    assert Dismissal.objects.get().item == mushishi


def test_undo_takes_back_exactly_what_the_import_wrote(client, member, titles):
    bebop, mushishi, _, planetes = titles
    Event.objects.record(member, bebop, LIKE)
    SavedFactory(user=member, item=bebop)
    list_import = bring(
        client,
        table("Cowboy Bebop,8,plan to watch,", "Mushishi,9,,", "Trigun,9,plan to watch,", "Planetes,9,,"),
    )
    Event.objects.retract(member, mushishi.pk)  # by hand, meanwhile
    Event.objects.undo(Event.objects.latest("id"))  # and back again
    Event.objects.record(member, planetes, DISLIKE)  # a new word since

    act(client, list_import, "undo")
    again = act(client, list_import, "undo")

    assert again.status_code == 303
    list_import.refresh_from_db()
    assert list_import.state == State.UNDONE
    assert said(member) == {bebop.pk: LIKE, planetes.pk: DISLIKE}
    assert [saved.item for saved in Saved.objects.of(member)] == [bebop]


def test_sent_twice_it_is_written_once(client, member, titles):
    list_import = bring(client, table("Trigun,9,,"))
    assert act(client, list_import).status_code == 303
    assert act(client, list_import, "discard").status_code == 303
    assert Event.objects.count() == 1
    assert ListImport.objects.count() == 1


def test_a_title_that_went_meanwhile_is_left_out(client, member, titles):
    list_import = preview(client, table("Trigun,9,,", "Mushishi,9,,"))
    titles[2].delete()
    assert act(client, list_import).status_code == 303
    assert said(member) == {titles[1].pk: LOVE}


def test_discarding_keeps_nothing(client, member, titles):
    list_import = preview(client, table("Trigun,9,,"))
    assert act(client, list_import, "discard")["Location"] == UPLOAD
    assert not ListImport.objects.exists()


def test_a_guest_who_logs_in_keeps_the_import_and_its_undo(client, titles):
    list_import = bring(client, table("Trigun,9,,", "Mushishi,,planned,"))
    member = UserFactory()
    hand_over(list_import.user, member)
    client.force_login(member)

    assert said(member) == {titles[2].pk: LOVE}
    act(client, list_import, "undo")
    assert said(member) == {}
    assert not Saved.objects.exists()


def test_the_queries_of_a_preview_do_not_grow_with_the_list(client, member):
    def queries(count):
        for item in ItemFactory.create_batch(count):
            EventFactory(user=member, item=item, feedback_type=LOVE)
        names = ItemFactory._meta.model.objects.values_list("name", flat=True)
        list_import = preview(client, table(*(f"{name},2,," for name in names)))
        with CaptureQueriesContext(
            connection,
        ) as captured:
            client.get(list_import.get_absolute_url())
        return len(captured)

    assert queries(2) == queries(20)


def test_your_data_lists_the_imports(client, member, titles):
    list_import = bring(client, table("Trigun,9,,"))
    page = client.get(LISTS).content.decode()
    assert list_import.get_absolute_url() in page
    assert "brought in" in page
    assert UPLOAD in client.get(reverse("feedback:activity")).content.decode()
