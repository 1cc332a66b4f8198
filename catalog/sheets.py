"""Titles as a CSV table that a spreadsheet opens: by the rules of catalogue files, and their columns too."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from django.core.exceptions import ValidationError
from import_export import fields as columns
from import_export import resources, widgets
from import_export.formats.base_formats import CSV
from tablib import Dataset

from catalog import fields
from catalog.changes import difference, facts_of
from catalog.fields import LARGEST_NUMBER, MOST_EPISODES, LineProblem
from catalog.importing import ADULT_GENRE
from catalog.models import LONGEST_NAME, Franchise, Genre, Item, MergedItem
from catalog.reading import FileProblem
from catalog.text import harmless, without_apostrophe

MOST_LINES = 2_000  # SQLite lets nobody else write while they are tried, a second or two
MOST_NEW_GENRES = 100  # by one file
YES, NO = {"yes", "true", "1"}, {"no", "false", "0"}


class TitlesCSV(CSV):
    """CSV that is read strictly, and of which no cell is a formula."""

    def is_binary(self) -> bool:
        return True  # decoding is a part of reading it: what is wrong is said in one place

    def create_dataset(self, content: bytes | None, **_: Any) -> Dataset:
        """Read a file. Raises FileProblem, with a sentence, where that cannot be done."""
        lines = _lines_of(_decoded(content))
        header = [name.strip() for name in next(lines, [])]
        if header.count("anime_id") != 1 or len(set(header)) != len(header):
            raise FileProblem("The first line should name the columns, each once, and anime_id among them.")
        dataset = Dataset(headers=header)
        for number, cells in enumerate(lines, start=2):
            if len(cells) != len(header):
                raise FileProblem(
                    f"Row {number} has {len(cells)} fields where the header has {len(header)};"
                    " a field with a comma needs quotes."
                )
            if len(dataset) == MOST_LINES:
                raise FileProblem(
                    f"More than {MOST_LINES:,} titles: split the file, or use manage.py import_items."
                )
            dataset.append([without_apostrophe(cell) for cell in cells])
        return dataset

    def export_data(self, dataset: Dataset, **_: Any) -> str:
        table = io.StringIO()
        writer = csv.writer(table)
        writer.writerow(dataset.headers)
        writer.writerows([harmless(str(cell)) for cell in row] for row in dataset)
        return table.getvalue()


def _decoded(content: bytes | None) -> str:
    if content is None:
        raise FileProblem("The file is not kept any more; choose it again.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileProblem("This is not UTF-8 text: save it as “CSV UTF-8” and try again.") from error
    if "\0" in text:
        raise FileProblem("This is not a text file: it holds NUL bytes. Save the table as CSV.")
    return text


def _lines_of(text: str) -> Any:
    try:
        yield from (cells for cells in csv.reader(io.StringIO(text, newline=""), strict=True) if cells)
    except csv.Error as error:
        raise FileProblem(f"This is not CSV: {error}.") from error


class Column(columns.Field):
    """One column: read by the rules of catalogue files. An empty cell says nothing, so it wipes nothing."""

    def __init__(self, attribute: str, column: str, read: Callable[[str], Any], widget: Any = None) -> None:
        super().__init__(attribute=attribute, column_name=column, widget=widget)
        self.read = read

    def clean(self, row: dict[str, str], **_: Any) -> Any:
        return self.read(row[self.column_name])

    def save(self, instance: Item, row: dict[str, str], is_m2m: bool = False, **_: Any) -> None:
        value = self.clean(row)
        if value in (None, "", []):
            return
        if is_m2m:
            getattr(instance, self.attribute).set(value)
        else:
            setattr(instance, self.attribute, value)

    def export(self, instance: Item, **_: Any) -> str:
        value = self.get_value(instance)
        if value is None:  # the genres of a title that is not stored, too
            return ""
        if isinstance(value, bool):
            return "yes" if value else "no"
        if self.attribute == "genres":
            return ", ".join(sorted(genre.name for genre in value.all()))
        return str(value)


def yes_or_no(raw: str) -> bool | None:
    word = raw.strip().casefold()
    if word and word not in YES | NO:
        raise LineProblem(f"is_hidden “{raw[:40]}” is neither yes nor no.")
    return word in YES if word else None


def _name(raw: str) -> str:
    return fields.text(raw, "name", LONGEST_NAME) if raw.strip() else ""


def _genres(known: dict[str, Genre], most: int, raw: str) -> list[Genre]:
    """Return the genres, made where they are new and at most `most` are known; case makes no other name."""
    for name in fields.genres(raw):
        folded = name.casefold()
        if folded not in known:
            if len(known) == most:
                said = f"“{name}” is a new genre, and one file brings {MOST_NEW_GENRES} at most."
                raise LineProblem(said)
            known[folded] = Genre.objects.create(name=name, is_adult=folded == ADULT_GENRE)
    return [known[name.casefold()] for name in fields.genres(raw)]


def _franchise(known: dict[str, Franchise], raw: str) -> Franchise | None:
    """Return a franchise by its exact name, made where it is new."""
    name = fields.text(raw, "franchise", 255) if raw.strip() else ""
    if name and name not in known:
        known[name] = Franchise.objects.create(name=name)
    return known.get(name)


class TitleResource(resources.ModelResource):
    """Titles in and out. What an import changes is told title by title in `result.changes`."""

    anime_id = Column("anime_id", "anime_id", fields.anime_id)
    name = Column("name", "name", _name)
    genre = Column("genres", "genre", fields.genres, widgets.ManyToManyWidget(Genre))
    type = Column("type", "type", fields.kind)
    episodes = Column("episodes", "episodes", lambda raw: fields.whole(raw, "episodes", 1, MOST_EPISODES))
    rating = Column("rating_mean", "rating", fields.rating)
    members = Column("members", "members", lambda raw: fields.whole(raw, "members", 0, LARGEST_NUMBER))
    year = Column("year", "year", fields.year)
    franchise = Column("franchise", "franchise", str)
    is_hidden = Column("is_hidden", "is_hidden", yes_or_no)
    poster_url = Column("poster_url", "poster_url", fields.url)
    synopsis = Column("synopsis", "synopsis", fields.synopsis)

    class Meta:
        model = Item
        import_id_fields = ("anime_id",)
        fields = (
            "anime_id", "name", "genre", "type", "episodes", "rating", "members", "year", "franchise",
            "is_hidden", "poster_url", "synopsis",
        )  # fmt: skip
        skip_diff = True  # ours is told in words, and costs a query for all of them
        report_skipped = False
        store_instance = True
        use_transactions = True

    def before_import(self, dataset: Dataset, **_: Any) -> None:
        """Read in a few queries what each row is compared with."""
        ids = {int(raw) for raw in dataset["anime_id"] if raw.strip().isdecimal() and len(raw) <= 10}
        self.known = Item.objects.with_facts().in_bulk(ids)
        self.before = {pk: facts_of(item) for pk, item in self.known.items()}
        self.plain = {pk: self._plain(item) for pk, item in self.known.items()}
        self.heirs = MergedItem.objects.heirs()
        genres = {genre.name.casefold(): genre for genre in Genre.objects.all()}
        self.fields["genre"].read = partial(_genres, genres, len(genres) + MOST_NEW_GENRES)
        franchises = {franchise.name: franchise for franchise in Franchise.objects.all()}
        self.fields["franchise"].read = partial(_franchise, franchises)
        self.seen: dict[int, int] = {}

    def before_import_row(self, row: dict[str, str], row_number: int = 0, **_: Any) -> None:
        """Refuse what makes the row as a whole impossible, before anything asks the database for it."""
        try:
            pk = fields.anime_id(row["anime_id"])
            if (first := self.seen.setdefault(pk, row_number)) != row_number:
                raise LineProblem(f"anime_id {pk} is already in row {first}.")
            if pk in self.heirs:
                raise LineProblem(f"anime_id {pk} was merged into {self.heirs[pk]}.")
            if pk not in self.known and not _name(row.get("name", "")):
                raise LineProblem(f"{pk} is a new title: it needs a name.")
            fields.genres(row.get("genre", ""))
        except LineProblem as problem:
            raise ValidationError(str(problem)) from problem

    def get_instance(self, instance_loader: Any, row: dict[str, str]) -> Item | None:
        return self.known.get(fields.anime_id(row["anime_id"]))

    def skip_row(self, instance: Item, original: None, row: dict[str, str], errors: Any = None) -> bool:
        """Skip a row that changes nothing; an empty cell never does."""
        if errors or instance.pk not in self.known:
            return False
        genres = {name.casefold() for name in fields.genres(row.get("genre", ""))}
        if genres and genres != {genre.name.casefold() for genre in instance.genres.all()}:
            return False
        return self._plain(instance) == self.plain[instance.pk]

    def _plain(self, item: Item) -> list[Any]:
        """Return what the columns but the genres hold."""
        return [field.get_value(item) for field in self.get_import_fields() if field.attribute != "genres"]

    def after_import(self, dataset: Dataset, result: Any, **_: Any) -> None:
        changed = [row.instance.pk for row in result.rows if row.instance is not None]
        after = Item.objects.with_facts().in_bulk(changed)
        result.changes = [
            (item, pk not in self.before, difference(self.before.get(pk, {}), facts_of(item)))
            for pk, item in sorted(after.items())
        ]

    def get_queryset(self) -> Any:
        return Item.objects.with_facts()


def new_and_changed(changes: Iterable[tuple[Item, bool, str]]) -> tuple[int, int]:
    """Count the titles of `result.changes` that are new, and the others."""
    flags = [is_new for _, is_new, _ in changes]
    return sum(flags), len(flags) - sum(flags)
