"""Titles, genres and franchises for tests."""

from __future__ import annotations

from typing import Any

import factory
from factory.django import DjangoModelFactory

from catalog.models import Franchise, Genre, Item


class GenreFactory(DjangoModelFactory[Genre]):
    class Meta:
        model = Genre
        django_get_or_create = ("name",)

    name = factory.Sequence(lambda n: f"Genre {n}")
    is_adult = factory.LazyAttribute(lambda genre: genre.name == "Hentai")


class FranchiseFactory(DjangoModelFactory[Franchise]):
    class Meta:
        model = Franchise
        django_get_or_create = ("name",)

    name = factory.Sequence(lambda n: f"Franchise {n}")


class ItemFactory(DjangoModelFactory[Item]):
    """A title; `genres=["Drama", "Romance"]` names its genres, which are made where they are new."""

    class Meta:
        model = Item
        skip_postgeneration_save = True

    anime_id = factory.Sequence(lambda n: n + 1)
    name = factory.Sequence(lambda n: f"Title {n + 1}")
    type = Item.Type.TV
    episodes = 12
    rating_mean = 7.5
    members = 1000
    year = 2011

    @factory.post_generation
    def genres(self: Item, create: bool, names: list[str | Genre] | None, **_: Any) -> None:  # type: ignore[misc]
        if create and names:
            self.genres.set([n if isinstance(n, Genre) else GenreFactory(name=n) for n in names])
