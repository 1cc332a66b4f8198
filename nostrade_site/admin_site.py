"""The admin: Django's own, with our look and the pages that no single app can have."""

from __future__ import annotations

from functools import partial

from django.contrib.admin import AdminSite
from django.urls import URLPattern, URLResolver, path

from nostrade_site.dashboard import dashboard
from recommender.merging_admin import merge_view


class NostradeAdmin(AdminSite):
    site_header = site_title = "Nostrade"
    empty_value_display = "–"
    index_title = "Behind the scenes"

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
