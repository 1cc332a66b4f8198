"""Online figures: what came of each checkpoint's impressions, and the admin page that shows it."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from itertools import product

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from catalog.models import Item
from feedback.models import Event, FeedbackType
from recommender.models import Impression
from recommender.online import Rate, by_day, by_version
from recommender.tests.fixtures import HIDDEN

ONLINE = reverse("admin:recommender_checkpoint_online")
LIST = reverse("admin:recommender_checkpoint_changelist")
TODAY = timezone.localdate


def show(user: User, anime_id: int, version: str, days_ago: int, said: FeedbackType | None = None) -> None:
    """Show a title once, and let the person say something to it."""
    moment = timezone.now() - timedelta(days=days_ago)
    event = None
    if said is not None:
        event = Event.objects.create(user=user, item_id=anime_id, feedback_type=said, timestamp=moment)
    Impression.objects.create(
        user=user,
        item_id=anime_id,
        version=version,
        position=1,
        day=moment.date(),
        shown_at=moment,
        event=event,
    )


@pytest.fixture
def shown(catalogue: None, ann: User) -> None:
    """Two versions over two days, and popular titles for somebody new."""
    ben = User.objects.create_user("ben")
    sayings = (FeedbackType.LOVE, FeedbackType.DISLIKE, FeedbackType.LIKE, None)
    for anime_id, said in enumerate(sayings, start=1):
        show(ann, anime_id, "first", 1, said)
    show(ben, 1, "first", 1)
    show(ann, 1, "first", 0)
    show(ann, 6, "second", 0, FeedbackType.LOVE)
    show(ben, 7, "", 0)


@pytest.fixture
def staff(db, client: Client) -> Client:
    client.force_login(User.objects.create_superuser("root"))
    return client


def test_it_works(shown: None) -> None:
    first, *others = by_version(TODAY() - timedelta(days=1))
    assert (first.version, first.day) == ("first", None)
    assert (first.impressions, first.people, first.titles) == (6, 2, 4)
    assert (first.reactions, first.loves, first.dislikes) == (3, 1, 1)
    assert first.love_rate == first.dislike_rate == Rate(1, 6)
    assert first.reaction_rate == Rate(3, 6)
    assert first.coverage == 4 / Item.objects.exclude(pk=HIDDEN).count()
    assert {figures.name for figures in others} == {"second", "Popular titles"}


def test_days_stand_apart(shown: None) -> None:
    days = {(figures.day, figures.version): figures.impressions for figures in by_day(TODAY())}
    assert days == {(TODAY(), "first"): 1, (TODAY(), "second"): 1, (TODAY(), ""): 1}
    latest, *_, earliest = by_day(TODAY() - timedelta(days=1))
    assert latest.day == TODAY()
    assert (earliest.day, earliest.impressions) == (TODAY() - timedelta(days=1), 5)


def test_the_database_counts(shown: None, ann: User, django_assert_num_queries) -> None:
    with django_assert_num_queries(2):
        before = by_day(TODAY())
    for anime_id, days_ago in product(range(10, 30), range(5)):
        show(ann, anime_id, "first", days_ago)
    with django_assert_num_queries(2):
        assert len(by_day(TODAY())) == len(before)


@pytest.mark.parametrize(
    ("hits", "trials", "low", "high"),
    [(0, 10, 0.0, 0.2775), (1, 10, 0.0179, 0.4042), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1.0)],
)
def test_intervals_are_wilsons(hits: int, trials: int, low: float, high: float) -> None:
    # Published values, as R's prop.test(hits, trials, correct = FALSE) prints them.
    rate = Rate(hits, trials)
    assert (rate.low, rate.high) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))
    assert rate.low <= rate.value <= rate.high


def test_intervals_narrow_with_more_people() -> None:
    few, many = Rate(3, 100), Rate(300, 10_000)
    assert many.high - many.low < (few.high - few.low) / 5
    assert (few.text, few.interval) == ("3.0 %", "1.0–8.5")


def test_the_page_shows_tables_and_draws_the_same_numbers(shown: None, staff: Client) -> None:
    response = staff.get(ONLINE)
    page = response.content.decode()
    assert page.count("<caption>By ") == 2
    assert "16.7 % <span" in page  # one of six loved
    data = json.loads(re.search(r'id="online-figures"[^>]*>(.*?)</script>', page)[1])
    assert len(data["days"]) == 30
    series = {line["name"]: line["points"] for line in data["series"]}
    assert set(series) == {"first", "second", "Popular titles"}
    assert [point["day"] for point in series["first"]] == [28, 29]
    rate = Rate(1, 5)
    assert series["first"][0]["love"] == {"value": rate.value, "low": rate.low, "high": rate.high}
    assert series["first"][0]["coverage"]["value"] == pytest.approx(4 / 69)


def test_the_page_keeps_to_the_security_policy(shown: None, staff: Client) -> None:
    page = staff.get(ONLINE).content.decode()
    scripts = re.findall(r"<script([^>]*)>", page)
    assert all('src="/static/' in script or 'type="application/json"' in script for script in scripts)
    assert " style=" not in page
    assert "<style" not in page


def test_the_charts_draw_the_versions_shown_most_and_say_so(
    catalogue: None, ann: User, staff: Client
) -> None:
    for number in range(8):
        for anime_id in range(10, 11 + number):
            show(ann, anime_id, f"v{number}", 0)
    response = staff.get(ONLINE)
    drawn = [line["name"] for line in response.context["chart"]["series"]]
    assert drawn == ["v7", "v6", "v5", "v4", "v3", "v2"]
    assert len(response.context["versions"]) == 8
    assert "the tables have 2 more" in response.content.decode()


def test_the_period_can_be_chosen(catalogue: None, ann: User, staff: Client) -> None:
    show(ann, 1, "first", 40)
    assert "Nobody was shown anything in these 30 days" in staff.get(ONLINE).content.decode()
    assert staff.get(ONLINE, {"days": "90"}).context["versions"][0].version == "first"
    for nonsense in ("0", "-1", "1e9", "x", "", "9" * 300):
        assert staff.get(ONLINE, {"days": nonsense}).context["period"] == 30


def test_the_list_of_checkpoints_links_it(staff: Client) -> None:
    assert f'href="{ONLINE}"' in staff.get(LIST).content.decode()


def test_it_requires_the_permission_to_see_checkpoints(db, client: Client, ann: User) -> None:
    assert client.get(ONLINE).status_code == 302
    ann.is_staff = True
    ann.save()
    client.force_login(ann)
    assert client.get(ONLINE).status_code == 403
    ann.user_permissions.add(Permission.objects.get(codename="view_checkpoint"))
    assert client.get(ONLINE).status_code == 200
    assert client.post(ONLINE).status_code == 405
