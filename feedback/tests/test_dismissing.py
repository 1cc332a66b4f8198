"""Seen it, Not now, Not this franchise: saying so, taking it back, and what stands of it."""

from datetime import timedelta

import pytest
from django.contrib.messages import get_messages
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from catalog.tests.factories import FranchiseFactory, GenreFactory, ItemFactory
from feedback.dismissals import dismissed_by
from feedback.guests import hand_over, idle_guests
from feedback.models import Dismissal, Saved
from feedback.tests.factories import UserFactory
from feedback.undoing import undo_of

pytestmark = pytest.mark.django_db
Kind = Dismissal.Kind


@pytest.fixture
def member(client):
    user = UserFactory()
    client.force_login(user)
    return user


def hide(client, item, kind, **data):
    return client.post(reverse("feedback:dismiss", args=[item.pk]), {"hide": kind} | data)


def show(client, item, kind, **data):
    return client.post(reverse("feedback:dismiss", args=[item.pk]), {"show": kind} | data)


def notice(response):
    return list(get_messages(response.wsgi_request))[-1]


def press_undo(client, response):
    undo = undo_of(notice(response))
    return client.post(undo.url, dict(undo.fields))


def test_it_works(client, member):
    seen, later, series = (ItemFactory(name=name) for name in ("Monster", "Mushishi", "Bleach"))

    response = hide(client, seen, "seen", next="/search/?q=monster")
    hide(client, later, "not-now")
    hide(client, series, "franchise")

    assert (response.status_code, response["Location"]) == (303, "/search/?q=monster")
    assert str(notice(response)) == "Seen, and not shown again: Monster"
    dismissed = dismissed_by(member)
    assert (set(dismissed.seen), set(dismissed.snoozed)) == ({seen.pk}, {later.pk})
    assert [rejected.anime_id for rejected in dismissed.franchises] == [series.pk]


def test_all_of_it_is_one_query(member):
    for kind in Kind:
        for item in ItemFactory.create_batch(3):
            Dismissal.objects.dismiss(member, item, kind)
    with CaptureQueriesContext(connection) as captured:
        assert len(dismissed_by(member).anime_ids) == 9
    assert len(captured) == 1


def test_a_snooze_lasts_as_long_as_the_setting_says(client, member, settings):
    settings.NOT_NOW_DAYS = 7
    item = ItemFactory(name="Mushishi")
    assert str(notice(hide(client, item, "not-now"))) == "Not now: Mushishi is back in 7 days"
    until = dismissed_by(member).snoozed[item.pk][1]
    assert timedelta(days=6, hours=23) < until - timezone.now() <= timedelta(days=7)

    Dismissal.objects.update(until=timezone.now() - timedelta(seconds=1))
    assert dismissed_by(member).snoozed == {}


def test_saying_not_now_again_begins_anew(client, member):
    item = ItemFactory()
    Dismissal.objects.dismiss(member, item, Kind.NOT_NOW, timezone.now() - timedelta(days=40))
    assert dismissed_by(member).snoozed == {}
    hide(client, item, "not-now")
    assert set(dismissed_by(member).snoozed) == {item.pk}


def test_a_double_submit_changes_nothing(client, member):
    item = ItemFactory()
    hide(client, item, "seen")
    first = dismissed_by(member)
    hide(client, item, "seen")
    assert dismissed_by(member) == first


@pytest.mark.parametrize("kind", Kind.values)
def test_undo_takes_it_back_without_offering_another_undo(client, member, kind):
    item = ItemFactory(name="Monster")
    response = press_undo(client, hide(client, item, kind))
    assert not Dismissal.objects.exists()
    assert str(notice(response)) == "Undone: Monster"
    assert undo_of(notice(response)) is None


@pytest.mark.parametrize("kind", Kind.values)
def test_undo_of_a_removal_restores_when_it_was_said(client, member, kind):
    item = ItemFactory()
    Dismissal.objects.dismiss(member, item, Kind(kind), timezone.now() - timedelta(days=3))
    before = dismissed_by(member)
    press_undo(client, show(client, item, kind))
    assert dismissed_by(member) == before


def test_undo_of_saving_and_of_its_removal(client, member):
    item = ItemFactory()
    url = reverse("feedback:save", args=[item.pk])
    press_undo(client, client.post(url, {"saved": "1"}))
    assert not Saved.objects.exists()
    Saved.objects.create(user=member, item=item, created_at=timezone.now() - timedelta(days=3))
    before = Saved.objects.get().created_at
    press_undo(client, client.post(url, {"saved": "0"}))
    assert Saved.objects.get().created_at == before


def test_a_franchise_is_shown_again_from_any_of_its_titles(client, member):
    franchise = FranchiseFactory()
    first, second = ItemFactory.create_batch(2, franchise=franchise)
    hide(client, first, "franchise")
    assert dismissed_by(member).hides_franchise_of(second)
    response = show(client, second, "franchise")
    assert not dismissed_by(member).hides_franchise_of(first)
    press_undo(client, response)
    assert dismissed_by(member).hides_franchise_of(first)


def test_titles_hidden_since_can_be_taken_back(client, member):
    item = ItemFactory()
    hide(client, item, "seen")
    type(item).objects.update(is_hidden=True)
    assert show(client, item, "seen").status_code == 303
    assert not Dismissal.objects.exists()


@pytest.mark.parametrize("data", [{}, {"hide": "x"}, {"show": "<b>"}, {"hide": ""}])
def test_it_rejects_other_answers_with_a_sentence(client, member, data):
    response = client.post(reverse("feedback:dismiss", args=[ItemFactory().pk]), data)
    assert response.status_code == 400
    assert "Send hide with one of seen, not-now, franchise" in response.content.decode()


def test_it_rejects_titles_out_of_sight_and_makes_no_guest_for_them(client, django_user_model):
    hidden, adult = ItemFactory(is_hidden=True), ItemFactory(genres=[GenreFactory(is_adult=True)])
    for item in (hidden, adult):
        assert hide(client, item, "seen").status_code == 404
        assert show(client, item, "seen").status_code in {303, 404}
    assert client.post(reverse("feedback:dismiss", args=[10**30]), {"hide": "seen"}).status_code == 404
    assert client.post(reverse("feedback:dismiss", args=[10**30]), {"show": "seen"}).status_code == 404
    assert not django_user_model.objects.exists()


@pytest.mark.parametrize(
    "since",
    ["", "x", "2999-01-01T00:00:00+00:00", "2020-13-45", "2020-01-01", "0001-01-01T00:00:00+14:00"],
)
def test_nonsense_about_the_time_counts_as_now(client, member, since):
    item = ItemFactory()
    assert hide(client, item, "seen", since=since).status_code == 303
    assert timezone.now() - Dismissal.objects.get().created_at < timedelta(minutes=1)


def test_nobody_takes_back_what_another_said(client, member):
    item = ItemFactory()
    Dismissal.objects.dismiss(UserFactory(), item, Kind.SEEN)
    show(client, item, "seen")
    assert Dismissal.objects.count() == 1


def test_a_guest_is_made_and_carries_it_over(client, django_user_model):
    both, new = ItemFactory.create_batch(2)
    hide(client, both, "seen")
    hide(client, new, "not-now")
    guest, member = django_user_model.objects.get(), UserFactory()
    Dismissal.objects.dismiss(member, both, Kind.SEEN, timezone.now() - timedelta(days=9))
    kept, until = dismissed_by(member).seen[both.pk], dismissed_by(guest).snoozed[new.pk]
    hand_over(guest, member)
    assert dismissed_by(member).seen == {both.pk: kept}
    assert dismissed_by(member).snoozed == {new.pk: until}


def test_a_guest_who_dismisses_is_not_idle():
    guest = UserFactory(guest=True, date_joined=timezone.now() - timedelta(days=100))
    since = timezone.now() - timedelta(days=90)
    assert guest in idle_guests(since)
    Dismissal.objects.dismiss(guest, ItemFactory(), Kind.SEEN)
    assert guest not in idle_guests(since)


@pytest.mark.parametrize(("kind", "until"), [("not-now", None), ("seen", timezone.now()), ("other", None)])
def test_the_database_refuses_nonsense(member, kind, until):
    with pytest.raises(IntegrityError), transaction.atomic():
        Dismissal.objects.create(user=member, item=ItemFactory(), kind=kind, until=until)


def test_pages_show_what_was_said(client, member):
    franchise = FranchiseFactory()
    item, sibling = ItemFactory.create_batch(2, franchise=franchise)
    for kind in Kind:
        Dismissal.objects.dismiss(member, item, kind)
    page = client.get(reverse("recommender:title", args=[item.pk])).content.decode()
    for kind in Kind:
        assert f'id="{kind}-{item.pk}" name="show"' in page
    page = client.get(reverse("recommender:title", args=[sibling.pk])).content.decode()
    assert f'id="franchise-{sibling.pk}" name="show"' in page
    assert f'id="seen-{sibling.pk}" name="hide"' in page
