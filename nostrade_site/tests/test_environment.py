"""Settings from the environment: nonsense is refused with a sentence, and defaults work."""

import ast
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from django.core.exceptions import ImproperlyConfigured

from nostrade_site import environment

ROOT = Path(__file__).resolve().parents[2]


def manage(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run manage.py as production does: with the real settings."""
    inherited = {
        name: os.environ[name] for name in ("PATH", "HOME", "NOSTRADE_DATA_DIR") if name in os.environ
    }
    return subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=ROOT,
        env=inherited | variables,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("DATABASE_URL", "postgress://u:p@host/db", "DATABASE_URL must look like postgres://"),
        ("DATABASE_URL", "nonsense", "DATABASE_URL must look like postgres://"),
        ("DATABASE_URL", "postgres://host:port/db", "DATABASE_URL cannot be read"),
        ("DATABASE_URL", "postgres://host:5432", "DATABASE_URL names no database"),
        ("REDIS_URL", "localhost:6379", "REDIS_URL must look like redis://"),
        ("REDIS_URL", "redis://host:notaport/0", "REDIS_URL must look like redis://"),
        ("REDIS_URL", "redis://host:6379/first", "REDIS_URL must look like redis://"),
        ("EMAIL_URL", "gopher://host", "EMAIL_URL must look like"),
        ("DEBUG", "maybe", "DEBUG=maybe is neither yes nor no"),
        ("PORT", "eighty", "PORT=eighty must be a number"),
        ("HOST", "[::1]:8000", "HOST=[::1]:8000 must be an address such as"),
        ("ALLOWED_HOSTS", "https://anime.example", "ALLOWED_HOSTS: https://anime.example is no host name"),
        ("SITE_URL", "anime.example", "SITE_URL=anime.example must look like https://anime.example"),
        ("SITE_URL", "https://anime.example/path", "SITE_URL=https://anime.example/path must look like"),
        ("NOSTRADE_DATA_DIR", tempfile.gettempdir(), "is one that everybody uses"),
        ("PORT", "80.5", "PORT=80.5 must be a whole number"),
        ("CHECKPOINT_POLL_SECONDS", "nan", "CHECKPOINT_POLL_SECONDS=nan must be a number"),
        ("API_READ_RATE", "lots", "API_READ_RATE=lots must look like"),
        ("GUEST_RATE", "20 an hour", "GUEST_RATE=20 an hour must look like 20/h/ip"),
        ("LOG_LEVEL", "loud", "LOG_LEVEL=LOUD must be"),
        ("CHECKPOINT_STORAGE", "/mnt/models", "CHECKPOINT_STORAGE=/mnt/models must look like s3://"),
        ("NOSTRADE_DATA_DIR", "/dev/null/data", "/dev/null/data cannot be written"),
    ],
)
def test_it_rejects_nonsense_with_one_sentence(name, value, sentence):
    outcome = manage("check", **{name: value})
    assert outcome.returncode == 1
    assert outcome.stderr.startswith("nostrade: ")
    assert sentence in outcome.stderr
    assert "Traceback" not in outcome.stderr
    assert len(outcome.stderr.splitlines()) == 1


def test_a_password_of_the_database_stays_out_of_the_message():
    outcome = manage("check", DATABASE_URL="mysql://root:secret@host/db")
    assert outcome.returncode == 1
    assert "secret" not in outcome.stderr


def test_production_settings_pass_djangos_own_check():
    set_up = {"HTTPS": "1", "BEHIND_PROXY": "1", "ALLOWED_HOSTS": "anime.example"}
    set_up |= {"SITE_URL": "https://anime.example"}
    set_up |= {"EMAIL_URL": "smtp+tls://user:password@mail.example:587", "METRICS_TOKEN": "0123456789abcdef"}
    outcome = manage("check", "--deploy", "--fail-level", "WARNING", **set_up)
    assert outcome.returncode == 0, outcome.stderr


def test_models_and_migrations_agree():
    outcome = manage("makemigrations", "--check", "--dry-run")
    assert outcome.returncode == 0, outcome.stdout


def test_debug_mode_serves_static_files_as_they_are():
    code = "from django.conf import settings as s; print(s.STORAGES['staticfiles']['BACKEND'])"
    outcome = manage("shell", "--no-imports", "-c", code, DEBUG="1")
    assert outcome.stdout.strip() == "django.contrib.staticfiles.storage.StaticFilesStorage"


def test_the_secret_key_is_made_once_and_private(tmp_path):
    key = environment.secret_key(tmp_path)
    assert len(key) >= 50
    assert environment.secret_key(tmp_path) == key
    assert (tmp_path / "secret_key").stat().st_mode & 0o077 == 0
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]


def test_an_empty_secret_key_file_is_refused(tmp_path, monkeypatch):
    monkeypatch.delenv("SECRET_KEY", raising=False)
    (tmp_path / "secret_key").touch()
    with pytest.raises(ImproperlyConfigured, match="is empty: delete it"):
        environment.secret_key(tmp_path)


@pytest.mark.parametrize(
    ("url", "cache"),
    [("redis://host:6379", "redis://host:6379/1"), ("rediss://:pw@host:6380/3", "rediss://:pw@host:6380/4")],
)
def test_the_cache_lives_beside_the_queue(monkeypatch, url, cache):
    monkeypatch.setenv("REDIS_URL", url)
    assert environment.redis_url() == url
    assert environment.next_database(url) == cache


def test_a_postgres_address_is_read_whole(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgres://user:p%40ss@db.example:5433/nostrade")
    config = environment.database(default=Path("unused"))
    assert config["ENGINE"] == "django.db.backends.postgresql"
    parts = [config[key] for key in ("USER", "PASSWORD", "HOST", "PORT", "NAME")]
    assert parts == ["user", "p@ss", "db.example", 5433, "nostrade"]


@pytest.mark.parametrize("url", ["postgres://user@host/nostrade", "sqlite:///nostrade.sqlite3"])
def test_connections_are_kept_for_the_next_request(monkeypatch, url):
    monkeypatch.setenv("DATABASE_URL", url)
    assert environment.database(default=Path("unused"))["CONN_MAX_AGE"] == 60
    monkeypatch.setenv("CONN_MAX_AGE", "0")
    assert environment.database(default=Path("unused"))["CONN_MAX_AGE"] == 0


def test_a_deep_data_folder_moves_the_socket_where_it_fits(tmp_path):
    deep = tmp_path / ("x" * 100)
    socket = environment.embedded_socket(deep)
    assert len(os.fsencode(socket)) < 100
    assert socket == environment.embedded_socket(deep)
    assert socket != environment.embedded_socket(tmp_path / ("y" * 100))


def test_each_setting_is_set_in_one_file():
    """Else it would depend on the order of the files which one counts."""
    files = {path.stem for path in (ROOT / "nostrade_site/settings").glob("*.py")} - {"__init__"}
    homes: dict[str, list[str]] = {}
    for file in sorted(files):
        tree = ast.parse((ROOT / f"nostrade_site/settings/{file}.py").read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                homes.setdefault(node.id, []).append(file)
    assert {name: where for name, where in homes.items() if len(set(where)) > 1} == {}
    assert {"DEBUG", "DATABASES", "LOGGING", "REST_FRAMEWORK"} <= homes.keys()


def test_operators_are_told_of_every_variable_that_is_read():
    """The table in docs/deployment.md names them all, and no other."""
    sources = [*(ROOT / "nostrade_site/settings").glob("*.py"), ROOT / "nostrade_site/environment.py"]
    read = {name for path in [*sources, ROOT / "nostrade_site/gunicorn.py"] for name in variables_in(path)}
    assert told() == read


def test_containers_are_given_every_variable_but_what_the_image_decides():
    decided = {"HOST", "PORT", "NOSTRADE_DATA_DIR", "CHECKPOINT_DIR", "STATIC_ROOT", "DEBUG"}
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    for name in ("prepare", "web", "worker", "beat"):
        given = services[name]["environment"].keys() - {"OMP_NUM_THREADS"}
        assert given == told() - decided - {"WORKER_MEMORY_MB"}, name
    assert services["trainer"]["environment"].keys() == told() - decided


def told() -> set[str]:
    table = (ROOT / "docs/deployment.md").read_text().partition("| variable |")[2].partition("\n\n")[0]
    return {name for row in table.splitlines()[2:] for name in re.findall("[A-Z_]{4,}", row.split("|")[1])}


def variables_in(path: Path) -> Iterator[str]:
    """Yield the names of variables that a file reads, by whichever function."""
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call) or not node.args or not isinstance(node.args[0], ast.Constant):
            continue
        is_read = ast.unparse(node.func) != "os.environ.setdefault"
        if is_read and re.fullmatch("[A-Z_]+", name := str(node.args[0].value)):
            yield name


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("", "127.0.0.1"),
        ("0.0.0.0", "0.0.0.0"),  # noqa: S104
        ("::1", "::1"),
        ("[::1]", "::1"),
        ("0:0:0:0:0:0:0:1", "::1"),
        ("::", "::"),
        ("fe80::1%eth0", "fe80::1%eth0"),
        ("anime.example", "anime.example"),
    ],
)
def test_addresses_may_be_written_as_people_write_them(written: str, read: str, monkeypatch) -> None:
    monkeypatch.setenv("HOST", written)
    assert environment.address("HOST", default="127.0.0.1") == read


def test_an_ipv6_address_is_allowed_as_browsers_send_it(monkeypatch) -> None:
    monkeypatch.setenv("ALLOWED_HOSTS", "2001:DB8:0::1, [2001:db8::2],anime.example,.sea.example,192.0.2.1")
    names = ["[2001:db8::1]", "[2001:db8::2]", "anime.example", ".sea.example", "192.0.2.1"]
    assert environment.hosts("ALLOWED_HOSTS") == names


@pytest.mark.parametrize(
    ("given", "origin"),
    [
        ({}, "http://localhost:8000"),
        ({"SITE_URL": "https://Anime.example/"}, "https://anime.example"),
        ({"ALLOWED_HOSTS": ".sea.example,anime.example"}, "http://anime.example:8000"),
        ({"ALLOWED_HOSTS": "2001:db8::1"}, "http://[2001:db8::1]:8000"),
        ({"ALLOWED_HOSTS": "anime.example", "HTTPS": "1"}, "https://anime.example"),
        ({"ALLOWED_HOSTS": "*"}, "http://localhost:8000"),
    ],
)
def test_links_begin_with_what_is_configured(given: dict[str, str], origin: str, monkeypatch) -> None:
    monkeypatch.delenv("SITE_URL", raising=False)
    monkeypatch.delenv("ALLOWED_HOSTS", raising=False)
    for name in given:
        monkeypatch.setenv(name, given[name])
    named = environment.hosts("ALLOWED_HOSTS")
    assert environment.origin("SITE_URL", hosts=named, port=8000, https="HTTPS" in given) == origin


def test_what_is_written_is_for_its_owner_alone(tmp_path: Path) -> None:
    """Also in a folder that was there before, and whatever umask the programs were started with."""
    folder, static = tmp_path / "var", tmp_path / "static"
    folder.mkdir()
    folder.chmod(0o755)
    set_up = {"NOSTRADE_DATA_DIR": str(folder), "STATIC_ROOT": str(static)}
    before = os.umask(0o022)
    try:
        outcome = manage("prepare", **set_up)
        again = manage("backup", str(tmp_path / "site.tar"), **set_up)
    finally:
        os.umask(before)
    assert outcome.returncode == 0, outcome.stderr
    assert f"others could read {folder}; now only its owner can" in outcome.stderr
    assert "could read" not in again.stderr
    written = [folder, *folder.rglob("*"), tmp_path / "site.tar"]
    assert len(written) > 5
    assert [str(path) for path in written if path.lstat().st_mode & 0o077] == []
    served = [static, *static.rglob("*")]
    assert any(path.suffix == ".gz" for path in served)
    assert [path for path in served if not path.stat().st_mode & 0o004 and path.name != ".collected"] == []
