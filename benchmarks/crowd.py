"""100,000 people, 10 million events, 20,000 titles in PostgreSQL: plans, and the feed beside an empty site.

    python -m benchmarks.crowd [--people 100000] [--events 10000000] [--titles 20000] [--rounds 20]

Makes two databases of a PostgreSQL of its own (its stock settings, but without fsync): one with a few readers
and the starter, and a copy of it that the crowd joins. Every query of the pages below is explained in the
second; what reads a large table from end to end is named. Then the readers open their feeds, in turns from
both.
"""

# ruff: noqa: PLC0415  # the site's code can be imported only after its settings were chosen

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.crowd_people import make_crowd, make_readers, make_titles
from benchmarks.feed import set_up  # chooses the settings
from nostrade_site.tests.engines import _postgres, _postgres_binaries

LARGE = {
    "auth_user", "catalog_item", "catalog_item_genres", "feedback_dismissal", "feedback_event",
    "feedback_receipt", "feedback_saved", "recommender_impression",
}  # fmt: skip
EMPTY = "empty"
Plans = dict[tuple[str, str], str]  # page and query -> how it reads its tables
Feeds = dict[str, list[float]]  # database -> milliseconds


def main() -> None:
    """Set up, explain, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--titles", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=20, help="of all readers, in both databases")
    arguments = parser.parse_args()
    binaries = _postgres_binaries()
    assert binaries is not None, "no PostgreSQL server here (apt-get install postgresql)"
    # The snapshot and the checkpoint are asked for once, not while somebody is measured.
    os.environ |= {"CHECKPOINT_POLL_SECONDS": "100000", "API_USER_RATE": "1000000/min"}
    with _postgres(binaries) as url, tempfile.TemporaryDirectory() as folder:
        os.environ["DATABASE_URL"] = url
        set_up(Path(folder))
        make_titles(arguments.titles)
        readers = make_readers()
        use(None, f"CREATE DATABASE {EMPTY} TEMPLATE nostrade")
        make_crowd(arguments.people, arguments.events)
        describe()
        report_plans(*explained(readers))
        report_times(timed(readers, arguments.rounds))


def use(name: str | None, statement: str = "") -> None:
    """Connect this thread to a database of the server, or to none; there run a statement."""
    from django.db import connection, connections

    connection.close()
    target = connections.databases["default"]
    given, target["NAME"] = target["NAME"], name or "postgres"
    del connections["default"]
    if statement:
        connections["default"].cursor().execute(statement)
        connections["default"].close()
        target["NAME"] = given
        del connections["default"]


def describe() -> None:
    """Print how large the database is."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_size_pretty(pg_database_size(current_database()))")
        [size] = cursor.fetchone()
        rows = []
        for table in (
            "auth_user",
            "feedback_event",
            "recommender_impression",
            "feedback_saved",
            "catalog_item",
        ):
            cursor.execute(f"SELECT count(*) FROM {table}")  # noqa: S608
            rows.append(f"{table} {cursor.fetchone()[0]:,}")
    print(f"\n{size}: {', '.join(rows)}\n")


def pages(user: Any) -> dict[str, Callable[[], object]]:
    """Name what is explained: pages of one reader, and what the site asks by itself."""
    from django.test import Client

    from catalog.models import Item
    from nostrade_site.tokens.models import ApiToken
    from recommender import due, retraining, serving, wildcards
    from recommender.models import Checkpoint
    from recommender.outcomes import link

    client = Client(headers={"Host": "localhost"})
    client.force_login(user)
    token = {"Authorization": f"Bearer {ApiToken(label='crowd', writes=True).issue(user)}"}
    title = Item.objects.visible().popular()[900].pk
    found: dict[str, Callable[[], object]] = {
        path: (lambda path=path: client.get(path))  # type: ignore[misc]
        for path in ("/", "/?page=2", "/activity/", "/saved/", f"/title/{title}/", f"/why/{title}/",
                     "/profile/", "/search/?q=naruto")
    }  # fmt: skip
    found |= {
        f"API {path}": (lambda path=path: client.get(f"/api/v1/{path}", headers=token))  # type: ignore[misc]
        for path in ("recommendations/", "events/", "saved/", "items/?search=naruto")
    }
    data, headers = {"anime_id": title, "feedback_type": "love"}, token | {"Idempotency-Key": "crowd"}
    watch = serving.Watch()
    watch._ask()  # reads the catalogue, once
    champion = Checkpoint.objects.active()
    assert champion is not None
    return found | {
        "API: react": lambda: client.post("/api/v1/events/", data, "application/json", headers=headers),
        "react": lambda: client.post(f"/feedback/{title}/", {"feedback_type": "1", "next": "/"}),
        "save": lambda: client.post(f"/saved/{title}/", {"saved": "1", "next": "/"}),
        "checkpoint poll": watch._ask,
        "is retraining due?": due.why_retrain,
        "what is news to a run?": lambda: retraining.news_of(champion),
        "wildcards, once an hour": wildcards.evidence,
        "link impressions, every 5 minutes": lambda: link(1),
    }


def explained(readers: list[Any]) -> tuple[Plans, dict[str, float]]:
    """Explain every query of the pages, with the values it is asked with; time each page too."""
    from django.core.cache import cache
    from django.db import connection

    plans: Plans = {}
    took: dict[str, float] = {}
    asks = pages(readers[3])  # who has 100 reactions
    asks["/"]()  # loads the checkpoint and the snapshot
    for name, ask in asks.items():
        cache.clear()
        asked: list[tuple[str, Any]] = []

        def listen(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            if sql.startswith("SELECT"):
                asked.append((sql, params))  # noqa: B023  # used at once
            return execute(sql, params, many, context)

        with connection.execute_wrapper(listen):
            answer = ask()
        assert getattr(answer, "status_code", 200) < 400, (name, answer)
        began = time.perf_counter()
        ask()
        took[name] = (time.perf_counter() - began) * 1000
        for sql, params in asked:
            with connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}", params)
                [[found]] = cursor.fetchall()
            plan = found if isinstance(found, list) else json.loads(found)
            plans.setdefault((name, sql), "; ".join(readings(plan[0]["Plan"])))
    return plans, took


def readings(node: dict[str, Any]) -> list[str]:
    """Say how a plan reads its tables."""
    found = []
    if "Relation Name" in node or "Index Name" in node:
        by = node.get("Index Name", "")
        found.append(f"{node['Node Type']} {by or node['Relation Name']}")
    for child in node.get("Plans", ()):
        found += readings(child)
    return found


def report_plans(plans: Plans, took: dict[str, float]) -> None:
    """Print how each page reads the large tables, and what it reads from end to end."""
    whole = [f"Seq Scan {table}" for table in LARGE]
    print("| page | ms | queries | reads from end to end |\n| --- | --- | --- | --- |")
    for page in dict.fromkeys(page for page, _ in plans):
        mine = [how for (name, _), how in plans.items() if name == page]
        bad = sorted({scan for how in mine for scan in whole if scan in how.split("; ")})
        print(f"| {page} | {took[page]:.0f} | {len(mine)} | {', '.join(bad)} |")
    print("\nThe feed's queries:")
    for (page, sql), how in plans.items():
        bad_here = any(scan in how.split("; ") for scan in whole)
        if page == "/" or bad_here:
            print(f"  {page}: {how or 'no table'}{'  <-- ' + sql[:700] if bad_here else ''}")


def timed(readers: list[Any], rounds: int) -> Feeds:
    """Let every reader open their feed in turns from both databases; return milliseconds."""
    from django.db import connections
    from django.test import Client

    wrappers: dict[str, Any] = {}
    for name in ("nostrade", EMPTY):
        use(name)
        wrappers[name] = connections["default"]
        wrappers[name].ensure_connection()
    seconds: Feeds = {name: [] for name in wrappers}
    clients: dict[tuple[str, int], Client] = {}
    for name, wrapper in wrappers.items():
        connections["default"] = wrapper
        for user in readers:
            clients[name, user.pk] = Client(headers={"Host": "localhost"})
            clients[name, user.pk].force_login(user)
    for number in range(rounds + 2):
        for user in random.sample(readers, len(readers)):
            for name in random.sample([*wrappers], 2):
                connections["default"] = wrappers[name]
                began = time.perf_counter()
                answer = clients[name, user.pk].get("/")
                took = time.perf_counter() - began
                assert answer.status_code == 200, name
                if number >= 2:  # the first only warm up
                    seconds[name].append(took * 1000)
    return seconds


def report_times(times: Feeds) -> None:
    """Print medians, percentiles and the ratio."""
    print("\n| database | feeds | p50 ms | p95 ms | p99 ms |\n| --- | --- | --- | --- | --- |")
    p95 = {}
    for name, ms in times.items():
        cuts = statistics.quantiles(ms, n=100, method="inclusive")
        p95[name] = cuts[94]
        print(f"| {name} | {len(ms)} | " + " | ".join(f"{cuts[place]:.1f}" for place in (49, 94, 98)) + " |")
    print(f"ratio of p95: {p95['nostrade'] / p95[EMPTY]:.2f}")
    halves = [slice(0, len(times[EMPTY]) // 2), slice(len(times[EMPTY]) // 2, None)]
    for half in halves:
        ratio = [statistics.quantiles(times[name][half], n=20)[18] for name in ("nostrade", EMPTY)]
        print(f"  in one half of the rounds: {ratio[0] / ratio[1]:.2f}")


if __name__ == "__main__":
    main()
