"""Genres, and franchises with their titles."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string

from catalog.admin.history import TellsChanges
from catalog.changes import difference, facts_of, log
from catalog.models import Franchise, Genre, Item


class _Counted:
    """Show how many titles there are of each."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Genre | Franchise]:
        return super().get_queryset(request).annotate(n_titles=Count("items"))  # type: ignore[misc,no-any-return]

    @admin.display(description="titles", ordering="n_titles")
    def titles(self, row: Genre | Franchise) -> int:
        return row.n_titles  # type: ignore[union-attr,no-any-return]


@admin.register(Genre)
class GenreAdmin(_Counted, TellsChanges):
    list_display = ("name", "is_adult", "titles")
    list_filter = ("is_adult",)
    search_fields = ("name",)


class FranchiseForm(forms.ModelForm):
    """A franchise with its titles, one a line: what stands behind the id is for people and is not read."""

    titles = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 14, "cols": 90}),
        required=False,
        help_text="One title a line, beginning with its id. Add a line to bring a title here, from its former"
        " franchise too; delete one to let it go. They stand in the order in which the feed opens them: by"
        " year where all of them have one, else by id. To change it, correct the years on the titles' pages.",
    )

    class Meta:
        model = Franchise
        fields = ("name",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["titles"] = "\n".join(
                f"{item.pk}  {item.name} ({item.type or 'no type'}, {item.year or 'no year'})"
                for item in self.instance.in_order()
            )

    def clean_titles(self) -> list[int]:
        """Read the ids, refusing lines without one and titles that are not here."""
        lines = [line.split() for line in self.cleaned_data["titles"].splitlines() if line.strip()]
        if wrong := next((words[0] for words in lines if not _is_id(words[0])), None):
            raise forms.ValidationError(f"Begin each line with the id of a title, not with “{wrong[:40]}”.")
        ids = [int(words[0]) for words in lines]
        known = Item.objects.in_bulk(ids)
        if missing := next((pk for pk in ids if pk not in known), None):
            raise forms.ValidationError(f"There is no title with the id {missing}: import it first.")
        return ids


def ids_of(lines: str) -> list[int]:
    """Return the ids that lines begin with."""
    return [int(line.split()[0]) for line in lines.splitlines() if line.strip()]


def _is_id(word: str) -> bool:
    return word.isascii() and word.isdigit() and len(word) <= 9


@admin.register(Franchise)
class FranchiseAdmin(_Counted, TellsChanges):
    list_display = ("name", "titles")
    search_fields = ("name",)
    form = FranchiseForm

    readonly_fields = ("as_they_are",)

    @admin.display(description="As they are")
    def as_they_are(self, franchise: Franchise) -> str:
        """Show the titles with their facts, each a link to its page."""
        items = franchise.in_order() if franchise.pk else []
        return render_to_string("admin/catalog/franchise/_titles.html", {"items": items})

    def save_model(self, request: HttpRequest, obj: Franchise, form: FranchiseForm, change: bool) -> None:
        super().save_model(request, obj, form, change)
        ids = form.cleaned_data["titles"]
        concerned = Item.objects.with_facts().filter(Q(pk__in=ids) | Q(franchise=obj))
        before = {item.pk: facts_of(item) for item in concerned}
        obj.hold(ids)
        after = Item.objects.with_facts().filter(pk__in=before)
        log(request.user, [(item, difference(before[item.pk], facts_of(item))) for item in after])

    def construct_change_message(
        self, request: HttpRequest, form: Any, formsets: Any, add: bool = False
    ) -> Any:
        """Name the titles that came and went."""
        if not add and "titles" in form.changed_data:
            was, now = ids_of(form.initial.get("titles", "")), form.cleaned_data["titles"]
            names = {item.pk: f"{item} ({item.pk})" for item in Item.objects.filter(pk__in=[*was, *now])}
            form.cleaned_data["titles"] = [names[pk] for pk in now if pk in names]
            form.initial["titles"] = [names[pk] for pk in was if pk in names]
        return super().construct_change_message(request, form, formsets, add)
