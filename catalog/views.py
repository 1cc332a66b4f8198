"""Stub while the page is being built."""

from django.http import HttpRequest, HttpResponse


def search(request: HttpRequest, **kwargs: int) -> HttpResponse:
    return HttpResponse(status=501)


def poster(request: HttpRequest, **kwargs: int) -> HttpResponse:
    return HttpResponse(status=501)
