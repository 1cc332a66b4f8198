"""Pages of the admin whose history says what changed."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from catalog.changes import difference, told


class TellsChanges(admin.ModelAdmin):
    """A page whose history says what each field was and what it is."""

    def construct_change_message(
        self, request: HttpRequest, form: Any, formsets: Any, add: bool = False
    ) -> Any:
        message = super().construct_change_message(request, form, formsets, add)
        if add or not form.changed_data:
            return message
        before = {name: told(_stored(form, name)) for name in form.changed_data}
        after = {name: told(form.cleaned_data.get(name)) for name in form.changed_data}
        return difference(before, after) or message


def _stored(form: forms.Form, name: str) -> Any:
    """Return what a field said before, where the form has the ids of other rows: the rows."""
    value = form.get_initial_for_field(form.fields[name], name)
    field = form.fields[name]
    if isinstance(field, forms.ModelChoiceField) and not isinstance(field, forms.ModelMultipleChoiceField):
        return field.queryset.filter(pk=value).first() if value and field.queryset is not None else None
    return value
