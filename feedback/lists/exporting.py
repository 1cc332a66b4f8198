"""What a person says now, as rows that each of the formats can be written from."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from catalog.models import Item
from feedback.dismissals import dismissed_by
from feedback.exporting import batched
from feedback.history import Reaction, history_of
from feedback.lists.rows import Row, Status
from feedback.models import Person, Saved

AT_A_TIME = 500


def rows_of(user: Person) -> Iterator[Row]:
    """Yield a row for each title reacted to, oldest first, then for each only saved, then only seen."""
    said = {reaction.anime_id: reaction for reaction in history_of(user).reactions}
    kept = dict(
        Saved.objects.of(user).order_by("created_at", "id").values_list("item_id", "created_at").iterator()
    )
    seen = dismissed_by(user).seen
    titles = [*said, *(pk for pk in kept if pk not in said)]
    titles += [pk for pk in seen if pk not in said and pk not in kept]
    for some in batched(titles, AT_A_TIME):
        names = dict(Item.objects.filter(pk__in=some).values_list("pk", "name"))
        for pk in some:
            yield _row(pk, names[pk], said.get(pk), kept.get(pk), seen.get(pk))


def _row(
    pk: int, name: str, said: Reaction | None, kept_at: datetime | None, seen_at: datetime | None
) -> Row:
    return Row(
        titles=(name,),
        anime_id=pk,
        item_id=pk,
        reaction=said.feedback_type if said else None,
        status=Status.COMPLETED if said or seen_at else Status.UNKNOWN,
        when=said.when if said else seen_at,
        is_saved=kept_at is not None,
        saved_at=kept_at,
    )
