"""Stub while the page is being built."""

from django.http import HttpRequest, HttpResponse


def react(request: HttpRequest, **kwargs: int) -> HttpResponse:
    return HttpResponse(status=501)


def undo(request: HttpRequest, **kwargs: int) -> HttpResponse:
    return HttpResponse(status=501)


def save(request: HttpRequest, **kwargs: int) -> HttpResponse:
    return HttpResponse(status=501)


def saved(request: HttpRequest, **kwargs: int) -> HttpResponse:
    return HttpResponse(status=501)


def activity(request: HttpRequest, **kwargs: int) -> HttpResponse:
    return HttpResponse(status=501)
