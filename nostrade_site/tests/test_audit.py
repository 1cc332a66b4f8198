"""The audit of what is pinned: holes fail it, and what was not looked up is not passed off as well."""

import pytest

from nostrade_site.tests.audit import PINS, Audit

HOLE = {"id": "PYSEC-2026-1", "fix_versions": ["5.2.20"], "aliases": [], "description": ""}
WELL = {"name": "celery", "version": "5.7.0", "vulns": []}
HOLED = {"name": "django", "version": "5.2.19", "vulns": [HOLE]}
SKIPPED = {
    "name": "amqp",
    "skip_reason": "Dependency not found on PyPI and could not be audited: amqp (5.4.2)",
}


@pytest.mark.parametrize(
    ("packages", "said", "status", "offline"),
    [
        ([WELL], "No known holes in 1 packages.", 0, 0),
        ([WELL, HOLED], "django 5.2.19: PYSEC-2026-1, mended in 5.2.20", 1, 1),
        ([SKIPPED], "NOT AUDITED: 1 of 1 packages (amqp).", 2, 0),
        ([WELL, SKIPPED], "NOT AUDITED: 1 of 2 packages (amqp).", 2, 0),
        ([HOLED, SKIPPED], "NOT AUDITED", 1, 1),
        ([], "NOT AUDITED: 0 of 0", 2, 0),
    ],
)
def test_it_works(packages, said, status, offline) -> None:
    found = Audit.of({"dependencies": packages})
    assert said in found.told()
    assert (found.status(offline_ok=False), found.status(offline_ok=True)) == (status, offline)


def test_it_looks_at_what_is_installed() -> None:
    assert "django==" in PINS.read_text()
