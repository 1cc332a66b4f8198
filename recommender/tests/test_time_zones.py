"""Dates are written in the reader's zone: by their preferences, else by their browser's cookie, else UTC."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from catalog.tests.factories import ItemFactory
from feedback.daily import reactions_by_day
from feedback.lists.importing import take_in
from feedback.lists.reading import read_list
from feedback.models import Event, FeedbackType
from feedback.tests.factories import EventFactory, UserFactory
from recommender.impressions import Showing
from recommender.models import Preferences, carry_over_preferences
from recommender.zones import COOKIE

pytestmark = pytest.mark.django_db
LATE = datetime(2026, 3, 1, 22, 30, tzinfo=UTC)  # 2 March in Helsinki and Tokyo, 1 March in New York
ACTIVITY = reverse("feedback:activity")


@pytest.fixture
def reader(client: Client):
    """A member with one reaction, made late in the evening of UTC."""
    user = UserFactory()
    EventFactory(user=user, timestamp=LATE)
    client.force_login(user)
    return user


def read(client: Client, zone: str = "") -> str:
    if zone:
        client.cookies[COOKIE] = zone
    return client.get(ACTIVITY).content.decode()


@pytest.mark.parametrize(
    ("zone", "day", "instant"),
    [
        ("", "1 Mar 2026", "2026-03-01T22:30:00+00:00"),
        ("Europe/Helsinki", "2 Mar 2026", "2026-03-02T00:30:00+02:00"),
        ("Asia/Tokyo", "2 Mar 2026", "2026-03-02T07:30:00+09:00"),
        ("Asia/Calcutta", "2 Mar 2026", "2026-03-02T04:00:00+05:30"),  # an old name, which browsers send
        ("America/New_York", "1 Mar 2026", "2026-03-01T17:30:00-05:00"),
    ],
)
def test_the_browsers_zone_decides_and_the_instant_stays(client, reader, zone, day, instant):
    page = read(client, zone)
    assert f'datetime="{instant}"' in page
    assert datetime.fromisoformat(instant) == LATE
    assert f">{day}</time>" in page


@pytest.mark.parametrize(
    "nonsense",
    [
        "Mars/Olympus",
        "../../etc/passwd",
        "/etc/localtime",
        "<script>",
        "x" * 4000,
        "UTC\x00",
        "%00",
        "posixrules/..",
    ],
)
def test_nonsense_in_the_cookie_is_no_zone(client, reader, nonsense):
    page = read(client, nonsense)
    assert ">1 Mar 2026</time>" in page
    assert nonsense not in page


def test_a_preference_comes_before_the_cookie(client, reader):
    client.cookies[COOKIE] = "Asia/Tokyo"
    saved = client.post(
        reverse("recommender:preferences"), {"wildcards": "1", "time_zone": "America/New_York"}
    )
    assert saved.status_code == 302
    assert ">1 Mar 2026</time>" in read(client)
    page = client.get(reverse("recommender:preferences")).content.decode()
    assert '<option value="America/New_York" selected>' in page
    assert "As my browser says (Asia/Tokyo)" in page


def test_preferences_reject_an_unknown_zone(client, reader):
    form = {"wildcards": "1", "time_zone": "Mars/Olympus"}
    assert client.post(reverse("recommender:preferences"), form).status_code == 400
    assert not Preferences.objects.exists()


def test_a_zone_that_went_out_of_use_is_ignored_and_kept(client, reader):
    Preferences.objects.create(user=reader, time_zone="US/Nowhere")
    assert ">1 Mar 2026</time>" in read(client)
    page = client.get(reverse("recommender:preferences")).content.decode()
    assert "US/Nowhere (unknown here)" in page


def test_days_that_a_list_gave_stay_the_days_of_the_list(client, reader):
    """A list says days without times; west of Greenwich they must not become the day before."""
    item = ItemFactory(anime_id=1)
    EventFactory(user=reader, item=item, timestamp=datetime(2020, 5, 1, tzinfo=UTC))
    assert ">1 May 2020</time>" in read(client, "America/New_York")
    listed = take_in(reader, read_list(b"anime_id,score,date\n77,9,2020-05-01\n"), "list.csv")
    listed.state = "ready"
    listed.save()
    assert "1 May 2020" in client.get(listed.get_absolute_url()).content.decode()


def test_the_api_and_exports_say_utc_whoever_reads(client, reader):
    client.cookies[COOKIE] = "Asia/Tokyo"
    Preferences.objects.create(user=reader, time_zone="Asia/Tokyo")
    assert client.get("/api/v1/events/").json()["results"][0]["timestamp"] == "2026-03-01T22:30:00Z"
    for address in ("/lists/nostrade.json", "/lists/nostrade.csv", "/api/v1/me/export/"):
        text = client.get(address).getvalue().decode()
        assert "2026-03-01T22:30:00" in text
        assert "+09:00" not in text


def test_one_readers_zone_does_not_reach_the_next(client, reader):
    assert ">2 Mar 2026</time>" in read(client, "Asia/Tokyo")
    other = Client()
    other.force_login(reader)
    assert ">1 Mar 2026</time>" in read(other)
    assert str(timezone.get_current_timezone()) == "UTC"


def test_what_was_written_by_a_zone_varies_by_cookie_and_the_rest_does_not(client, reader):
    assert "Cookie" in client.get(ACTIVITY)["Vary"]
    item = Event.objects.get().item
    poster = Client().get(reverse("catalog:poster", args=[item.pk]))
    assert "Cookie" not in poster.get("Vary", "")


def test_counted_days_are_the_same_for_everybody(reader):
    """Figures are kept by day and shared: a request from Tokyo must not count or file by days of its own."""
    now = timezone.now()
    with timezone.override("Pacific/Kiritimati"):  # 14 hours ahead
        days = reactions_by_day(3)
        filed = Showing(reader.pk, "", 0, (1,), now).page[1]
    assert (days[-1].day, filed) == (now.date(), now.date())


def test_a_guests_zone_goes_along(reader):
    guest = UserFactory(guest=True)
    Preferences.objects.create(user=guest, time_zone="Asia/Tokyo")
    carry_over_preferences(guest, reader)
    assert Preferences.objects.get(user=reader).time_zone == "Asia/Tokyo"


def test_a_page_without_dates_asks_for_no_preferences(client, reader, django_assert_max_num_queries):
    """The zone is looked up when a date is written: session, person, and nothing for a privacy page."""
    with django_assert_max_num_queries(2):
        client.get(reverse("privacy"))


def test_reactions_of_today_are_of_today(reader):
    Event.objects.record(reader, ItemFactory(), FeedbackType.LOVE)
    with timezone.override("Pacific/Kiritimati"):
        assert reactions_by_day(1)[0].loves == 1
