"""What may stand in the address of a list of the admin: the filters that it shows, and nothing else."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models.constants import LOOKUP_SEP
from django.http import HttpRequest

# The forms in which Django's filters and its bar of dates ask for a column.
FORMS = ("", "exact", "isnull", "gte", "lt", "year", "month", "day")


class OnlyItsFilters(admin.ModelAdmin):  # type: ignore[type-arg]  # it takes one in the stubs alone
    """Deny what Django allows: to filter by any column of the table, a password's hash among them."""

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        shown = self.list_filter if request is None else self.get_list_filter(request)
        return any(lookup in self._lookups_of(each) for each in (*shown, self.date_hierarchy) if each)

    def _lookups_of(self, shown: Any) -> set[str]:
        """Return what a filter puts into the address; of a related row it names the key alone."""
        if isinstance(shown, type) and issubclass(shown, admin.SimpleListFilter):
            return {str(shown.parameter_name)}
        path = shown[0] if isinstance(shown, (list, tuple)) else shown
        lookups = {path + LOOKUP_SEP + form if form else path for form in FORMS}
        return lookups | {f"{path}__{key}__exact" for key in self._keys_behind(path)}

    def _keys_behind(self, path: str) -> tuple[str, ...]:
        """Return the key of the row that a relation leads to."""
        options = self.model._meta
        for part in path.split(LOOKUP_SEP):
            field = options.get_field(part)
            if not field.is_relation:
                return ()
            options = field.related_model._meta
        return (options.pk.name,)
