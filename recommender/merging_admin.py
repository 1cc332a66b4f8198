"""The admin page where duplicates are merged: what would follow, which title stays, and then it is done."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.contrib.admin.models import DELETION
from django.contrib.admin.sites import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.views.decorators.http import require_http_methods

from catalog.changes import facts_of, label, log
from catalog.models import Item
from catalog.text import as_id
from recommender.merging import MOST, CannotMerge, Merged, Preview, merge

LIST = "admin:catalog_item_changelist"
SHOWN = ("type", "year", "episodes", "members", "franchise", "genres", "is_hidden")


@dataclass(frozen=True)
class FactRow:
    """One fact on each of the titles."""

    label: str
    values: tuple[str, ...]

    @property
    def note(self) -> str:
        return "" if len(set(self.values)) > 1 else "the same"


@require_http_methods(["GET", "HEAD", "POST"])
def merge_view(request: HttpRequest, site: AdminSite) -> HttpResponse:
    """Show what a merge would do; asked to, do it."""
    if not request.user.has_perm("catalog.merge_item"):
        raise PermissionDenied
    asked = request.POST if request.method == "POST" else request.GET
    ids = [pk for text in asked.getlist("ids") if (pk := as_id(text))]
    titles = Item.objects.filter(pk__in=ids).with_facts().popular()
    items = list(titles[: MOST + 1])
    if not 2 <= len(items) <= MOST:
        messages.error(request, f"Select from two to {MOST} titles to merge.")
        return redirect(LIST)
    if request.method == "POST":
        return _merge(request, items)
    context = site.each_context(request) | {
        "title": "Merge duplicates",
        "opts": Item._meta,
        "preview": Preview.of(items),
        "facts": fact_rows(items),
        "keep": items[0].pk,
    }
    return TemplateResponse(request, "admin/catalog/item/merge.html", context)


def _merge(request: HttpRequest, items: list[Item]) -> HttpResponse:
    try:
        done = merge(items, as_id(request.POST.get("keep", "")) or 0)
    except CannotMerge as problem:
        messages.error(request, str(problem))
        return redirect(LIST)
    _note(request, done)
    messages.success(request, done.sentence)
    return redirect("admin:catalog_item_change", done.kept.pk)


def _note(request: HttpRequest, done: Merged) -> None:
    """Let the history of every title say what happened to it."""
    log(request.user, [(done.kept, done.sentence)])
    into = f"Merged into {done.kept} ({done.kept.pk})."
    log(request.user, [(item, into) for item in done.gone], DELETION)


def fact_rows(items: list[Item]) -> list[FactRow]:
    """Lay the facts of the titles side by side."""
    facts = [facts_of(item) for item in items]
    ids = FactRow("Id", tuple(str(item.pk) for item in items))
    return [ids, *(FactRow(label(name), tuple(each[name] for each in facts)) for name in SHOWN)]
