"""The admin: Django's own, with our look and the pages that no single app can have."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from django.contrib.admin import AdminSite, ModelAdmin
from django.db.models import Model
from django.urls import URLPattern, URLResolver, path

from nostrade_site.admin_lookups import OnlyItsFilters
from nostrade_site.dashboard import dashboard
from recommender.merging_admin import merge_view


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
