"""Holding titles still while something is written about them, so that no merge takes them away meanwhile."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from django.db import connection

from catalog.models import GREATEST_ID, Item, MergedItem


def hold(anime_ids: Iterable[int]) -> dict[int, int]:
    """Return what each id means now, and let no merge change that until the transaction ends.

    Ids that mean nothing are left out. Call it in the transaction that writes, before anything is read that
    the writing depends on: a merge that is under way is waited for, and moves what was written before.
    """
    wanted = {pk for pk in anime_ids if pk <= GREATEST_ID}
    here = _locked(wanted)
    heirs = MergedItem.objects.filter(pk__in=wanted - here).heirs() if wanted - here else {}
    _locked(set(heirs.values()) - here)
    return heirs | {pk: pk for pk in here}


def hold_title(anime_id: int) -> int:
    """Do the same for one title; an id that means nothing stays as it is."""
    return hold([anime_id]).get(anime_id, anime_id)


def _locked(anime_ids: Collection[int]) -> set[int]:
    """Lock those that are here, in the order in which a merge does, and return them.

    FOR KEY SHARE is what PostgreSQL's own check of the reference takes when the transaction ends, too late to
    do anything about it: writers do not wait for one another, and only a merge waits for them. On SQLite
    writers queue from the beginning of their transactions.
    """
    if not anime_ids:
        return set()
    if connection.vendor != "postgresql":
        return {*Item.objects.only("pk").in_bulk(anime_ids)}
    with connection.cursor() as cursor:
        table, pk = Item._meta.db_table, Item._meta.pk.column
        cursor.execute(
            f"SELECT {pk} FROM {table} WHERE {pk} = ANY(%s) ORDER BY {pk} FOR KEY SHARE",  # noqa: S608
            [list(anime_ids)],
        )
        return {pk for (pk,) in cursor}
