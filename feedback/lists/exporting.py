"""What a person says now, as rows that each of the formats can be written from."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from catalog.models import Item
from feedback.exporting import batched
from feedback.history import Reaction, history_of
from feedback.lists.rows import Row
from feedback.models import Person, Saved

AT_A_TIME = 500


def rows_of(user: Person) -> Iterator[Row]:
    """Yield a row for each title reacted to, oldest first, then for each that is only saved."""
    said = {reaction.anime_id: reaction for reaction in history_of(user).reactions}
    kept = dict(
        Saved.objects.of(user).order_by("created_at", "id").values_list("item_id", "created_at").iterator()
    )
    titles = [*said, *(pk for pk in kept if pk not in said)]
    for some in batched(titles, AT_A_TIME):
        names = dict(Item.objects.filter(pk__in=some).values_list("pk", "name"))
        for pk in some:
            yield _row(pk, names[pk], said.get(pk), kept.get(pk))


def _row(pk: int, name: str, said: Reaction | None, kept_at: datetime | None) -> Row:
    return Row(
        titles=(name,),
        anime_id=pk,
        item_id=pk,
        reaction=said.feedback_type if said else None,
        when=said.when if said else None,
        is_saved=kept_at is not None,
        saved_at=kept_at,
    )
