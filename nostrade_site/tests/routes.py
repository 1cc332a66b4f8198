"""Every address of the site, with arguments that fit: so that no test of all of them can forget one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RoutePattern

# What stands for an argument, by its name or else by its converter.
BY_CONVERTER = {"int": "1", "slug": "first", "str": "x", "path": "x"}
BY_NAME = {"uidb36": "1", "key": "set-password", "app_label": "catalog", "content_type_id": "1"}
# The admin's last pattern, which answers to everything else.
CATCH_ALL = "(?P<url>.*)$"


def addresses(values: Mapping[str, str] | None = None) -> list[str]:
    """Return the address of every route, filled in."""
    known = BY_NAME | dict(values or {})
    return sorted({f"/{address}" for address in _below(get_resolver().url_patterns, known)})


def _below(patterns: list[URLPattern | URLResolver], known: Mapping[str, str]) -> Iterator[str]:
    for pattern in patterns:
        start = _filled(pattern, known)
        if isinstance(pattern, URLResolver):
            yield from (start + rest for rest in _below(pattern.url_patterns, known))
        else:
            yield start


def _filled(pattern: URLPattern | URLResolver, known: Mapping[str, str]) -> str:
    if isinstance(pattern.pattern, RoutePattern):
        return re.sub(
            r"<(?:(\w+):)?(\w+)>",
            lambda found: known.get(found[2]) or BY_CONVERTER[found[1] or "str"],
            str(pattern.pattern),
        )
    text = str(pattern.pattern)
    if text == CATCH_ALL:
        return "nothing-here/"
    filled = re.sub(r"\(\?P<(\w+)>(?:[^()]|\([^()]*\))*\)", lambda found: known.get(found[1], "x"), text)
    return re.sub(r"\\(.)", r"\1", filled.strip("^$"))
