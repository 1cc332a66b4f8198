"""How the site is doing, for those who run it: reactions, checkpoints, latency, queues."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import Any

from django.contrib.admin.sites import AdminSite
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_safe
from redis import RedisError

from feedback.daily import Day, reactions_by_day
from feedback.days import site_today
from feedback.models import Event, FeedbackType
from nostrade_site.metrics import queue_depths, ranking_latency
from nostrade_site.models import Backup
from recommender.models import Checkpoint
from recommender.online import by_version
from recommender.trust import Attendance

DAYS = 30
CACHE_SECONDS = 5 * 60  # the log has no index by time alone: a large one is counted now and then
PERMISSION = "recommender.view_checkpoint"


@require_safe
def dashboard(request: HttpRequest, site: AdminSite) -> HttpResponse:
    """Show the last month, and how things stand now."""
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied
    days: list[Day] = cache.get_or_set("dashboard-days", lambda: reactions_by_day(DAYS), CACHE_SECONDS) or []
    context = site.each_context(request) | {
        "title": "How it goes",
        "days": days[::-1],
        "total": sum(day.total for day in days),
        "today": days[-1] if days else None,
        "chart": [asdict(day) | {"day": f"{day.day:%-d %b}"} for day in days],
        "versions": by_version(site_today() - timedelta(days=DAYS - 1)),
        "active": (active := Checkpoint.objects.active()),
        "news": _news(active),
        "run": (run := Checkpoint.objects.exclude(holder="").first()),
        "learning": _learning(run),
        "latency": ranking_latency(),
        "queues": _queues(),
        "backup": Backup.objects.first(),
    }
    return TemplateResponse(request, "admin/dashboard.html", context)


def _news(active: Checkpoint | None) -> int:
    """Count what was said since the active checkpoint learned."""
    reactions = Event.objects.exclude(feedback_type=FeedbackType.RETRACTED)
    return reactions.filter(pk__gt=active.last_event_id).count() if active else 0


def _learning(run: Checkpoint | None) -> list[str]:
    """Say who taught the latest run, which people it was compared on, and what slows learning down."""
    if run is None:
        return []
    checks = run.comparison.get("checks", [])
    found = [check["sentence"] for check in checks if check["name"] == "evidence" and check["sentence"]]
    if people := run.config.get("people"):
        attendance = Attendance.from_dict(people)
        found = [attendance.sentence, *attendance.remarks, *found]
    return found


def _queues() -> dict[str, Any]:
    """Return how many tasks wait in each queue; none where the broker does not answer."""
    try:
        return queue_depths()
    except (RedisError, OSError):
        return {}
