"""Whatever a backup's file holds: it is the backup that was written, or it is refused with a sentence."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nostrade_site import archives
from nostrade_site.archives import ArchiveError

FILES = {"database.sqlite3": b"a database" * 90, "checkpoints/first/checkpoint.json": b'{"a": 1}'}
few = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def read(data: bytes) -> dict[str, bytes] | None:
    """Return the files of an archive, or None where it is refused. Nothing may lie outside the folder."""
    with tempfile.TemporaryDirectory() as name:
        path, folder = Path(name) / "site.tar", Path(name) / "into"
        path.write_bytes(data)
        folder.mkdir()
        try:
            with archives.opened(path) as (manifest, archive):
                assert manifest.needs >= 0
                archives.unpack(archive, manifest, folder)
        except ArchiveError:
            return None
        finally:
            assert sorted(file.name for file in Path(name).iterdir()) == ["into", "site.tar"]
        found = [file for file in folder.rglob("*") if file.is_file()]
        return {str(file.relative_to(folder)): file.read_bytes() for file in found}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("whole")
    sources = {}
    for number, (name, content) in enumerate(FILES.items()):
        sources[name] = folder / str(number)
        sources[name].write_bytes(content)
    archives.write(folder / "site.tar", sources, made="now", vendor="sqlite", migrations=["feedback.0001"])
    return (folder / "site.tar").read_bytes()


def test_it_works(whole: bytes) -> None:
    assert read(whole) == FILES


@few
@given(st.binary(max_size=600))
def test_any_bytes(data: bytes) -> None:
    assert read(data) in (None, {})


@settings(few, max_examples=60)
@given(st.data())
def test_any_change_is_noticed_or_harmless(whole: bytes, data) -> None:
    """Bytes are changed where they hurt: headers, the manifest, and what comes behind."""
    changed = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(whole) - 1) | st.integers(0, 2_000))
        changed[place : place + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=12))
    assert read(bytes(changed)) in (None, FILES)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
digest = hashlib.sha256(b"mine").hexdigest()
told = st.fixed_dictionaries(
    {},
    optional={
        "nostrade": st.just(1) | values,
        "made": st.text(max_size=5) | values,
        "vendor": st.just("sqlite") | values,
        "migrations": st.lists(st.text(max_size=5)) | values,
        "files": st.dictionaries(
            st.sampled_from(["secret_key", "database.sqlite3", "../x", "/x", "checkpoints/../x/y"]),
            st.fixed_dictionaries({"bytes": st.just(4) | values, "sha256": st.just(digest) | values})
            | values,
            max_size=2,
        )
        | values,
        "more": values,
    },
)


@settings(few, max_examples=60)
@given(told)
def test_any_manifest(manifest: dict) -> None:
    text = json.dumps(manifest).encode()
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name, content in {"manifest.json": text, "secret_key": b"mine"}.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    assert read(file.getvalue()) in (None, {"secret_key": b"mine"})


ENDLESS = (
    b'{"nostrade": 1, "made": "", "vendor": "", "migrations": [], "files": {"secret_key": {"bytes": 1e999, '
)


@pytest.mark.parametrize(
    "text", [b"[" * 100_000, ENDLESS + b'"sha256": "x"}}}', b'{"nostrade": 1e999}', b"\xff", b"null"]
)
def test_a_manifest_made_to_harm(text: bytes) -> None:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        member = tarfile.TarInfo("manifest.json")
        member.size = len(text)
        archive.addfile(member, io.BytesIO(text))
    assert read(file.getvalue()) is None
