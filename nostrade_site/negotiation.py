"""What an answer may be written in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.http import Http404
from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request


class Negotiation(DefaultContentNegotiation):
    """Go by `format` and `Accept`, and refuse (406) what cannot be had, or read, with what can be."""

    def select_renderer(
        self, request: Request, renderers: Iterable[Any], format_suffix: str | None = None
    ) -> tuple[Any, str]:
        try:
            renderer, media_type = super().select_renderer(request, renderers, format_suffix)
        except (NotAcceptable, Http404, ValueError):  # the last from Django's reading of the header
            types = " or ".join(dict.fromkeys(renderer.media_type for renderer in renderers))
            raise NotAcceptable(f"Accept {types}, or leave out `Accept` and `format`.") from None
        return renderer, media_type
