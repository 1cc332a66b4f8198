"""How the site is doing, in the admin."""

from contextlib import closing
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone

from feedback.models import Event, FeedbackType, ListImport
from feedback.tests.factories import EventFactory, UserFactory
from nostrade_site.broker_client import broker_client
from nostrade_site.metrics import Latency, ranking_latency
from nostrade_site.models import Backup
from recommender.metrics import RANKING
from recommender.models import Checkpoint, Impression
from recommender.trust import Attendance

pytestmark = pytest.mark.django_db
PAGE = reverse("admin:dashboard")


def test_it_works(admin_client):
    event = EventFactory(feedback_type=FeedbackType.LOVE)
    EventFactory(user=event.user, timestamp=timezone.now() - timedelta(days=3))
    EventFactory(timestamp=timezone.now() - timedelta(days=40))
    Event.objects.undo(EventFactory(feedback_type=FeedbackType.DISLIKE))
    brought = ListImport.objects.create(user=event.user, source="mal", scale="x", total=1)
    EventFactory(list_import=brought)
    Checkpoint.objects.create(version="champion", state="active", promoted_at=timezone.now())
    Checkpoint.objects.create(version="tried", state="rejected", holder="web:1", verdict="Worse by 0.02.")
    Impression.objects.create(
        user=event.user, item=event.item, version="champion", position=1, day=timezone.localdate(),
        shown_at=timezone.now(), event=event,
    )  # fmt: skip

    page = admin_client.get(PAGE)

    today = page.context["today"]
    assert (today.loves, today.likes, today.dislikes, today.people) == (1, 0, 1, 2)
    assert page.context["total"] == 3
    assert len(page.context["chart"]) == 30
    assert [figures.version for figures in page.context["versions"]] == ["champion"]
    assert page.context["news"] == 5
    for words in ("champion", "Worse by 0.02.", "100.0 %"):
        assert words in page.text


def test_it_says_whom_the_latest_run_learned_from_and_was_compared_on(admin_client):
    few = "Compared on 7 people, NDCG@20 changes by +0.010: with 13 more it need only be no worse."
    guests = Attendance(people=40, taken=2, newcomers=40, newcomers_taken=2, network=3, network_taken=1)
    Checkpoint.objects.create(
        version="tried",
        state="rejected",
        holder="web:1",
        verdict=f"Kept the champion: {few}",
        config={"preset": "nightly", "people": guests.to_dict()},
        comparison={"checks": [{"name": "evidence", "passed": False, "sentence": few}]},
    )
    page = admin_client.get(PAGE)
    assert page.context["learning"] == [guests.sentence, *guests.remarks, few]
    assert "of 40 guests and newcomers 2 (100 % of the run)" in page.text
    assert "learning is slow until members have been here for 7 days" in page.text
    assert "with 13 more it need only be no worse" in page.text


@pytest.mark.usefixtures("broker")
def test_it_tells_how_many_tasks_wait(admin_client):
    before = page_queues(admin_client)  # a server that other tests use too may hold tasks of theirs
    with closing(broker_client()) as queues:
        queues.rpush("train", "one", "two")
        now = page_queues(admin_client)
        queues.ltrim("train", 0, -3)
    assert now == before | {"train": before["train"] + 2}


def page_queues(client):
    return client.get(PAGE).context["queues"]


def test_it_works_while_the_broker_is_away(admin_client, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    page = admin_client.get(PAGE)
    assert page.status_code == 200
    assert "the broker does not answer" in page.text


def test_it_works_where_nothing_was_ever_said(admin_client):
    page = admin_client.get(PAGE)
    assert page.status_code == 200
    assert "popular titles are served" in page.text


def test_a_ranking_s_time_is_told_by_its_bounds():
    before = ranking_latency()
    for _ in range(1000):
        RANKING.observe(0.004)
    for _ in range(500):
        RANKING.observe(0.04)
    found = ranking_latency()
    assert found.times == (before.times if before else 0) + 1500
    assert (found.half_within, found.most_within) == (5.0, 50.0) or before is not None
    assert isinstance(found, Latency)


def test_it_tells_of_the_last_backup_and_warns_where_it_is_old_or_there_is_none(admin_client):
    assert "was never run here" in admin_client.get(PAGE).text
    Backup.objects.create(path="/b/old.tar", n_bytes=5, made_at=timezone.now() - timedelta(days=8))
    assert "Older than a week" in (page := admin_client.get(PAGE)).text
    assert "mark--failed" in page.text
    Backup.objects.create(path="/b/new.tar", n_bytes=3 * 2**20, made_at=timezone.now() - timedelta(days=6))
    page = admin_client.get(PAGE)
    assert page.context["backup"].path == "/b/new.tar"
    assert "mark--failed" not in page.text
    for words in ("6\xa0days ago", "3.0\xa0MB", "/b/new.tar"):
        assert words in page.text


def test_the_number_of_queries_does_not_grow(admin_client, django_assert_max_num_queries):
    for _ in range(10):
        EventFactory()
        cache.clear()
    with django_assert_max_num_queries(13):
        admin_client.get(PAGE)


def test_it_requires_permission(client):
    assert client.get(PAGE).status_code == 302
    client.force_login(reader := UserFactory(is_staff=True))
    assert client.get(PAGE).status_code == 403
    assert "How it goes" not in client.get(reverse("admin:index")).text
    reader.user_permissions.add(Permission.objects.get(codename="view_checkpoint"))
    client.force_login(reader)
    assert client.get(PAGE).status_code == 200
    assert "How it goes" in client.get(reverse("admin:index")).text
    assert client.post(PAGE).status_code == 405
