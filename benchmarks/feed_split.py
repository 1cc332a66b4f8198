"""Where the processor time of one feed page goes, part by part.

    python -m benchmarks.feed_split [--history 50] [--rounds 200] [--page "/"] [--anew]

Runs the real site's code in this process on a database of its own with the starter data (DATABASE_URL names
an empty PostgreSQL one to use instead). Each part is counted without those that it calls; what nobody counts,
middleware mostly, is "the rest". Processor time, so that it holds on a busy machine.
"""

# ruff: noqa: PLC0415  # the site's code can be imported only after its settings were chosen

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest import mock

from benchmarks.feed import set_up  # chooses the settings

BESIDE = "in threads beside"  # impressions written, the checkpoint asked for


class Stopwatch:
    """The processor time of parts, each without the parts it calls."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._running = ["the rest"]
        self._since = time.thread_time()

    def switch(self) -> None:
        now = time.thread_time()
        self.seconds[self._running[-1]] += now - self._since
        self._since = now

    def timed(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            self.switch()
            self._running.append(part)
            try:
                return function(*args, **options)
            finally:
                self.switch()
                self._running.pop()

        return call

    def lap(self) -> dict[str, float]:
        """Return what was counted since the last lap."""
        self.switch()
        seconds, self.seconds = self.seconds, defaultdict(float)
        return seconds


def parts() -> list[tuple[str, Any, str]]:
    """Name the functions that make a page."""
    from django.contrib.auth import middleware
    from django.db.backends import utils
    from django.middleware.gzip import GZipMiddleware

    from ml.ranker import Ranker
    from recommender import cards, dealing, feed, impressions, order, views
    from recommender.situation import Situation

    return [
        ("session and account", middleware, "get_user"),
        ("history, preferences, dismissals, what fades", feed.Order, "of"),
        ("the order: rules, one card a series", order.Order, "slice"),
        ("the order: rules, one card a series", Situation, "__init__"),
        ("ranking", Ranker, "rank"),
        ("wildcards", dealing, "_drawn"),
        ("reasons", cards, "_causes"),
        ("cards: titles and genres", feed, "cards_of"),
        ("template", views, "render"),
        ("impressions", impressions, "record"),
        ("gzip", GZipMiddleware, "process_response"),
        ("the database itself", utils.CursorWrapper, "execute"),
    ]


def main() -> None:
    """Set up, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--history", type=int, default=50, help="reactions the person already has")
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--page", default="/")
    parser.add_argument("--anew", action="store_true", help="say something before each page, untimed")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        set_up(Path(folder))
        laps, size, queries = measure(arguments)
    report(laps, size, queries)


def measure(arguments: argparse.Namespace) -> tuple[list[dict[str, float]], int, int]:
    """Open the page so often; return what each took, how long it is, and how many queries it makes."""
    from django.contrib.auth import get_user_model
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from catalog.models import Item
    from feedback.models import Event, FeedbackType
    from nostrade_site.frames import with_room
    from recommender import impressions, serving

    history, page = arguments.history, arguments.page
    serving.start()
    impressions.start()  # writes in a thread of its own, as in a web worker; it counts where it meets us
    user = get_user_model()._default_manager.create_user("benchmark")
    known = set(serving.get_ranker().ranker.item_ids)  # type: ignore[union-attr]
    titles = [item for item in Item.objects.visible().popular()[: 3 * history] if item.pk in known]
    loved = titles[history]
    Event.objects.record_many(
        user, [(item, FeedbackType(1 + number % 3)) for number, item in enumerate(titles[:history])]
    )
    client = Client(headers={"Host": "localhost", "Accept-Encoding": "gzip"})
    client.force_login(user)
    get = with_room(client.get)  # as in a web worker
    for _ in range(5):  # only warm up
        get(page)
    with CaptureQueriesContext(connection) as queries:
        get(page)
        n_queries = len(queries)
    watch, laps = Stopwatch(), []
    with ExitStack() as stack:
        for part, owner, name in parts():
            patched = mock.patch.object(owner, name, watch.timed(part, getattr(owner, name)))
            stack.enter_context(patched)
        for _ in range(arguments.rounds):
            if arguments.anew:  # a history that nobody had before, and not a longer one
                Event.objects.retract(user, loved.pk)
                Event.objects.record(user, loved, FeedbackType.LOVE)
            watch.lap()
            began = time.process_time() - time.thread_time()
            answer = get(page)
            laps.append(watch.lap())
            laps[-1][BESIDE] = time.process_time() - time.thread_time() - began
    impressions.stop()
    return laps, len(answer.content), n_queries


def report(laps: list[dict[str, float]], size: int, queries: int) -> None:
    """Print the medians and their shares."""
    total = statistics.median(sum(lap.values()) for lap in laps) * 1000
    print(f"{len(laps)} pages of {size:,} bytes, {queries} queries each: {total:.1f} ms\n")
    print("| part | ms | share |\n| --- | --- | --- |")
    names = sorted({name for lap in laps for name in lap}, key=lambda name: -median_of(laps, name))
    for name in names:
        print(f"| {name} | {median_of(laps, name):.1f} | {median_of(laps, name) / total:.0%} |")


def median_of(laps: list[dict[str, float]], name: str) -> float:
    """Return the median in ms; of what threads do now and then the mean."""
    usual = statistics.fmean if name == BESIDE else statistics.median
    return usual(lap.get(name, 0.0) for lap in laps) * 1000


if __name__ == "__main__":
    main()
