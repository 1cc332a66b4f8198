"""Bringing catalogue files into the database: all of them or nothing, and twice is the same as once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from django.db import transaction
from tqdm import tqdm

from catalog.models import Franchise, Genre, Item, MergedItem
from catalog.reading import (
    FileProblem,
    Patch,
    Rejection,
    read_franchises,
    read_items,
    read_metadata,
    read_posters,
    read_synopses,
)

T = TypeVar("T")

# The order matters: titles first, then what is said about them.
READERS = {
    "items": read_items,
    "metadata": read_metadata,
    "franchises": read_franchises,
    "posters": read_posters,
    "synopses": read_synopses,
}
ADULT_GENRE = "hentai"
BATCH = 1_000
# Not here: `is_hidden`, which belongs to the curators.
WRITTEN = [
    "name", "search_name", "type", "episodes", "rating_mean", "members",
    "synopsis", "poster_url", "year", "franchise", "updated_at",
]  # fmt: skip


@dataclass
class ImportReport:
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    merged: int = 0  # lines about titles that were merged into others, which say what is true
    rejected: list[Rejection] = field(default_factory=list)


def import_items(files: dict[str, Path], *, dry_run: bool = False) -> ImportReport:
    """Read `files` (keys of READERS) and write what is new in them, in one transaction.

    Raises FileProblem, with nothing changed, when a file as a whole cannot be used. A dry run does all the
    work and takes it back.
    """
    report = ImportReport()
    # Every file is read before the transaction begins: a writer elsewhere waits for the writing alone.
    patches = [patch for kind in READERS if kind in files for patch in _read(kind, files[kind], report)]
    with transaction.atomic():
        _apply(patches, report)
        transaction.set_rollback(dry_run)
    return report


def _read(kind: str, path: Path, report: ImportReport) -> list[Patch]:
    """Return the patches of one file and note its rejections; a file without a usable line is refused."""
    lines = list(tqdm(READERS[kind](path), desc=f"Reading {path.name}", unit=" lines", disable=None))
    rejected = [line for line in lines if isinstance(line, Rejection)]
    patches = [line for line in lines if isinstance(line, Patch)]
    if not patches:
        first = f" The first problem: {rejected[0]}" if rejected else ""
        raise FileProblem(f"{path.name} has no usable line; nothing was imported.{first}")
    report.rejected += rejected
    return patches


def _apply(patches: list[Patch], report: ImportReport) -> None:
    patches = _without_merged(patches, report)
    items = Item.objects.in_bulk({patch.anime_id for patch in patches})
    patches, fresh = _placeable(patches, items, report)
    genres, franchises = _genres(patches), _franchises(patches)
    changed = {
        patch.anime_id for patch in patches if _merge(patch, items[patch.anime_id], franchises)
    } | fresh
    wanted = {
        patch.anime_id: frozenset(genres[name.casefold()] for name in patch.genres)
        for patch in patches
        if patch.genres
    }
    regrouped = _differing_genres(wanted)
    touched = changed | regrouped.keys()
    _write([items[anime_id] for anime_id in sorted(touched)])
    _write_genres(regrouped)
    report.created = len(fresh)
    report.updated = len(touched - fresh)
    report.unchanged = len(items) - len(touched)


def _without_merged(patches: list[Patch], report: ImportReport) -> list[Patch]:
    """Leave out the duplicates that a curator merged: they must not come back, nor speak for what stayed."""
    merged = set(MergedItem.objects.values_list("pk", flat=True))
    kept = [patch for patch in patches if patch.anime_id not in merged]
    report.merged = len(patches) - len(kept)
    return kept


def _placeable(
    patches: list[Patch], items: dict[int, Item], report: ImportReport
) -> tuple[list[Patch], set[int]]:
    """Keep the patches whose title exists or is created here; add the new titles to `items`."""
    fresh, kept = set(), []
    for patch in patches:
        if patch.anime_id not in items:
            if not patch.creates:
                reason = f"anime_id {patch.anime_id} is not in the catalogue; import that title first."
                report.rejected.append(patch.rejected(reason))
                continue
            items[patch.anime_id] = Item(anime_id=patch.anime_id)
            fresh.add(patch.anime_id)
        kept.append(patch)
    return kept, fresh


def _merge(patch: Patch, item: Item, franchises: dict[str, int]) -> bool:
    """Set on `item` what `patch` knows; say whether that changed anything."""
    values = patch.values | ({"franchise_id": franchises[patch.franchise]} if patch.franchise else {})
    differing = {name: value for name, value in values.items() if getattr(item, name) != value}
    for name, value in differing.items():
        setattr(item, name, value)
    return bool(differing)


def _genres(patches: list[Patch]) -> dict[str, int]:
    """Return every genre's id by its name without case, creating those that are new."""
    named = {name.casefold(): name for patch in patches for name in patch.genres}
    known = {genre.name.casefold(): genre.pk for genre in Genre.objects.all()}
    missing = [name for folded, name in named.items() if folded not in known]
    Genre.objects.bulk_create(
        [Genre(name=name, is_adult=name.casefold() == ADULT_GENRE) for name in missing], ignore_conflicts=True
    )
    return {genre.name.casefold(): genre.pk for genre in Genre.objects.all()} if missing else known


def _franchises(patches: list[Patch]) -> dict[str, int]:
    """Return the ids of the franchises that `patches` name, creating those that are new."""
    names = {patch.franchise for patch in patches if patch.franchise}
    if names:
        Franchise.objects.bulk_create([Franchise(name=name) for name in sorted(names)], ignore_conflicts=True)
    return {f.name: f.pk for f in Franchise.objects.all()} if names else {}


def _differing_genres(wanted: dict[int, frozenset[int]]) -> dict[int, frozenset[int]]:
    """Keep of `wanted` the titles whose stored genres are others."""
    stored: dict[int, set[int]] = {}
    for item_id, genre_id in Item.genres.through.objects.values_list("item_id", "genre_id"):
        stored.setdefault(item_id, set()).add(genre_id)
    return {item_id: ids for item_id, ids in wanted.items() if stored.get(item_id, set()) != ids}


def _write(items: list[Item]) -> None:
    """Insert or update; one upsert for both is many times faster than bulk_update."""
    for item in items:
        item.touch()
    for batch in _batches(items, "Writing titles"):
        Item.objects.bulk_create(
            batch, update_conflicts=True, unique_fields=["anime_id"], update_fields=WRITTEN, batch_size=BATCH
        )


def _write_genres(regrouped: dict[int, frozenset[int]]) -> None:
    through = Item.genres.through
    for batch in _batches(list(regrouped.items()), "Writing genres"):
        through.objects.filter(item_id__in=[item_id for item_id, _ in batch]).delete()
        through.objects.bulk_create(
            [
                through(item_id=item_id, genre_id=genre_id)
                for item_id, ids in batch
                for genre_id in sorted(ids)
            ]
        )


def _batches(rows: list[T], label: str) -> Iterator[list[T]]:
    with tqdm(total=len(rows), desc=label, unit=" titles", disable=None) as bar:
        for start in range(0, len(rows), BATCH):
            yield (batch := rows[start : start + BATCH])
            bar.update(len(batch))
