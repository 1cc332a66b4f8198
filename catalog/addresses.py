"""Addresses of what a page says about a title: a page of cards has 170, most of them known."""

from __future__ import annotations

from functools import lru_cache

from django.urls import get_script_prefix, reverse

MOST = 8192  # addresses: a megabyte


def address_of(name: str, anime_id: int) -> str:
    """Return the address that the pattern `name` has for a title, worked out when it is first asked for."""
    return _address(get_script_prefix(), name, anime_id)


@lru_cache(maxsize=MOST)
def _address(prefix: str, name: str, anime_id: int) -> str:
    return reverse(name, args=[anime_id])
