"""A training run: claim -> data -> train -> gate -> promote or reject; an operator can leave it alone."""

from __future__ import annotations

import logging
from functools import partial

from django.db import transaction

from feedback.models import Event
from ml.checkpoint import Checkpoint as Weights
from recommender import faithfulness, gate, storage
from recommender.models import Checkpoint
from recommender.models.checkpoints import NIGHTLY
from recommender.pruning import prune_checkpoints
from recommender.runs import CannotRetrain, Run, RunLost, claim, dead_run
from recommender.training import NothingToDo, trained
from recommender.training_data import material, panels_of, references_of
from recommender.trust import Attendance

logger = logging.getLogger(__name__)

State = Checkpoint.State
# About one person's first evening. Fewer events than that move nothing but noise; they are not lost, the next
# run sees them.
MIN_NEW_EVENTS = 20
MOST_NEW_EVENTS = 500_000  # a run reads; the rest waits for the next one


def retrain(*, force: bool = False, preset: str = NIGHTLY) -> Checkpoint:
    """Train a candidate on what was said, compare it with the active checkpoint, and promote or reject it.

    A run that died is finished first, with the data and from the step where it stood. Returns the candidate,
    whose state and verdict tell how it ended. Raises NothingToDo with fewer than `MIN_NEW_EVENTS` new events
    unless `force`, CannotRetrain when there is nothing to start from or another run is going, RunLost when
    somebody else took this one over, and whatever training raises; the active one then stays.
    """
    champion = Checkpoint.objects.active()
    if champion is None:
        raise CannotRetrain("No checkpoint is active to start from; run python manage.py load_starter first.")
    until, n_new = news_of(champion)
    if preset == NIGHTLY and not force and dead_run() is None:
        refuse_too_little(champion, until, n_new)
    run = claim(champion, until, preset)
    try:
        carry_out(run)
    except RunLost:
        raise
    except NothingToDo as news:
        run.finish(State.REJECTED, f"Not trained: {news}")
        raise
    except Exception as error:
        run.finish(State.FAILED, f"Failed: {type(error).__name__}: {error}")
        raise
    except BaseException:  # interrupted, not failed: whoever comes next goes on
        run.let_go()
        raise
    prune_checkpoints()
    candidate = run.checkpoint
    logger.info("%s is %s. %s", candidate, candidate.state, candidate.verdict)
    return candidate


def news_of(champion: Checkpoint) -> tuple[int, int]:
    """Return up to which event a run should read, and how many of them are news to the champion."""
    news = Event.objects.standing().teaching().filter(pk__gt=champion.last_event_id).order_by("pk")
    ids = news.values_list("pk", flat=True)
    last = ids[MOST_NEW_EVENTS - 1 : MOST_NEW_EVENTS].first() or ids.last() or champion.last_event_id
    return last, ids[:MOST_NEW_EVENTS].count()


def refuse_too_little(champion: Checkpoint, until: int, n_new: int) -> None:
    """Raise NothingToDo where the news are few, or where a run with the same news was not promoted."""
    if n_new < MIN_NEW_EVENTS:
        raise NothingToDo(f"{n_new} new events since {champion}; {MIN_NEW_EVENTS} are worth a training run.")
    judged = champion.children.filter(last_event_id__gte=until, state=State.REJECTED).first()
    if judged is not None:
        raise NothingToDo(f"Nothing was said since {judged}, which was rejected.")


def note_attendance(run: Run, attendance: Attendance) -> None:
    """Say who takes part in a run: in its log, and in the row, which the dashboard reads."""
    for text in (attendance.sentence, *attendance.remarks):
        run.say(text)
    run.checkpoint.config |= {"people": attendance.to_dict()}
    run.checkpoint.save(update_fields=["config"])


def carry_out(run: Run) -> None:
    """Do what is left of a run, and end it."""
    candidate, parent = run.checkpoint, run.checkpoint.parent
    if parent is None:
        raise CannotRetrain("The checkpoint that this run started from was removed; begin another run.")
    storage.fetch(parent.path)
    weights = Weights.load(parent.path)
    extent = parent.last_event_id, candidate.last_event_id
    run.say("Gathering what was said, and by whom.")
    whole = run.preset != NIGHTLY
    data = material(run.folder, weights.id_map.ids, extent, whole=whole, came=partial(note_attendance, run))
    if not candidate.path.exists():  # else it died between training and judgement
        run.say(f"Training ({run.preset}) on {data.news.n_users:,} people with news.")
        trained(run, weights, data).save(candidate.path)
    asked = candidate.config
    candidate.read_manifest()
    candidate.config |= asked
    candidate.save(update_fields=["config", "metrics", "data_fingerprint", "git_revision", "size_bytes"])
    champion = Checkpoint.objects.active() or parent
    run.say(f"Trained. Comparing it with {champion}, which serves.")
    panels = panels_of(data)
    verdict = gate.decide(candidate, champion, panels, references_of(data))
    run.say(verdict.sentence)
    if verdict.figures:  # it ranks at all
        faithfulness.measure(candidate, panels)
    if not verdict.passed:
        run.finish(State.REJECTED, verdict.sentence)
        return
    candidate.publish()  # outside of the transaction: it may take minutes
    with transaction.atomic():  # never a winner that nobody promotes
        run.finish(State.CANDIDATE, verdict.sentence)
        candidate.go_live()
