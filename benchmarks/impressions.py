"""What logging impressions costs a feed request, and what the background thread pays for it.

    python benchmarks/impressions.py [--history 50] [--rounds 100]

Runs the real site's code in this process on a database of its own with the starter data. Each round asks for
a page twice, once logged and once with logging switched off, so that the ratio holds on a noisy machine;
times are processor time of the thread that answers. Then it writes what was logged and times that too, and
does the same for the feed of a daily visitor with and without the step that lets titles fade.
"""

# ruff: noqa: PLC0415  # the site's code can be imported only after its settings were chosen

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from itertools import cycle
from pathlib import Path
from typing import Any
from unittest import mock

from feed import set_up


def main() -> None:
    """Set up, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--history", type=int, default=50, help="reactions the person already has")
    parser.add_argument("--rounds", type=int, default=100)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        set_up(Path(folder))
        person = reader(arguments.history)
        logging_costs(person, arguments.rounds)
        fading_costs(person, arguments.rounds)


def reader(history: int) -> Any:
    """Return a person with so many reactions."""
    from django.contrib.auth import get_user_model

    from catalog.models import Item
    from feedback.models import Event, FeedbackType
    from recommender import serving

    user = get_user_model()._default_manager.create_user("benchmark")
    known = set(serving.get_ranker().ranker.item_ids)  # type: ignore[union-attr]
    titles = (item for item in Item.objects.visible().popular() if item.pk in known)
    for number, item in zip(range(history), titles, strict=False):
        Event.objects.record(user, item, FeedbackType(1 + number % 3))
    return user


def logging_costs(person: Any, rounds: int) -> None:
    """Time a page with and without its line in the buffer, and the writing of the buffer."""
    from django.test import Client

    from recommender import impressions
    from recommender.models import Impression

    impressions.WRITE_SECONDS, impressions.BATCH = 3600.0, 10**9  # the thread waits, as between two writes
    impressions.start()
    client = Client(headers={"HX-Request": "true", "Host": "localhost"})
    client.force_login(person)
    first, second = cycle(range(1, 41)), cycle(range(1, 41))  # a person scrolls: other titles on each page
    logged, bare = paired(
        lambda: client.get("/", {"page": next(first)}), lambda: unlogged(client, next(second)), rounds
    )
    noting = seconds_of(lambda: note_again(impressions._log), rounds)
    pages = len(impressions._log)
    cards = sum(len(showing.anime_ids) for showing in impressions._log._waiting)
    print(f"A feed page, {rounds} rounds, processor time of the thread that answers")
    print(f"  unlogged {1e3 * statistics.median(bare):.1f} ms; logged {ratio(logged, bare):.3f} times that")
    print(f"  the note alone: {1e6 * statistics.median(noting):.0f} µs")
    impressions.BATCH = 25
    began = time.process_time()
    impressions.stop()
    spent = time.process_time() - began
    print(
        f"  in the background: {1e3 * spent / pages:.2f} ms a page"
        f" ({Impression.objects.count()} rows kept of {cards} cards: the same day counts once)"
    )


def unlogged(client: Any, page: int) -> None:
    """Ask for a page that is not logged."""
    with mock.patch("recommender.impressions.record"):
        client.get("/", {"page": page})


def note_again(log: Any) -> None:
    """Add one more showing like the last."""
    log.add(log._waiting[-1])


def fading_costs(person: Any, rounds: int) -> None:
    """Time the feed of a daily visitor over half a year beside the same feed without the query."""
    from django.utils import timezone

    from catalog.models import Item
    from recommender import feed, order
    from recommender.models import Impression

    titles = list(Item.objects.visible().popular().values_list("pk", flat=True)[:2000])
    today = timezone.localdate()
    Impression.objects.bulk_create(
        Impression(
            user=person,
            item_id=titles[(day * 37 + place) % 2000],
            version="benchmark",
            position=place + 1,
            day=today - timedelta(days=day),
            shown_at=timezone.now() - timedelta(days=day),
        )
        for day in range(1, 180)
        for place in range(100)
    )
    fading = len(order.falls_of(person))
    with_it, without = paired(lambda: feed.feed_for(person), lambda: unfaded(person), rounds)
    print(f"The feed after half a year at 100 cards a day ({Impression.objects.count()} impressions)")
    print(
        f"  without fading {1e3 * statistics.median(without):.1f} ms;"
        f" with {fading} titles that fade {ratio(with_it, without):.2f} times that"
    )


def unfaded(person: Any) -> None:
    """Compute the feed of somebody for whom nothing fades, without asking."""
    from recommender import feed

    with mock.patch("recommender.order.falls_of", return_value={}):
        feed.feed_for(person)


def paired(
    first: Callable[[], object], second: Callable[[], object], rounds: int
) -> tuple[list[float], list[float]]:
    """Call both in turn and return their processor times; the first rounds only warm up."""
    for call in (first, second) * 3:
        call()
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds):
        both = list(zip((first, second), times, strict=True))
        for call, spent in both if number % 2 else both[::-1]:
            spent += seconds_of(call, 1)
    return times


def seconds_of(call: Callable[[], object], rounds: int) -> list[float]:
    """Return the processor time of each call, of this thread."""
    times = []
    for _ in range(rounds):
        began = time.thread_time()
        call()
        times.append(time.thread_time() - began)
    return times


def ratio(these: list[float], those: list[float]) -> float:
    """Return the median of the ratios of pairs."""
    return statistics.median(a / b for a, b in zip(these, those, strict=True))


if __name__ == "__main__":
    main()
