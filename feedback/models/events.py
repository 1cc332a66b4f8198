"""The append-only log of reactions: its rows, and their only writers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, ClassVar, NoReturn

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.db import connection, models, transaction
from django.utils import timezone

from catalog.holding import hold, hold_title
from catalog.models import Item
from feedback.metrics import REACTIONS
from feedback.models.imports import ListImport
from feedback.models.reading import AppendOnlyError, EventQuerySet, FeedbackType, refuse
from feedback.models.receipts import Receipt, batch_key, told_again

EventReader = models.Manager.from_queryset(EventQuerySet)


class EventManager(EventReader["Event"]):
    """The only writers of the log."""

    def record(
        self, user: AbstractBaseUser, item: Item, feedback_type: FeedbackType, *, key: str = ""
    ) -> Event:
        """Log a reaction and return it; saying the same again returns the event that already stands.

        With a `key`, a repetition returns the event of the first time, whatever was said since. Raises
        KeyReusedError, and logs nothing, where the key came with another title or reaction before.
        """
        with transaction.atomic():
            serialise(user.pk)
            item_id = hold_title(item.pk)
            receipt = Receipt.objects.of(user).under(key)
            if receipt is not None:
                return receipt.event_about(item_id, feedback_type)
            event = self._say(user, item_id, feedback_type)
            if key:
                Receipt.objects.create(user_id=user.pk, key=key, event=event)
            return event

    def record_many(
        self, user: AbstractBaseUser, said: Sequence[tuple[Item, FeedbackType]], *, key: str = ""
    ) -> list[Event]:
        """Log reactions as `record` does each, all or none of them, and return their events in that order.

        Raises KeyReusedError, and logs nothing, where the key came with another batch before.
        """
        with transaction.atomic():
            serialise(user.pk)
            now = hold(item.pk for item, _ in said)
            said_now = [(now.get(item.pk, item.pk), feedback_type) for item, feedback_type in said]
            receipts = Receipt.objects.of(user).under_batch(key)
            if receipts:
                return told_again(receipts, said_now)
            events = self._say_all(user, said_now)
            if key:
                Receipt.objects.bulk_create(
                    Receipt(user_id=user.pk, key=batch_key(key, place), event=event)
                    for place, event in enumerate(events)
                )
            return events

    def _say_all(self, user: AbstractBaseUser, said: Sequence[tuple[int, FeedbackType]]) -> list[Event]:
        """Log what does not stand already, in few queries; the caller holds the person's lock."""
        standing = self.of(user).standing().filter(item__in=[item_id for item_id, _ in said])
        latest = {event.item_id: event for event in standing}
        events, news, now = [], [], timezone.now()
        for item_id, feedback_type in said:
            event = latest.get(item_id)
            if event is None or event.feedback_type != feedback_type:
                timestamp = max(now, event.timestamp) if event else now
                event = Event(
                    user_id=user.pk, item_id=item_id, feedback_type=feedback_type, timestamp=timestamp
                )
                latest[item_id] = event
                news.append(event)
            events.append(event)
        self.bulk_create(news)
        return events

    def _say(self, user: AbstractBaseUser, item_id: int, feedback_type: FeedbackType) -> Event:
        """Log a reaction unless it stands already; the caller holds the person's lock."""
        latest = self.of(user).standing().filter(item=item_id).last()
        if latest is not None and latest.feedback_type == feedback_type:
            return latest
        now = timezone.now()
        # A clock that was set back must not put the newer word behind the older one.
        timestamp = max(now, latest.timestamp) if latest else now
        event = self.create(
            user_id=user.pk, item_id=item_id, feedback_type=feedback_type, timestamp=timestamp
        )
        _count(feedback_type)
        return event

    def undo(self, event: Event) -> Event:
        """Take back one event and return what that logged; undoing twice changes nothing.

        Of a reaction: what was said before it stands again. Of a retraction: the reaction stands again, in
        its old place in the history, unless the person has reacted to the title anew.
        """
        with transaction.atomic():
            serialise(event.user_id)
            _follow(event)
            if event.retracts is not None:
                return self._restore(event.retracts)
            retraction, is_new = self.get_or_create(
                retracts=event,
                defaults={
                    "user_id": event.user_id,
                    "item_id": event.item_id,
                    "feedback_type": FeedbackType.RETRACTED,
                },
            )
            if is_new:
                _count(FeedbackType.RETRACTED)
            return retraction

    def _restore(self, lost: Event) -> Event:
        """Log a lost reaction again, under its old time; the caller holds the person's lock."""
        _follow(lost)
        latest = self.filter(user_id=lost.user_id, item_id=lost.item_id).standing().last()
        return latest or self.create(
            user_id=lost.user_id,
            item_id=lost.item_id,
            feedback_type=lost.feedback_type,
            timestamp=lost.timestamp,
            list_import_id=lost.list_import_id,
        )

    def carry_over(self, giver: AbstractBaseUser, receiver: AbstractBaseUser) -> None:
        """Say for `receiver` what `giver` said, at the same times, about titles `receiver` left open."""
        with transaction.atomic():
            serialise(giver.pk, receiver.pk)
            spoken = self.of(receiver).standing().values("item")
            self.bulk_create(
                Event(
                    user_id=receiver.pk,
                    item_id=event.item_id,
                    feedback_type=event.feedback_type,
                    timestamp=event.timestamp,
                    list_import_id=event.list_import_id,
                )
                for event in self.of(giver).standing().exclude(item__in=spoken)
            )

    def record_list(self, listed: Collection[Event], *, overrule: bool) -> None:
        """Log what a list says of one person's titles, each once and under its own time, where it is news.

        Where the person has said otherwise, their word stands; with `overrule` the list has the last one.
        """
        if not listed:
            return
        with transaction.atomic():
            user_id = next(iter(listed)).user_id
            serialise(user_id)
            said = self.filter(user_id=user_id, item__in=[event.item_id for event in listed]).standing()
            latest = {event.item_id: event for event in said}
            news = []
            for event in listed:
                earlier = latest.get(event.item_id)
                if earlier is not None:
                    if earlier.feedback_type == event.feedback_type or not overrule:
                        continue
                    event.timestamp = max(event.timestamp, earlier.timestamp)
                news.append(event)
            self.bulk_create(news)

    def take_back_list(self, list_import: ListImport, most: int) -> int:
        """Retract up to `most` of the events that an import logged and that stand; return how many."""
        with transaction.atomic():
            serialise(list_import.user_id)
            lost = list(self.filter(list_import=list_import).standing()[:most])
            now = hold(event.item_id for event in lost)
            self.bulk_create(
                Event(
                    user_id=event.user_id,
                    item_id=now[event.item_id],
                    feedback_type=FeedbackType.RETRACTED,
                    retracts=event,
                )
                for event in lost
            )
            return len(lost)

    def retract(self, user: AbstractBaseUser, anime_id: int) -> list[Event]:
        """Take back all that `user` said about a title; return the retractions, none where nothing stood.

        At once, and not one by one: a program may have changed its mind thousands of times.
        """
        with transaction.atomic():
            serialise(user.pk)
            item_id = hold_title(anime_id)
            retractions = [
                Event(
                    user_id=user.pk,
                    item_id=item_id,
                    feedback_type=FeedbackType.RETRACTED,
                    retracts=event,
                )
                for event in self.of(user).standing().filter(item__anime_id=item_id)
            ]
            self.bulk_create(retractions)
            if retractions:
                _count(FeedbackType.RETRACTED, len(retractions))
            return retractions


def _follow(event: Event) -> None:
    """Let an event that was read before a merge be about the title that stayed, as its row is."""
    event.item_id = hold_title(event.item_id)


def _count(feedback_type: FeedbackType, amount: int = 1) -> None:
    """Count what is logged, once it is: a transaction that fails has said nothing."""
    kind = FeedbackType(feedback_type).name.lower()
    transaction.on_commit(lambda: REACTIONS.labels(kind).inc(amount))


def serialise(*user_ids: int) -> None:
    """Make each person's writers queue: a row lock on PostgreSQL; SQLite's IMMEDIATE has done it already.

    `no_key` leaves the person's other rows (sessions, saved titles) free to refer to the account meanwhile.
    """
    if not connection.features.has_select_for_update:
        return
    people = (
        get_user_model()._default_manager.filter(pk__in=user_ids).order_by("pk")
    )  # one order: no deadlock
    list(people.select_for_update(no_key=True).values_list("pk"))


class Event(models.Model):
    """One reaction, or the retraction of one. Rows are never changed, only added."""

    # The indexes below begin with the user; one of its own would only slow the log down.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="events", db_index=False
    )
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="events")
    feedback_type = models.PositiveSmallIntegerField(choices=FeedbackType.choices)
    timestamp = models.DateTimeField(default=timezone.now)
    retracts = models.OneToOneField(
        "self", on_delete=models.CASCADE, null=True, blank=True, related_name="retraction"
    )
    # Where a list brought it. Events go with their account only, and so does an import that logged any.
    list_import = models.ForeignKey(
        ListImport, on_delete=models.RESTRICT, null=True, blank=True, related_name="events"
    )

    objects = EventManager()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["user", "timestamp", "id"], name="event_history"),
            # What came later about a title must not be looked for among all that was ever said about it.
            models.Index(fields=["user", "item", "timestamp", "id"], name="event_about_title_in_time"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="event_known_feedback_type",
                condition=models.Q(feedback_type__in=FeedbackType.values),
            ),
            models.CheckConstraint(
                name="event_retraction_names_its_event",
                condition=models.Q(feedback_type=FeedbackType.RETRACTED, retracts__isnull=False)
                | (~models.Q(feedback_type=FeedbackType.RETRACTED) & models.Q(retracts__isnull=True)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.get_feedback_type_display()} · {self.item}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Add the event; a check constraint cannot see other rows, so what it retracts is checked here."""
        if not self._state.adding:
            refuse()
        lost = self.retracts
        if lost is not None and (lost.user_id, lost.item_id) != (self.user_id, self.item_id):
            raise AppendOnlyError("An event can only retract one of the same person about the same title.")
        if lost is not None and lost.feedback_type == FeedbackType.RETRACTED:
            raise AppendOnlyError("A retraction cannot be retracted: record the reaction again.")
        super().save(*args, **kwargs | {"force_insert": True})

    def delete(self, *_: Any, **__: Any) -> NoReturn:
        refuse()
