"""Editing many titles at once: only what is filled in changes, and each title's history says what."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.db import transaction

from catalog.changes import difference, facts_of
from catalog.fields import YEARS
from catalog.models import Franchise, Genre, Item

MOST = 500  # at once: each is named on the page before
KEEP = ("", "Leave as it is")


class BulkForm(forms.Form):
    """What is to become of the selected titles."""

    type = forms.ChoiceField(choices=[KEEP, *Item.Type.choices], required=False)
    year = forms.IntegerField(min_value=YEARS.start, max_value=YEARS.stop - 1, required=False)
    is_hidden = forms.ChoiceField(
        label="Hidden", choices=[KEEP, ("yes", "Hide"), ("no", "Show again")], required=False
    )
    add_genres = forms.ModelMultipleChoiceField(
        Genre.objects.all(), required=False, help_text="An adult genre makes a title 18+."
    )
    remove_genres = forms.ModelMultipleChoiceField(Genre.objects.all(), required=False)
    franchise = forms.CharField(
        max_length=255,
        required=False,
        help_text="The exact name of one that exists; “-” takes titles out of theirs.",
    )

    def clean_franchise(self) -> Franchise | str | None:
        name = self.cleaned_data["franchise"].strip()
        if name in ("", "-"):
            return name or None
        franchise = Franchise.objects.filter(name__iexact=name).first()
        if franchise is None:
            raise forms.ValidationError(
                f"There is no franchise named “{name}”: add it first, or check the name."
            )
        return franchise

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not self.errors and not any(data.values()):
            raise forms.ValidationError("Nothing would change: fill in at least one field.")
        if both := set(data.get("add_genres") or ()) & set(data.get("remove_genres") or ()):
            names = ", ".join(sorted(genre.name for genre in both))
            raise forms.ValidationError(f"Either add or take away: {names}.")
        return data


def edit(ids: Iterable[int], asked: dict[str, Any]) -> list[tuple[Item, str]]:
    """Change the titles in one transaction; return each that changed, with what did."""
    with transaction.atomic():
        titles = list(
            Item.objects.with_facts().filter(pk__in=ids).order_by("pk").select_for_update(of=("self",))
        )
        before = {item.pk: facts_of(item) for item in titles}
        for item in titles:
            _set_columns(item, asked)
        _set_genres(titles, asked)
        after = {item.pk: facts_of(item) for item in Item.objects.with_facts().filter(pk__in=before)}
        told = {pk: difference(before[pk], after[pk]) for pk in after}
        for item in titles:
            if told.get(item.pk):
                item.save(update_fields=[])  # moves updated_at on, which the feed's snapshot compares
        return [(item, told[item.pk]) for item in titles if told.get(item.pk)]


def _set_columns(item: Item, asked: dict[str, Any]) -> None:
    values = {name: asked[name] for name in ("type", "year") if asked[name]}
    if asked["is_hidden"]:
        values["is_hidden"] = asked["is_hidden"] == "yes"
    if asked["franchise"]:
        values["franchise"] = None if asked["franchise"] == "-" else asked["franchise"]
    if differing := {name: value for name, value in values.items() if getattr(item, name) != value}:
        for name, value in differing.items():
            setattr(item, name, value)
        item.save(update_fields=differing.keys())


def _set_genres(titles: list[Item], asked: dict[str, Any]) -> None:
    through = Item.genres.through
    added = [through(item_id=item.pk, genre_id=genre.pk) for item in titles for genre in asked["add_genres"]]
    through.objects.bulk_create(added, ignore_conflicts=True)
    through.objects.filter(item__in=titles, genre__in=asked["remove_genres"]).delete()
