"""The life of an import: taken in, matched, written, taken back, pruned.

Long lists are worked on by Celery and short ones at once, by the same functions. Each step locks the person,
then the import, works on a piece and notes how far it came in one transaction: who is killed, runs twice or
meets another worker writes nothing twice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.utils import timezone

from catalog.holding import hold
from feedback.lists.matching import followed, matched
from feedback.lists.planning import Plan
from feedback.lists.reading import ListFile
from feedback.lists.rows import Row
from feedback.models import Dismissal, Event, ListImport, Saved
from feedback.models.events import serialise

STEP = 500  # rows in one transaction
AT_ONCE = 1000  # rows that are worked on while the person waits
State = ListImport.State


def take_in(user: AbstractBaseUser, file: ListFile, file_name: str) -> ListImport:
    """Keep a list to be matched; nothing is said in the person's name yet."""
    return ListImport.objects.create(
        user_id=user.pk,
        source=file.source,
        scale=file.scale.value,
        file_name=file_name,
        rows=[row.as_json() for row in file.rows],
        total=len(file.rows),
    )


def confirm(list_import: ListImport, *, overrule: bool) -> bool:
    """Set a preview going, and say whether this was the call that did."""
    return _move(list_import, State.READY, State.WRITING, overrules=overrule)


def ask_back(list_import: ListImport) -> bool:
    """Set taking an import back going, and say whether this was the call that did."""
    return _move(list_import, State.DONE, State.UNDOING)


def _move(list_import: ListImport, before: State, after: State, **changes: object) -> bool:
    waiting = ListImport.objects.filter(pk=list_import.pk, state=before)
    return bool(waiting.update(state=after, done=0, touched_at=timezone.now(), **changes))


def carry_on(pk: int) -> None:
    """Do what an import's state asks for, to its end; nothing where there is nothing left to do."""
    while (found := ListImport.objects.without_rows().filter(pk=pk).first()) and found.is_busy:
        _STEPS[State(found.state)](found)


def _step(list_import: ListImport) -> ListImport | None:
    """Lock the person and their import, in this order; none where it is gone or has gone on meanwhile."""
    serialise(list_import.user_id)
    same = ListImport.objects.filter(pk=list_import.pk, user=list_import.user_id, state=list_import.state)
    return same.without_rows().select_for_update().first()


def _match(list_import: ListImport) -> None:
    """Find the titles; readers only, so that no lock is held while the catalogue is asked."""
    kept = ListImport.objects.filter(pk=list_import.pk, state=State.MATCHING).values_list("rows", flat=True)
    rows = matched([Row.of_json(row) for row in kept.first() or []])
    ListImport.objects.filter(pk=list_import.pk, state=State.MATCHING).update(
        rows=[row.as_json() for row in rows], total=len(rows), state=State.READY, touched_at=timezone.now()
    )


def _write(list_import: ListImport) -> None:
    """Write piece by piece; the rows, which are megabytes, are read once."""
    kept = ListImport.objects.filter(pk=list_import.pk).values_list("rows", flat=True).first() or []
    rows = [Row.of_json(row) for row in kept]
    # Lists are sorted by name or id. Titles of the same day, or of none, must not look as if watched in that
    # order: it would teach the model the alphabet. The same shuffle each time, for whoever goes on with it.
    Random(list_import.pk).shuffle(rows)  # noqa: S311
    while _write_piece(list_import, rows):
        pass


def _write_piece(list_import: ListImport, rows: list[Row]) -> bool:
    """Write the next piece and note how far that is, or that it is done; say whether there is more."""
    with transaction.atomic():
        held = _step(list_import)
        if held is None:
            return False
        if held.done == 0:
            held.counts = _counts(Plan.of(held, followed(rows)))
        piece = _still_here(rows[held.done : held.done + STEP])
        Event.objects.record_list(_events(held, piece), overrule=held.overrules)
        Saved.objects.bulk_create(_saved(held, piece), ignore_conflicts=True)
        Dismissal.objects.bulk_create(_seen(held, piece), ignore_conflicts=True)
        held.done = min(held.done + STEP, held.total)
        if held.done == held.total:
            held.state = State.DONE
            held.counts |= {
                "written": held.events.count(),
                "saved": held.saved.count(),
                "seen": held.dismissals.count(),
            }
        _note(held)
        return held.state == State.WRITING


def _still_here(rows: list[Row]) -> list[Row]:
    """Leave out titles that left the catalogue since the preview; hold the others until they are written."""
    now = hold(row.item_id for row in rows if row.item_id)
    return [replace(row, item_id=now[row.item_id]) for row in rows if row.item_id in now]


def _note(held: ListImport) -> None:
    held.touched_at = timezone.now()
    held.save(update_fields=["done", "state", "counts", "touched_at"])


def _counts(plan: Plan) -> dict[str, int]:
    """Return what a later page tells of the rows that were not written."""
    return {
        "same": len(plan.same),
        "conflicts": len(plan.conflicts),
        "unmatched": len(plan.unmatched),
    }


def _events(held: ListImport, rows: list[Row]) -> list[Event]:
    return [
        Event(
            user_id=held.user_id,
            item_id=row.item_id,
            feedback_type=row.says,
            timestamp=_not_later(row.when, held.created_at),
            list_import=held,
        )
        for row in rows
        if row.item_id and row.says
    ]


def _saved(held: ListImport, rows: list[Row]) -> list[Saved]:
    return [
        Saved(
            user_id=held.user_id,
            item_id=row.item_id,
            created_at=_not_later(row.kept_at, held.created_at),
            list_import=held,
        )
        for row in rows
        if row.item_id and row.keeps
    ]


def _seen(held: ListImport, rows: list[Row]) -> list[Dismissal]:
    """Return what was watched and judged neither there nor here."""
    watched = [row for row in rows if row.item_id and row.is_watched]
    said = Event.objects.filter(user=held.user_id, item__in=[row.item_id for row in watched]).standing()
    judged = set(said.values_list("item_id", flat=True))
    return [
        Dismissal(
            user_id=held.user_id,
            item_id=row.item_id,
            kind=Dismissal.Kind.SEEN,
            created_at=_not_later(row.when, held.created_at),
            list_import=held,
        )
        for row in watched
        if row.item_id and row.item_id not in judged
    ]


def _not_later(moment: datetime | None, uploaded_at: datetime) -> datetime:
    """Return when something was said: never after the upload, which stands in where no time is given."""
    return min(moment or uploaded_at, uploaded_at)


def _take_back(list_import: ListImport) -> None:
    """Take back the next piece, the saved titles at the end."""
    with transaction.atomic():
        held = _step(list_import)
        if held is None:
            return
        lost = Event.objects.take_back_list(held, STEP)
        held.done = min(held.done + lost, held.total)
        if lost < STEP:
            held.saved.all().delete()
            held.dismissals.all().delete()
            held.state = State.UNDONE
        _note(held)


_STEPS: dict[State, Callable[[ListImport], None]] = {
    State.MATCHING: _match,
    State.WRITING: _write,
    State.UNDOING: _take_back,
}


def prune_lists(days: int) -> int:
    """Delete the previews older than `days` days and the rows of other imports; return how many."""
    old = ListImport.objects.filter(created_at__lt=timezone.now() - timedelta(days=days))
    pruned = old.filter(state__in=[State.MATCHING, State.READY]).delete()[0]
    over = old.filter(state__in=[State.DONE, State.UNDONE]).exclude(rows=[])
    return pruned + over.update(rows=[], file_name="")
