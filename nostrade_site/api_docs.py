"""The API's pages: each call described, and tried out with a token, from our own static files."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator


@dataclass(frozen=True)
class Operation:
    """One call, as a reader without JavaScript sees it."""

    method: str
    path: str
    description: str


@require_safe
def api_docs(request: HttpRequest) -> HttpResponse:
    """Describe the API; a script then puts the document itself, to unfold and try out, in the list's place.

    Swagger UI needs no exception from the security policy: React sets styles through the DOM's own interface.
    """
    return render(request, "api_docs.html", {"groups": operations().items()})


@cache
def operations() -> dict[str, list[Operation]]:
    """Return every call by its tag, in the document's order; they change with the code alone."""
    document = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    groups: dict[str, list[Operation]] = {tag["name"]: [] for tag in document["tags"]}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            described = Operation(method.upper(), path, operation["description"])
            groups[operation["tags"][0]].append(described)
    return groups
