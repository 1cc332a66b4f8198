"""How many people here liked or loved two titles: counted from the log, however long it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from catalog.models import Item
from feedback.models import Event, FeedbackType, Person
from feedback.models.reading import EventQuerySet

# Fewer people than this could be recognised by what they liked.
FEWEST_PEOPLE = 5
# Of a title that more people like, so many of them are asked: all would take as long as they are many, and
# 500 people tell a share to within four per cent.
MOST_ASKED = 500
PLEASED = (FeedbackType.LIKE, FeedbackType.LOVE)
EVENTS_EACH = 4  # looked at to find them: some say something more than once


@dataclass(frozen=True)
class Together:
    """How many people here liked or loved both the title and another one."""

    item: Item
    people: int
    asked: int | None  # of how many who like the title; None where everybody was asked


def together(user: Person, item: Item, others: Sequence[Item]) -> tuple[Together, ...]:
    """Count who likes `item` and each of the `others`, without `user`; where they are few, nothing is said.

    Three queries, about a few hundred people at most. Who opted out of training is not counted.
    """
    if not others:
        return ()
    of_title = Event.objects.filter(item=item)
    if user.is_authenticated:
        of_title = of_title.exclude(user=user.pk)
    # Without an order: whichever come first. To put those of a popular title in order takes seconds.
    most = MOST_ASKED * EVENTS_EACH
    pleased = of_title.filter(feedback_type__in=PLEASED).order_by()
    first = list(pleased.values_list("user", flat=True)[: most + 1])
    people = list(dict.fromkeys(first[:most]))
    asked = [pk for pk, _ in _pleased(of_title.standing().teaching().filter(user__in=people[:MOST_ASKED]))]
    about_others = Event.objects.standing().filter(item__in=[other.pk for other in others], user__in=asked)
    counts = Counter(item_id for _, item_id in _pleased(about_others))
    is_all = len(first) <= most and len(people) <= MOST_ASKED
    return tuple(
        Together(other, n, None if is_all else len(asked))
        for other in others
        if (n := counts[other.pk]) >= FEWEST_PEOPLE
    )


def _pleased(standing: EventQuerySet) -> list[tuple[int, int]]:
    """Return the people and titles where what the person said last is a like or a love.

    Read and compared here: a database would look for a later event beside each one, and somebody who changes
    their mind a thousand times would make that a million.
    """
    said = standing.values_list("user_id", "item_id", "feedback_type")
    last = {(user_id, item_id): feedback_type for user_id, item_id, feedback_type in said}
    return [about for about, feedback_type in last.items() if feedback_type in PLEASED]
