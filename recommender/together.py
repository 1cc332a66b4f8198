"""How many people here liked or loved two titles: counted from the log, however long it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count

from catalog.models import Item
from feedback.models import Event, FeedbackType, Person

# Fewer people than this could be recognised by what they liked.
FEWEST_PEOPLE = 5
# Of a title that more people like, so many of them are asked: all would take as long as they are many, and
# 500 people tell a share to within four per cent.
MOST_ASKED = 500
EVENTS_EACH = 4  # looked at to find them: some say something more than once


@dataclass(frozen=True)
class Together:
    """How many people here liked or loved both the title and another one."""

    item: Item
    people: int
    asked: int | None  # of how many who like the title; None where everybody was asked


def together(user: Person, item: Item, others: Sequence[Item]) -> tuple[Together, ...]:
    """Count who likes `item` and each of the `others`, without `user`; where they are few, nothing is said.

    Three queries, none of which looks at more than some thousand events. Who opted out of training is not
    counted.
    """
    if not others:
        return ()
    pleased = Event.objects.filter(feedback_type__in=(FeedbackType.LIKE, FeedbackType.LOVE))
    of_title = pleased.filter(item=item)
    if user.is_authenticated:
        of_title = of_title.exclude(user=user.pk)
    # Without an order: whichever come first. To put those of a popular title in order takes seconds.
    most = MOST_ASKED * EVENTS_EACH
    first = list(of_title.order_by().values_list("user", flat=True)[: most + 1])
    people = list(dict.fromkeys(first[:most]))
    now = of_title.current().teaching().filter(user__in=people[:MOST_ASKED])
    asked = list(now.order_by().values_list("user", flat=True))
    both = pleased.current().filter(item__in=[other.pk for other in others], user__in=asked)
    counts = dict(both.order_by().values_list("item").annotate(people=Count("pk")))
    is_all = len(first) <= most and len(people) <= MOST_ASKED
    return tuple(
        Together(other, n, None if is_all else len(asked))
        for other in others
        if (n := counts.get(other.pk, 0)) >= FEWEST_PEOPLE
    )
