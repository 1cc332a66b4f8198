"""Time a Love click until its new fragment, and where the time goes, beside the page of popular titles.

    python benchmarks/feed.py [--history 50] [--rounds 100]

Runs the real site's code in this process on a database of its own with the starter data, over the same
addresses a browser uses. Each round measures the personal and the popular list back to back, so that their
ratio holds on a noisy machine; one thread, as in a web worker.
"""

# ruff: noqa: PLC0415  # the site's code can be imported only after its settings were chosen

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ["DJANGO_SETTINGS_MODULE"] = "nostrade_site.settings"
os.environ["OMP_NUM_THREADS"] = "1"
SECONDS: dict[str, list[float]] = defaultdict(list)


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
        measure(arguments.history, arguments.rounds)
    report(arguments.history, arguments.rounds)


def set_up(folder: Path) -> None:
    """Make an installation of its own, as `make run` does."""
    os.environ["NOSTRADE_DATA_DIR"] = str(folder)
    os.environ["LOG_LEVEL"] = "ERROR"
    import django
    from django.conf import settings
    from django.core.management import call_command

    django.setup()
    settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    call_command("migrate", verbosity=0)
    call_command("load_starter", verbosity=0)


def measure(history: int, rounds: int) -> None:
    """Click Love (and take it back, untimed), then fetch the popular list, `rounds` times."""
    from django.contrib.auth import get_user_model
    from django.test import Client

    from catalog.models import Item
    from feedback.models import Event, FeedbackType
    from recommender import serving

    serving.start()
    user = get_user_model()._default_manager.create_user("benchmark")
    known = set(serving.get_ranker().ranker.item_ids)  # type: ignore[union-attr]
    titles = [item for item in Item.objects.visible().popular()[: 3 * history + 10 * 3] if item.pk in known]
    for number, item in enumerate(titles[:history]):
        Event.objects.record(user, item, FeedbackType(1 + number % 3))
    person, visitor = (Client(headers={"HX-Request": "true", "Host": "localhost"}) for _ in range(2))
    person.force_login(user)
    loved = titles[history]
    with timed_parts():
        for number in range(rounds + 5):
            with clock("click"):
                answer = person.post(
                    f"/feedback/{loved.pk}/", {"feedback_type": 3, "next": "/?shown=20"}, follow=True
                )
            assert answer.content.count(b"data-card=") == 20
            Event.objects.retract(user, loved.pk)
            with clock("popular"):
                answer = visitor.get("/?shown=20")
            assert answer.content.count(b"data-card=") == 20
            if number == 4:
                SECONDS.clear()  # the first rounds only warm up


@contextmanager
def clock(name: str) -> Iterator[None]:
    """Note how long the block took."""
    began = time.perf_counter()
    yield
    SECONDS[name].append(time.perf_counter() - began)


@contextmanager
def timed_parts() -> Iterator[None]:
    """Time what a click spends its time on, where the site calls it."""
    from ml.ranker import Ranker
    from recommender import views

    def timed(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            request = args[0] if name == "rendering" else None
            if request is not None and not request.user.is_authenticated:
                return function(*args, **kwargs)
            with clock(name):
                return function(*args, **kwargs)

        return call

    with ExitStack() as stack:
        for name, owner, attribute in (
            ("ranking", Ranker, "rank"),
            ("explaining", Ranker, "explain"),
            ("rendering", views, "render"),
        ):
            stack.enter_context(mock.patch.object(owner, attribute, timed(name, getattr(owner, attribute))))
        yield


def report(history: int, rounds: int) -> None:
    """Print medians, shares and the ratio."""
    median = {name: statistics.median(values) * 1000 for name, values in SECONDS.items()}
    click = median["click"]
    ninth = statistics.quantiles(SECONDS["click"], n=20)[18] * 1000
    ratio = statistics.median(a / b for a, b in zip(SECONDS["click"], SECONDS["popular"], strict=True))
    print(f"Love click to new fragment, {history} reactions, {rounds} rounds, one thread")
    print(f"  median {click:.1f} ms, p95 {ninth:.1f} ms")
    rest = click
    for name in ("ranking", "explaining", "rendering"):
        rest -= median[name]
        print(f"  {name:<11} {median[name]:6.1f} ms  {median[name] / click:4.0%}")
    print(
        f"  {'the rest':<11} {rest:6.1f} ms  {rest / click:4.0%}  (log, history, mask, titles, two requests)"
    )
    print(f"popular list, same page: {median['popular']:.1f} ms; the click costs {ratio:.2f} times that")


if __name__ == "__main__":
    main()
