"""The admin: Django's own, with our look and the pages that no single app can have."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial, wraps
from typing import Any

from django.contrib.admin import AdminSite, ModelAdmin
from django.contrib.admin.views.main import SEARCH_VAR
from django.db import IntegrityError
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import URLPattern, URLResolver, path

from nostrade_site.admin_lookups import OnlyItsFilters
from nostrade_site.dashboard import dashboard
from recommender.merging_admin import merge_view

SEARCHES = (SEARCH_VAR, "term")  # of a list, and of a field that completes what is typed
# Each word of a search is looked for in each column: SQLite takes no condition of a thousand of them.
MOST_WORDS, LONGEST_SEARCH = 20, 200

View = Callable[..., HttpResponseBase]


class NostradeAdmin(AdminSite):
    site_header = site_title = "Nostrade"
    empty_value_display = "–"
    index_title = "Behind the scenes"

    def register(
        self,
        model_or_iterable: type[Model] | Iterable[type[Model]],
        admin_class: type[ModelAdmin[Any]] | None = None,
        **options: Any,
    ) -> None:
        """Guard the look-ups of every list, those of other people's apps too: none can be forgotten."""
        guarded = type("Guarded", (OnlyItsFilters, admin_class or ModelAdmin), {"__module__": __name__})
        super().register(model_or_iterable, guarded, **options)

    def admin_view(self, view: View, cacheable: bool = False) -> Any:
        """Refuse a search longer than any that finds something; read a form once more that met its twin.

        Django checks that a name is free, and then writes; between these two a second press may be first.
        What that one made is there by now, and the form says so.
        """

        @wraps(view)
        def twice(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            try:
                return view(request, *args, **kwargs)
            except IntegrityError:
                if request.method != "POST":
                    raise
                return view(request, *args, **kwargs)

        shown = super().admin_view(twice, cacheable)

        @wraps(view)
        def searched(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            asked = [request.GET.get(name, "") for name in SEARCHES]
            if any(len(text) > LONGEST_SEARCH or len(text.split()) > MOST_WORDS for text in asked):
                said = f"Search for {MOST_WORDS} words and {LONGEST_SEARCH} characters at most."
                return HttpResponse(said, status=400, content_type="text/plain; charset=utf-8")
            return shown(request, *args, **kwargs)

        return searched

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Add pages that know more than the app whose rows they are about."""
        return [
            path("dashboard/", self.admin_view(partial(dashboard, site=self)), name="dashboard"),
            path(
                "catalog/item/merge/",
                self.admin_view(partial(merge_view, site=self)),
                name="catalog_item_merge",
            ),
            *super().get_urls(),
        ]
