"""The privacy page: what is stored, in the words of the settings that this installation runs with."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

DAY = 24 * 60 * 60


@require_safe
def privacy(request: HttpRequest) -> HttpResponse:
    context = {
        "impression_days": settings.IMPRESSION_DAYS,
        "list_days": settings.LIST_DAYS,
        "receipt_days": settings.RECEIPT_DAYS,
        "network_days": settings.NETWORK_DAYS,
        "guest_days": settings.GUEST_IDLE_DAYS,
        "session_days": settings.SESSION_COOKIE_AGE // DAY,
        "poster_hosts": settings.POSTER_HOSTS,
    }
    return render(request, "privacy.html", context)
