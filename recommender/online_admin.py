"""The admin page of the online figures: charts, and the same numbers as tables."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_safe

from feedback.days import site_today
from recommender.models import Checkpoint
from recommender.online import POPULAR, Figures, Rate, by_day, by_slot, by_version, wildcards_at_random

PERIODS = (7, 30, 90)  # days
DEFAULT_PERIOD = 30
# Lines that can be told apart in one chart; the tables have all versions.
MAX_DRAWN = 6


@require_safe
def online(request: HttpRequest, model_admin: ModelAdmin[Checkpoint]) -> HttpResponse:
    """Show how each checkpoint did with people over a period."""
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    period = next((n for n in PERIODS if str(n) == request.GET.get("days")), DEFAULT_PERIOD)
    since = site_today() - timedelta(days=period - 1)
    versions, days = by_version(since), by_day(since)
    drawn = [figures.version for figures in versions[:MAX_DRAWN]]
    context = model_admin.admin_site.each_context(request) | {
        "title": "Online figures",
        "opts": Checkpoint._meta,
        "periods": PERIODS,
        "period": period,
        "versions": versions,
        "days": days,
        "slots": by_slot(since),
        "at_random": wildcards_at_random(since),
        "left_out": len(versions) - len(drawn),
        "chart": chart(since, drawn, days),
    }
    return TemplateResponse(request, "admin/recommender/checkpoint/online.html", context)


def chart(since: date, versions: Sequence[str], days: Sequence[Figures]) -> dict[str, Any]:
    """Return what `static/js/online.js` draws: a series for each version, a point for each day it served."""
    n_days = (site_today() - since).days + 1
    return {
        "days": [f"{since + timedelta(days=n):%-d %b}" for n in range(n_days)],
        "series": [
            {
                "name": version or POPULAR,
                "points": [_point(figures, since) for figures in days[::-1] if figures.version == version],
            }
            for version in versions
        ],
    }


def _point(figures: Figures, since: date) -> dict[str, Any]:
    assert figures.day is not None  # noqa: S101  # by_day names it
    return {
        "day": (figures.day - since).days,
        "impressions": figures.impressions,
        "love": _interval(figures.love_rate),
        "dislike": _interval(figures.dislike_rate),
        "coverage": {"value": figures.coverage},
    }


def _interval(rate: Rate) -> dict[str, float]:
    return {"value": rate.value, "low": rate.low, "high": rate.high}
