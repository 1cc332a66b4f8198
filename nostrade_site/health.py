"""Stub while the page is being built."""

from django.http import HttpRequest, HttpResponse


def healthz(request: HttpRequest, **kwargs: int) -> HttpResponse:
    return HttpResponse(status=501)
