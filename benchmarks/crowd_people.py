"""The crowd of `benchmarks/crowd.py`: people, events and what else they leave, made inside PostgreSQL."""

# ruff: noqa: PLC0415, S608  # models need chosen settings; the statements are our own

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

READERS = 24
HISTORIES = (10, 30, 50, 100, 200, 300)
FIRST = 1_000  # id of the first of the crowd; readers have smaller ones

RANKED = """
CREATE TEMPORARY TABLE ranked AS
SELECT row_number() OVER (ORDER BY members DESC, anime_id) AS place, anime_id
FROM catalog_item WHERE NOT is_hidden
"""
# Turn by turn, as on a site: a person's events lie all over the table. Well-known titles are chosen most.
EVENTS = """
INSERT INTO feedback_event (user_id, item_id, feedback_type, timestamp)
SELECT user_id, anime_id, kind, at
FROM (SELECT user_id, 1 + floor((SELECT count(*) FROM ranked) * random() ^ 2.5)::int AS place,
             1 + floor(3 * random())::int AS kind,
             now() - interval '400 days' * (1 - turn / {most}.0) + interval '1 hour' * random() AS at
      FROM generate_series(1, {most}) AS turn
      CROSS JOIN LATERAL generate_series({first} + 0 * turn, {first} + {people} - 1) AS user_id
      WHERE turn > {most} - (20 + 160 * ((user_id * 7919) % 1000) / 1000) * {each} / 100
      OFFSET 0) AS said
JOIN ranked USING (place)
"""
RETRACTIONS = """
INSERT INTO feedback_event (user_id, item_id, feedback_type, timestamp, retracts_id)
SELECT user_id, item_id, 0, timestamp + interval '1 hour', id FROM feedback_event
WHERE id % 50 = 0 AND user_id >= {first}
"""
PEOPLE = """
INSERT INTO auth_user (id, username, password, email, first_name, last_name, is_superuser, is_staff,
                       is_active, date_joined)
SELECT n, 'person-' || n, '!', '', '', '', false, false, true, now() - interval '400 days'
FROM generate_series({first}, {first} + {people} - 1) AS n
"""
IMPRESSIONS = """
INSERT INTO recommender_impression (user_id, item_id, version, slot, position, propensity, day, shown_at)
SELECT user_id, anime_id, 'starter-0', 'ranked', at, 1, current_date - (user_id % 60)::int,
       now() - interval '1 day' * (user_id % 60)
FROM generate_series({first}, {first} + {people} - 1) AS user_id
CROSS JOIN LATERAL generate_series(1 + 0 * user_id, 20) AS at
JOIN ranked ON place = 1 + (user_id * 31 + at * 7) % 3000
"""
SAVED = """
INSERT INTO feedback_saved (user_id, item_id, created_at)
SELECT user_id, anime_id, now() - interval '1 day' * at
FROM generate_series({first}, {first} + {people} - 1) AS user_id
CROSS JOIN LATERAL generate_series(1 + 0 * user_id, 5) AS at
JOIN ranked ON place = 1 + (user_id * 17 + at * 101) % 5000
"""
DISMISSALS = """
INSERT INTO feedback_dismissal (user_id, item_id, kind, created_at)
SELECT user_id, anime_id, 'seen', now() - interval '1 day' * at
FROM generate_series({first}, {first} + {people} - 1) AS user_id
CROSS JOIN LATERAL generate_series(1 + 0 * user_id, 3) AS at
JOIN ranked ON place = 6000 + (user_id * 13 + at * 97) % 3000
"""
PREFERENCES = """
INSERT INTO recommender_preferences (user_id, show_adult, controls, wildcards)
SELECT user_id, false, '', 1 FROM generate_series({first}, {first} + {people} - 1) AS user_id
"""
IGNORED = """
INSERT INTO recommender_ignored (user_id, item_id, created_at)
SELECT user_id, anime_id, now() FROM generate_series({first}, {first} + {people} - 1, 10) AS user_id
JOIN ranked ON place = 1 + user_id % 1000
"""
SESSIONS = """
INSERT INTO django_session (session_key, session_data, expire_date)
SELECT md5(n::text), '', now() + interval '90 days' FROM generate_series({first}, {first} + {people} - 1) AS n
"""
RECEIPTS = """
INSERT INTO feedback_receipt (user_id, key, event_id, created_at)
SELECT user_id, 'key-' || id, id, now() FROM feedback_event WHERE id % 100 = 7 AND user_id >= {first}
"""
# The log was read up to yesterday, as on any site that trains every night.
TRAINED = """
UPDATE recommender_checkpoint SET last_event_id = (SELECT max(id) - 5000 FROM feedback_event)
WHERE state = 'active'
"""
TITLES = """
INSERT INTO catalog_item (anime_id, name, search_name, type, members, synopsis, poster_url, is_hidden,
                          updated_at)
SELECT 900000 + n, 'Unheard of ' || n, 'unheard of ' || n, 'OVA', 0, '', '', false, now()
FROM generate_series(1, {titles} - (SELECT count(*) FROM catalog_item)) AS n
"""


OTHERS = (SAVED, DISMISSALS, PREFERENCES, IGNORED, SESSIONS, RECEIPTS)


def make_readers() -> list[Any]:
    """Make the people who are measured, with histories, saved titles and a month of impressions."""
    from django.contrib.auth import get_user_model
    from django.utils import timezone

    from catalog.models import Item
    from feedback.models import Event, FeedbackType, Saved
    from recommender import impressions
    from recommender.impressions import Showing
    from recommender.models import Checkpoint

    popular = [*Item.objects.visible().popular()[:2000]]
    version = Checkpoint.objects.active().version  # type: ignore[union-attr]
    readers, now = [], timezone.now()
    for number in range(READERS):
        n = HISTORIES[number % len(HISTORIES)]
        user = get_user_model()._default_manager.create_user(f"reader-{number}")
        chosen = popular[number : number + 2 * n : 2]
        Event.objects.record_many(user, [(item, FeedbackType(1 + i % 3)) for i, item in enumerate(chosen)])
        Saved.objects.bulk_create(Saved(user=user, item=item) for item in popular[1000 : 1000 + 20])
        for day in range(1, 31):  # never the same title on three days: nothing fades
            cards = tuple(item.pk for item in popular[60 * day : 60 * day + 60])
            impressions.save([Showing(user.pk, version, 0, cards, now - timedelta(days=day))])
        readers.append(user)
    return readers


def make_titles(titles: int) -> None:
    """Fill the catalogue up to so many titles."""
    _run(TITLES.format(titles=titles), "titles")


def make_crowd(people: int, events: int) -> None:
    """Make the others, and all they did."""
    numbers = {"people": people, "first": FIRST, "each": events // people, "most": 2 * events // people}
    with _quickly("feedback_event", "recommender_impression", "feedback_saved", "auth_user"):
        _run(RANKED, "titles by rank")
        for statement in (PEOPLE, EVENTS, RETRACTIONS, IMPRESSIONS, *OTHERS):
            _run(statement.format(**numbers), statement.split()[2])
    _run(TRAINED, "last night's run")


@contextmanager
def _quickly(*tables: str) -> Iterator[None]:
    """Leave out the checks of references, and make the indexes again at the end."""
    from django.db import connection

    names = ", ".join(f"'{table}'" for table in tables)
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(
            f"SELECT indexname, indexdef FROM pg_indexes WHERE tablename IN ({names})"
            " AND indexname NOT IN (SELECT conname FROM pg_constraint)"
        )
        indexes = cursor.fetchall()
        for name, _ in indexes:
            cursor.execute(f'DROP INDEX "{name}"')
        yield
        for name, definition in indexes:
            _run(definition, f"index {name}")
        cursor.execute("SET session_replication_role = origin")
    _run("VACUUM ANALYZE", "vacuum")


def _run(statement: str, name: str) -> None:
    from django.db import connection

    began = time.monotonic()
    with connection.cursor() as cursor:
        cursor.execute(statement)
        print(f"{name}: {max(cursor.rowcount, 0):,} rows, {time.monotonic() - began:.0f} s", flush=True)
