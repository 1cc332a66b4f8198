"""Guests: made at the first reaction, never before; kept while they come; pruned when idle."""

from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from catalog.tests.factories import ItemFactory
from feedback import guests, tasks
from feedback.guests import hand_over, is_guest, prune_guests
from feedback.history import history_of
from feedback.models import Event, FeedbackType, ListImport, Saved
from feedback.teaching import let_teach, teaches
from feedback.tests.factories import EventFactory, SavedFactory, UserFactory

pytestmark = pytest.mark.django_db
User = get_user_model()
LONG_AGO = timezone.now() - timedelta(days=400)


def react(client, item, feedback_type="3"):
    return client.post(reverse("feedback:react", args=[item.pk]), {"feedback_type": feedback_type})


def test_it_works(client):
    items = ItemFactory.create_batch(2)

    for item in items:
        assert react(client, item).status_code == 303

    guest = User.objects.get()
    assert is_guest(guest)
    assert not guest.has_usable_password()
    assert history_of(guest).anime_ids == {item.pk for item in items}
    assert client.get(reverse("feedback:activity")).context["my"].is_guest


def test_saving_makes_a_guest_too(client):
    client.post(reverse("feedback:save", args=[ItemFactory().pk]), {"saved": "1"})

    assert is_guest(Saved.objects.get().user)


def test_what_the_visitor_had_in_the_session_survives(client):
    session = client.session
    session["picks"] = [1, 2]
    session.save()

    react(client, ItemFactory())

    assert client.session["picks"] == [1, 2]


def test_looking_around_and_refused_requests_make_no_guest(client):
    item = ItemFactory()

    client.get(reverse("feedback:activity"))
    client.get(reverse("feedback:saved"))
    react(client, item, "9")
    react(client, ItemFactory(is_hidden=True))
    react(client, item, "0")
    client.post(reverse("feedback:save", args=[item.pk]), {"saved": "0"})

    assert not User.objects.exists()


def test_a_guest_who_keeps_reacting_is_not_logged_out_one_day(client):
    react(client, ItemFactory())
    client.cookies["sessionid"]["max-age"] = 1  # nearly over

    react(client, ItemFactory())

    assert client.cookies["sessionid"]["max-age"] == client.session.get_expiry_age()
    assert User.objects.count() == 1


@pytest.fixture
def browser():
    """A browser that has a page with forms before it, and whose CSRF token is checked."""
    client = Client(enforce_csrf_checks=True)
    client.get(reverse("account_login"))
    token = client.cookies["csrftoken"].value

    def post(item):
        data = {"feedback_type": "3", "csrfmiddlewaretoken": token}
        return client.post(reverse("feedback:react", args=[item.pk]), data)

    client.react = post
    return client


def test_the_forms_on_the_page_still_work_after_the_first_reaction(browser):
    items = ItemFactory.create_batch(2)

    assert [browser.react(item).status_code for item in items] == [303, 303]

    assert history_of(User.objects.get()).anime_ids == {item.pk for item in items}


def test_reactions_sent_before_the_first_answer_are_one_guests(browser):
    items = ItemFactory.create_batch(3)

    for item in items:
        assert browser.react(item).status_code == 303
        del browser.cookies["sessionid"]  # the next request left before this answer arrived

    assert history_of(User.objects.get()).anime_ids == {item.pk for item in items}


def test_a_later_visit_without_the_session_is_somebody_else(browser):
    browser.react(ItemFactory())
    User.objects.update(date_joined=timezone.now() - 2 * guests.SAME_VISIT)
    del browser.cookies["sessionid"]

    browser.react(ItemFactory())

    assert [len(history_of(guest)) for guest in User.objects.all()] == [1, 1]
    assert all(is_guest(guest) for guest in User.objects.all())


def test_it_rejects_too_many_guests_from_one_address(settings):
    settings.ACCOUNT_RATE_LIMITS = {"guest": "2/h/ip"}
    item = ItemFactory()
    known = Client()
    assert react(known, item).status_code == 303
    assert react(Client(), item).status_code == 303

    refused = react(Client(), item)

    assert refused.status_code == 429
    assert "Log in or sign up" in refused.content.decode()
    assert User.objects.count() == 2
    assert react(known, ItemFactory()).status_code == 303
    assert react(Client(REMOTE_ADDR="203.0.113.9"), item).status_code == 303


def test_members_are_no_guests():
    assert not is_guest(UserFactory())
    assert not is_guest(UserFactory(username="guest-of-honour"))
    assert is_guest(UserFactory(guest=True))


def test_handing_over_keeps_the_members_own_word():
    guest, member = UserFactory(guest=True), UserFactory()
    mine, theirs, both, undone = ItemFactory.create_batch(4)
    changed = Event.objects.record(guest, mine, FeedbackType.LIKE)
    changed = Event.objects.record(guest, mine, FeedbackType.LOVE)
    Event.objects.record(guest, both, FeedbackType.DISLIKE)
    Event.objects.undo(Event.objects.record(guest, undone, FeedbackType.LOVE))
    Event.objects.record(member, theirs, FeedbackType.LIKE)
    Event.objects.record(member, both, FeedbackType.LOVE)
    for user, item in ((guest, mine), (guest, both), (member, both)):
        SavedFactory(user=user, item=item)

    hand_over(guest, member)

    reactions = {reaction.anime_id: reaction for reaction in history_of(member).reactions}
    assert {anime_id: reaction.label for anime_id, reaction in reactions.items()} == {
        mine.pk: "Loved",
        theirs.pk: "Liked",
        both.pk: "Loved",
    }
    assert reactions[mine.pk].timestamp == changed.timestamp.timestamp()
    assert {saved.item for saved in Saved.objects.filter(user=member)} == {mine, both}
    assert list(User.objects.all()) == [member]


def test_handing_over_takes_a_constant_number_of_queries():
    def queries_for(events):
        guest, member = UserFactory(guest=True), UserFactory()
        EventFactory.create_batch(events, user=guest)
        with CaptureQueriesContext(connection) as captured:
            hand_over(guest, member)
        return len(captured)

    assert queries_for(2) == queries_for(30)


def idle_guest(**attributes):
    return UserFactory(guest=True, date_joined=LONG_AGO, **attributes)


def test_pruning_deletes_idle_guests_and_nobody_else(monkeypatch):
    monkeypatch.setattr(guests, "PRUNE_CHUNK", 2)  # so that several chunks are needed
    for _ in range(5):
        EventFactory(user=idle_guest(last_login=LONG_AGO), timestamp=LONG_AGO)
    kept = {
        UserFactory(guest=True),
        UserFactory(date_joined=LONG_AGO),
        UserFactory(username="guest-of-honour", date_joined=LONG_AGO),
        idle_guest(last_login=timezone.now()),
        EventFactory(user=idle_guest()).user,
        SavedFactory(user=idle_guest()).user,
        ListImport.objects.create(user=idle_guest(), source="csv", total=0).user,
    }

    assert prune_guests(90) == 5

    assert set(User.objects.all()) == kept
    assert Event.objects.count() == 1
    assert prune_guests(90) == 0


def test_the_weekly_task_and_the_command_prune(settings):
    settings.GUEST_IDLE_DAYS = 30
    idle_guest()
    assert tasks.prune_guests() == 1

    idle_guest()
    out = StringIO()
    call_command("prune_guests", days=60, stdout=out)
    assert out.getvalue() == "1 idle guests deleted.\n"
    assert not User.objects.exists()


def test_the_command_rejects_a_number_that_deletes_everybody():
    guest = UserFactory(guest=True)

    with pytest.raises(CommandError, match="1 or more"):
        call_command("prune_guests", days=0)

    assert User.objects.get() == guest


def test_opting_out_as_a_guest_holds_for_the_member():
    guest, member = UserFactory(guest=True), UserFactory()
    let_teach(guest, allowed=False)

    hand_over(guest, member)

    assert not teaches(member)
