"""Stub while the page is being built."""

from django.http import HttpRequest, HttpResponse


def feed(request: HttpRequest, **kwargs: int) -> HttpResponse:
    return HttpResponse(status=501)


def start(request: HttpRequest, **kwargs: int) -> HttpResponse:
    return HttpResponse(status=501)


def title(request: HttpRequest, **kwargs: int) -> HttpResponse:
    return HttpResponse(status=501)


def preferences(request: HttpRequest, **kwargs: int) -> HttpResponse:
    return HttpResponse(status=501)
