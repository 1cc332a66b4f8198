"""Whatever a checkpoint's files or a file of ratings hold: they are read, or refused with a sentence.

Here and not beside `ml`, whose own environment has no Hypothesis.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import struct
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ml.checkpoint import ID_MAP, MANIFEST, WEIGHTS, Checkpoint, CheckpointError, version_of
from ml.content import read_items
from ml.ratings import DataError, read_ratings

few = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def whole(trained: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "it"
    shutil.copytree(trained["first"], folder)
    return folder


def load(path: Path) -> Checkpoint | None:
    try:
        return Checkpoint.load(path)
    except CheckpointError:
        return None


def spoilt(whole: Path, **contents: bytes) -> Path:
    """Return the checkpoint with other files; the sums fit, as they would where somebody made it up."""
    path = whole.with_name("spoilt")
    shutil.rmtree(path, ignore_errors=True)
    shutil.copytree(whole, path)
    for name, content in contents.items():
        (path / {"weights": WEIGHTS, "manifest": MANIFEST, "ids": ID_MAP}[name]).write_bytes(content)
    return path


def fitting(path: Path) -> Path:
    """Make the manifest's checksum of the weights true."""
    with suppress(ValueError, TypeError, AttributeError):
        manifest = json.loads((path / MANIFEST).read_text())
        manifest["weights_sha256"] = hashlib.sha256((path / WEIGHTS).read_bytes()).hexdigest()
        (path / MANIFEST).write_text(json.dumps(manifest))
    return path


@few
@given(st.sampled_from(["weights", "manifest", "ids"]), st.binary(max_size=200))
def test_any_bytes_for_a_file(whole: Path, name: str, data: bytes) -> None:
    assert load(fitting(spoilt(whole, **{name: data}))) is None


@settings(few, max_examples=50)
@given(st.data())
def test_any_entry_of_the_manifest(whole: Path, data) -> None:
    manifest = json.loads((whole / MANIFEST).read_text())
    for _ in range(data.draw(st.integers(1, 2))):
        part = data.draw(st.sampled_from([manifest, manifest["config"], manifest["mix"]]))
        if isinstance(part, dict) and part:
            part[data.draw(st.sampled_from(sorted(part)))] = data.draw(values)
        if not all(isinstance(manifest[name], dict) for name in ("config", "mix")):
            break
    load(spoilt(whole, manifest=json.dumps(manifest).encode()))


@few
@given(st.lists(values, max_size=62) | values | st.lists(st.integers(), min_size=62, max_size=62))
def test_any_ids(whole: Path, ids) -> None:
    load(spoilt(whole, ids=json.dumps(ids).encode()))


@settings(few, max_examples=50)
@given(st.data())
def test_any_header_of_the_weights(whole: Path, data) -> None:
    """Shapes, kinds and places of tensors that somebody made up."""
    blob = (whole / WEIGHTS).read_bytes()
    length = struct.unpack("<Q", blob[:8])[0]
    header, body = json.loads(blob[8 : 8 + length]), blob[8 + length :]
    tensor = header[data.draw(st.sampled_from(sorted(set(header) - {"__metadata__"})))]
    entry = data.draw(st.sampled_from(["dtype", "shape", "data_offsets"]))
    kinds = {
        "dtype": st.sampled_from(["F16", "F32", "F64", "I64", "BOOL", "BF16", "F8_E4M3", "U8"]) | values,
        "shape": st.lists(st.integers(0, 2**63), max_size=3) | values,
        "data_offsets": st.lists(st.integers(0, len(body)), min_size=2, max_size=2) | values,
    }
    tensor[entry] = data.draw(kinds[entry])
    text = json.dumps(header).encode()
    load(fitting(spoilt(whole, weights=struct.pack("<Q", len(text)) + text + body)))


@pytest.mark.parametrize("ids", ["[Infinity]", "[NaN]", "[1e999]", "[" * 100_000, "[" + "9" * 5000 + "]"])
def test_numbers_without_end(whole: Path, ids: str) -> None:
    assert load(spoilt(whole, ids=ids.encode())) is None


ODD = [
    "1",
    "2",
    "7",
    "-1",
    "8.5",
    "1e400",
    "nan",
    "inf",
    "love",
    "watched",
    "2020-01-01",
    "2020-13-41",
    "999999999999-01-01",
    "0000-00-00",
]
cells = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from([*ODD, "9" * 30, ""])


@few
@given(st.binary(max_size=200))
def test_any_bytes_for_ratings_and_items(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(data)
    for read in (read_ratings, read_items):
        with suppress(DataError):
            read(path)


@settings(few, max_examples=50)
@given(
    st.lists(
        st.sampled_from(["user_id", "anime_id", "rating", "feedback", "timestamp"]), min_size=2, max_size=5
    ),
    st.lists(st.tuples(cells, cells, cells, cells, cells), max_size=4),
)
def test_any_table_of_ratings(tmp_path: Path, columns: list[str], table) -> None:
    path = tmp_path / "file.csv"
    lines = [columns, *(["1", "2", *line][-len(columns) :] for line in table)]
    path.write_text("\n".join(",".join(f'"{c}"' for c in line) for line in lines) + "\n", encoding="utf-8")
    with suppress(DataError):
        assert len(read_ratings(path)) <= len(table)


@few
@given(st.lists(st.tuples(cells, cells, cells, cells), max_size=4))
def test_any_table_of_items(tmp_path: Path, table) -> None:
    path = tmp_path / "file.csv"
    lines = [("anime_id", "name", "genre", "year"), *table]
    path.write_text("\n".join(",".join(f'"{c}"' for c in line) for line in lines) + "\n", encoding="utf-8")
    with suppress(DataError):
        read_items(path)


def test_a_changed_id_alone_is_noticed(whole: Path) -> None:
    """The version is a sum of everything: what fits itself and not the version is not the version."""
    manifest = json.loads((whole / MANIFEST).read_text())
    loaded = Checkpoint.load(whole)
    sums = (manifest["weights_sha256"], loaded.id_map, loaded.config, loaded.mix)
    assert version_of(*sums) == manifest["version"]
    ids = json.loads((whole / ID_MAP).read_text())
    ids[0] = 10_000
    assert load(spoilt(whole, ids=json.dumps(ids).encode())) is None
