"""Migrations that a site can live through: no long lock, and the version before goes on working meanwhile.

PostgreSQL's own statements are looked at, so `make test-engines` runs this. SQLite has one writer anyway.
"""

from __future__ import annotations

import pytest
from django.db import connection
from django_migration_linter import MigrationLinter

OURS = ("catalog", "feedback", "recommender", "tokens")
# Each with its reason. A migration that is not named here must pass: CONTRIBUTING.md says how.
BEFORE_THE_RULE = "made before 0.1, when nobody had a site to upgrade without stopping it"
ACCEPTED = {
    "catalog.0002_facts_and_limits": BEFORE_THE_RULE,
    "catalog.0005_hidden_titles": "an index of the titles, thousands and not millions: made in milliseconds",
    "feedback.0002_index_by_title": BEFORE_THE_RULE,
    "feedback.0007_seen_by_lists": BEFORE_THE_RULE,
    "feedback.0008_reading_in_the_background": "an index and a check of the lists people brought: thousands",
    "recommender.0002_training_state_and_last_event": BEFORE_THE_RULE,
    "recommender.0004_controls": BEFORE_THE_RULE,
    "recommender.0007_wildcards": BEFORE_THE_RULE,
}


@pytest.mark.skipif(connection.vendor != "postgresql", reason="a matter of PostgreSQL: make test-engines")
def test_no_migration_locks_a_table_or_breaks_the_version_before(django_db_setup, django_db_blocker, capsys):
    with django_db_blocker.unblock():
        linter = MigrationLinter(no_cache=True)
        ours = [
            migration
            for (app, _), migration in sorted(linter.migration_loader.disk_migrations.items())
            if app in OURS
        ]
        told = {}
        for migration in ours:
            linter.reset_counters()
            linter.lint_migration(migration)
            said = capsys.readouterr().out
            if linter.nb_erroneous or linter.nb_warnings:
                told[f"{migration.app_label}.{migration.name}"] = said
    assert len(ours) > 15
    assert {name: said for name, said in told.items() if name not in ACCEPTED} == {}
    assert set(ACCEPTED) == set(told), "what passes needs no reason any more"
