"""The life of an import: taken in, read, matched, written, taken back, pruned.

Long lists are worked on by Celery and short ones at once, by the same functions. Each step locks the person,
then the import, works on a piece and notes how far it came in one transaction: who is killed, runs twice or
meets another worker writes nothing twice. A long file is read by one worker at a time, and given up when its
reading was interrupted MOST_ATTEMPTS times.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from catalog.holding import hold
from feedback.lists.apart import ReadingStoppedError, read_apart
from feedback.lists.matching import followed, matched
from feedback.lists.planning import Plan
from feedback.lists.reading import ListFile
from feedback.lists.rows import ListFileError, Row
from feedback.models import Dismissal, Event, ListImport, Person, Saved
from feedback.models.events import serialise
from feedback.refusals import RefusedError

logger = logging.getLogger(__name__)

STEP = 500  # rows in one transaction
AT_ONCE = 1000  # rows that are worked on while the person waits
MOST_ATTEMPTS = 3  # at reading a file
LEASE = timedelta(seconds=45)  # a worker that reads says every few seconds that it is still there
MOST_WAITING, MOST_WAITING_EACH = 30, 3  # files that are kept until they are read: of all, of one person
SILENCE = timedelta(minutes=2)  # after which an import is taken for forgotten
INTERRUPTED = (
    f"Reading this file was interrupted {MOST_ATTEMPTS} times, so it was given up."
    " Upload it again; where that ends the same way, split the list in two."
)
SAME_PRESS = timedelta(minutes=1)
State = ListImport.State


def take_in(user: AbstractBaseUser, file: ListFile, file_name: str) -> ListImport:
    """Keep a list to be matched; nothing is said in the person's name yet.

    The same list again, within a minute and before it was confirmed, is the second press of a button.
    """
    rows = [row.as_json() for row in file.rows]
    said = json.dumps([file.source, file.scale.value, rows]).encode()
    return _once(
        user,
        said,
        source=file.source,
        scale=file.scale.value,
        file_name=file_name,
        rows=rows,
        total=len(rows),
    )


def _once(user: AbstractBaseUser, said: bytes, **facts: object) -> ListImport:
    """Make an import, or return the one that a press of the button has just made of the same list."""
    digest = hashlib.sha256(said).hexdigest()
    with transaction.atomic():
        serialise(user.pk)
        just_now = ListImport.objects.of(user).filter(created_at__gte=timezone.now() - SAME_PRESS)
        unconfirmed = just_now.filter(digest=digest, state__in=[State.READING, State.MATCHING, State.READY])
        return unconfirmed.without_rows().first() or ListImport.objects.create(
            user_id=user.pk, digest=digest, **facts
        )


def check_room(user: Person) -> None:
    """Refuse to keep another file where too many wait to be read already."""
    if ListImport.objects.of(user).waiting().count() >= MOST_WAITING_EACH:
        raise RefusedError(429, f"{MOST_WAITING_EACH} lists of yours are being read: wait, or discard one.")
    if ListImport.objects.waiting().count() >= MOST_WAITING:
        raise RefusedError(503, "Many long lists are waiting to be read. Try again in a few minutes.")


def keep(user: AbstractBaseUser, data: bytes, file_name: str) -> ListImport:
    """Keep a file until a worker reads it."""
    return _once(user, data, state=State.READING, file_name=file_name, file=data, total=0)


def confirm(list_import: ListImport, *, overrule: bool) -> bool:
    """Set a preview going, and say whether this was the call that did."""
    return _move(list_import, State.READY, State.WRITING, overrules=overrule)


def ask_back(list_import: ListImport) -> bool:
    """Set taking an import back going, and say whether this was the call that did."""
    return _move(list_import, State.DONE, State.UNDOING)


def discard(list_import: ListImport) -> bool:
    """Delete an import of which nothing is written, and say whether this was the call that did.

    It is held from the look until it is gone: confirmed between the two, its reactions would refer to it.
    """
    with transaction.atomic():
        found = ListImport.objects.filter(pk=list_import.pk, state__in=ListImport.DISCARDABLE)
        held = found.without_rows().select_for_update().first()
        return held is not None and bool(held.delete())


def _move(list_import: ListImport, before: State, after: State, **changes: object) -> bool:
    waiting = ListImport.objects.filter(pk=list_import.pk, state=before)
    return bool(waiting.update(state=after, done=0, touched_at=timezone.now(), **changes))


def carry_on(pk: int) -> None:
    """Do what an import's state asks for, to its end; nothing where there is nothing left to do."""
    while (found := ListImport.objects.without_rows().filter(pk=pk).first()) and found.is_busy:
        if found.state == State.READING and not _claim(found):
            return
        _STEPS[State(found.state)](found)


def _claim(list_import: ListImport) -> bool:
    """Say whether this worker is to read the file: not while another one says that it is at it."""
    now = timezone.now()
    free = ListImport.objects.waiting().filter(Q(read_until=None) | Q(read_until__lt=now), pk=list_import.pk)
    return bool(free.update(read_until=now + LEASE, attempts=F("attempts") + 1, touched_at=now))


def _still_reading(list_import: ListImport) -> bool:
    """Note that its worker is still there; false where the import was discarded meanwhile."""
    now = timezone.now()
    same = ListImport.objects.waiting().filter(pk=list_import.pk, attempts=list_import.attempts + 1)
    return bool(same.update(read_until=now + LEASE, touched_at=now))


def _read(list_import: ListImport) -> None:
    """Read the file, or say why not; both end with the file deleted. Interrupted, it is tried again."""
    if list_import.attempts >= MOST_ATTEMPTS:
        _read_as(list_import, state=State.REFUSED, sentence=INTERRUPTED)
        return
    file = ListImport.objects.waiting().filter(pk=list_import.pk).values_list("file", flat=True).first()
    if file is None:
        return
    try:
        found = read_apart(bytes(file), lambda: _still_reading(list_import))
    except ListFileError as error:
        _read_as(list_import, state=State.REFUSED, sentence=error.sentence)
    except ReadingStoppedError as error:
        logger.warning("Reading list import %s was interrupted: %s", list_import.pk, error)
        ListImport.objects.waiting().filter(pk=list_import.pk).update(read_until=None)
    else:
        _read_as(list_import, state=State.MATCHING, total=len(found["rows"]), **found)


def _read_as(list_import: ListImport, **outcome: object) -> None:
    ListImport.objects.waiting().filter(pk=list_import.pk).update(
        file=None, read_until=None, touched_at=timezone.now(), **outcome
    )


def forgotten() -> list[int]:
    """Return the imports whose worker was lost, or never asked; they count as asked from now on."""
    now = timezone.now()
    silent = ListImport.objects.filter(Q(read_until=None) | Q(read_until__lt=now), state__in=ListImport.BUSY)
    pks = list(silent.filter(touched_at__lt=now - SILENCE).values_list("pk", flat=True))
    ListImport.objects.filter(pk__in=pks).update(touched_at=now)
    return pks


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
    State.READING: _read,
    State.MATCHING: _match,
    State.WRITING: _write,
    State.UNDOING: _take_back,
}


def prune_lists(days: int) -> int:
    """Delete the previews older than `days` days and the rows of other imports; return how many."""
    old = ListImport.objects.filter(created_at__lt=timezone.now() - timedelta(days=days))
    unwritten = [State.READING, State.REFUSED, State.MATCHING, State.READY]
    pruned = old.filter(state__in=unwritten).delete()[0]
    over = old.filter(state__in=[State.DONE, State.UNDONE]).exclude(rows=[])
    return pruned + over.update(rows=[], file_name="")
