"""What exists: titles, their genres and the franchises they belong to."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, ClassVar, cast

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone

from catalog.addresses import address_of
from catalog.text import fold

# Raise it when catalog/posters.py draws differently.
POSTER_STYLE = 1
LONGEST_NAME = 255
GREATEST_ID = 2**31 - 1  # that the database takes for a title


def poster_version(updated_at: datetime) -> str:
    """Return what the address of a drawn poster carries, so that browsers may keep it for ever."""
    return f"{POSTER_STYLE}-{int(updated_at.timestamp() * 1_000_000):x}"


class GenreQuerySet(models.QuerySet["Genre"]):
    def visible(self, *, adult: bool = False) -> GenreQuerySet:
        """Keep the genres a person may filter by; adult ones only where `adult` says they asked for them."""
        return self.all() if adult else self.filter(is_adult=False)


class Genre(models.Model):
    """A genre; adult genres keep their titles out of sight until a person switches them on."""

    name = models.CharField(max_length=60, unique=True)
    is_adult = models.BooleanField("adult", default=False)

    objects = GenreQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Franchise(models.Model):
    """Titles that continue one another: seasons, films, specials."""

    name = models.CharField(max_length=255, unique=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def in_order(self) -> list[Item]:
        """Return the titles from first to last: by year where all have one, else by id."""
        titles = list(Item.objects.filter(franchise=self).order_by("pk"))
        if all(title.year for title in titles):
            titles.sort(key=lambda title: title.year or 0)
        return titles

    def hold(self, anime_ids: Iterable[int]) -> None:
        """Make these its titles, and no others."""
        ids, held = set(anime_ids), Item.objects.filter(franchise=self)
        now = timezone.now()  # the feed reads the catalogue again where a title changed
        held.exclude(pk__in=ids).update(franchise=None, updated_at=now)
        Item.objects.filter(pk__in=ids).exclude(franchise=self).update(franchise=self, updated_at=now)


class ItemQuerySet(models.QuerySet["Item"]):
    def visible(self, *, adult: bool = False) -> ItemQuerySet:
        """Keep the titles a person may see; adult ones only where `adult` says they asked for them."""
        shown = self.filter(is_hidden=False)
        return shown if adult else shown.exclude(models.Exists(_adult_genres()))

    def withheld(self, *, adult: bool = False) -> ItemQuerySet:
        """Keep the complement of `visible`: what the ranker must mask before top-k."""
        hidden = models.Q(is_hidden=True)
        return self.filter(hidden if adult else hidden | models.Exists(_adult_genres()))

    def of(self, *, genre: str = "", type: str = "") -> ItemQuerySet:  # noqa: A002  (the fields' own names)
        """Keep the titles of a genre and of a type; nothing said keeps all."""
        titles = self.filter(genres__name=genre) if genre else self
        return titles.filter(type=type) if type else titles

    def meant_by(self, anime_id: int) -> Item | None:
        """Return the title of this id, or the one that it was merged into."""
        return self.filter(pk=anime_id).first() or self.filter(merged__anime_id=anime_id).first()

    def each_meant_by(self, anime_ids: Iterable[int]) -> dict[int, Item]:
        """Return the titles that these ids mean, in one query, or three where some were merged."""
        wanted = set(anime_ids)
        found = self.in_bulk(wanted)
        if missing := wanted - found.keys():
            heirs = MergedItem.objects.filter(pk__in=missing).heirs()
            kept = self.in_bulk(heirs.values()) if heirs else {}
            found |= {pk: kept[heir] for pk, heir in heirs.items() if heir in kept}
        return found

    def with_facts(self) -> ItemQuerySet:
        """Fetch genres and franchise along: a list of titles costs the same queries at any length."""
        return self.select_related("franchise").prefetch_related("genres")

    def popular(self) -> ItemQuerySet:
        """Order by members, most first; ties by id, so that pages never overlap."""
        return self.order_by("-members", "anime_id")


def _adult_genres() -> models.QuerySet[Any, Any]:
    """Return the adult genres of the title at hand: most questions are about one title, or a page of them.

    A list of all adult titles would make PostgreSQL read every genre of every title for each of these.
    """
    genres = Item.genres.through.objects.filter(genre__is_adult=True)
    return genres.filter(item_id=models.OuterRef("pk")).order_by()


class Item(models.Model):
    """One title. `anime_id` is its MyAnimeList id, so lists from elsewhere match without a mapping."""

    class Type(models.TextChoices):
        # Labels are said twice: the ones Django makes up would read "Tv" and "Ova".
        TV = "TV", "TV"
        MOVIE = "Movie", "Movie"
        OVA = "OVA", "OVA"
        ONA = "ONA", "ONA"
        SPECIAL = "Special", "Special"
        MUSIC = "Music", "Music"

    anime_id = models.PositiveIntegerField(primary_key=True)
    name = models.CharField(max_length=LONGEST_NAME)
    # `name` without case and accents, kept by save() and by the importer: what search compares with.
    search_name = models.CharField(max_length=LONGEST_NAME, editable=False, db_index=True)
    genres = models.ManyToManyField(Genre, related_name="items", blank=True)
    type = models.CharField(max_length=10, choices=Type.choices, blank=True)
    episodes = models.PositiveIntegerField(null=True, blank=True)
    rating_mean = models.FloatField(
        null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(10)]
    )
    members = models.PositiveIntegerField(default=0)
    synopsis = models.TextField(blank=True)
    poster_url = models.URLField(max_length=500, blank=True)
    year = models.PositiveSmallIntegerField(null=True, blank=True)
    franchise = models.ForeignKey(
        Franchise, on_delete=models.SET_NULL, null=True, blank=True, related_name="items"
    )
    is_hidden = models.BooleanField("hidden", default=False)
    # When a fact last changed: cached posters and the search index compare it. Bulk writers call touch().
    updated_at = models.DateTimeField(default=timezone.now, editable=False, db_index=True)

    objects = ItemQuerySet.as_manager()

    class Meta:
        verbose_name = "title"  # to people; programs and the field say item
        ordering: ClassVar = ["name", "anime_id"]
        permissions: ClassVar = [("merge_item", "Can merge duplicates")]
        indexes: ClassVar = [
            models.Index(fields=["-members", "anime_id"], name="item_popular"),
            # Each feed asks which titles are hidden: few, and it must not read all to find them.
            models.Index(fields=["anime_id"], condition=models.Q(is_hidden=True), name="item_hidden"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(name="item_id_positive", condition=models.Q(anime_id__gte=1)),
            models.CheckConstraint(
                name="item_rating_between_1_and_10",
                condition=models.Q(rating_mean__isnull=True) | models.Q(rating_mean__range=(1, 10)),
            ),
            models.CheckConstraint(
                name="item_poster_over_http",
                condition=models.Q(poster_url="")
                | models.Q(poster_url__startswith="http://")
                | models.Q(poster_url__startswith="https://"),
                violation_error_message="A poster's address begins with http:// or https://.",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: object, **kwargs: object) -> None:
        self.touch()
        if (fields := kwargs.get("update_fields")) is not None:
            kwargs["update_fields"] = {*cast(Iterable[str], fields), "search_name", "updated_at"}
        super().save(*args, **kwargs)  # type: ignore[arg-type]

    def get_absolute_url(self) -> str:
        return address_of("recommender:title", self.anime_id)

    def clean(self) -> None:
        """Refuse the id of a title that was merged into another: it would bring the duplicate back."""
        merged = MergedItem.objects.select_related("item").filter(pk=self.anime_id).first()
        if merged is not None:
            raise ValidationError(
                {"anime_id": f"This title was merged into {merged.item} ({merged.item_id})."}
            )

    def touch(self) -> None:
        """Bring the derived fields up to date; save() does, bulk writers call it."""
        # Folding can lengthen a name (one ligature becomes several letters).
        self.search_name = fold(self.name)[:LONGEST_NAME]
        self.updated_at = timezone.now()

    @property
    def poster_version(self) -> str:
        """Change whenever the drawn poster may have."""
        return poster_version(self.updated_at)


def is_about(anime_id: int) -> models.Q:
    """Match rows about the title that an id means: itself, or the one that it was merged into."""
    return models.Q(item__anime_id=anime_id) | models.Q(item__merged__anime_id=anime_id)


class MergedItemQuerySet(models.QuerySet["MergedItem"]):
    def heirs(self) -> dict[int, int]:
        """Return which title each id means now, of those that were merged away: there are few."""
        return dict(self.values_list("pk", "item_id"))


class MergedItem(models.Model):
    """A duplicate that is gone: wherever its id or name is met again, the title that stayed is meant."""

    anime_id = models.PositiveIntegerField(primary_key=True)
    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="merged")
    name = models.CharField(max_length=LONGEST_NAME)
    search_name = models.CharField(max_length=LONGEST_NAME, db_index=True)
    merged_at = models.DateTimeField(default=timezone.now)

    objects = MergedItemQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-merged_at", "anime_id"]

    def __str__(self) -> str:
        return f"{self.name} ({self.anime_id}), now {self.item_id}"
