"""Whatever a catalogue file holds: it is read line by line, or refused as a whole with a sentence."""

import gzip
import json
import lzma
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog import reading
from catalog.importing import import_items
from catalog.models import Item
from catalog.reading import FileProblem
from catalog.tests.factories import ItemFactory

READERS = {
    "items": reading.ITEM_COLUMNS,
    "metadata": ("anime_id", "year"),
    "posters": ("anime_id", "poster_url"),
    "synopses": ("anime_id", "synopsis"),
}
few = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
ids = st.sampled_from(["1", "2", "3", "4"])
cells = st.text(max_size=12) | st.sampled_from(
    [
        "9" * 30,
        "-1",
        "1e400",
        "nan",
        "1.5",
        "TV",
        "\0",
        "&#0;",
        "&#xD800;",
        "\ud800",
        "a" * 400,
        "Action, Drama",
    ]
)


@few
@given(st.binary(max_size=300), st.sampled_from([".csv", ".csv.xz", ".csv.gz", ".json"]))
def test_any_bytes(tmp_path, data, suffix):
    path = tmp_path / f"file{suffix}"
    path.write_bytes(data)
    for kind in (*READERS, "franchises"):
        with suppress(FileProblem):
            list(getattr(reading, f"read_{kind}")(path))


@pytest.mark.django_db
@settings(few, max_examples=25)
@given(st.sampled_from(sorted(READERS)), st.lists(st.tuples(ids | cells, *[cells] * 6), max_size=6))
def test_any_table_goes_into_the_database_or_is_rejected(tmp_path, kind, table):
    columns = READERS[kind]
    rows = [dict(zip(columns, line, strict=False)) for line in table]
    text = ",".join(columns) + "\n"
    for row in rows:
        text += ",".join('"' + cell.replace('"', '""') + '"' for cell in row.values()) + "\n"
    path = tmp_path / "file.csv"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    Item.objects.filter(pk=1).exists() or ItemFactory(anime_id=1)
    with suppress(FileProblem):
        report = import_items({kind: path})
        assert report.created + report.updated + report.unchanged + len(report.rejected) <= len(rows)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["name", "anime_ids", "x"]), inner, max_size=3)
    ),
    max_leaves=12,
)


@pytest.mark.django_db
@few
@given(
    json_values | st.lists(st.fixed_dictionaries({"name": st.text(), "anime_ids": st.lists(st.integers())}))
)
def test_any_franchises(tmp_path, value):
    path = tmp_path / "file.json"
    path.write_text(json.dumps(value))
    with suppress(FileProblem):
        import_items({"franchises": path})


@pytest.mark.parametrize(
    ("suffix", "pack"),
    [("", bytes), (".xz", lzma.compress), (".gz", gzip.compress)],
    ids=["plain", "xz", "gz"],
)
def test_a_bomb_is_not_unpacked(tmp_path, monkeypatch, suffix, pack):
    """A few hundred bytes that would become megabytes are given up at the limit."""
    monkeypatch.setattr(reading, "MOST_UNPACKED", 1 << 20)
    path = tmp_path / f"anime.csv{suffix}"
    path.write_bytes(pack(b" " * ((1 << 20) + 1)))
    assert not suffix or path.stat().st_size < 2_000
    with pytest.raises(FileProblem, match="holds more than 1 MB"):
        list(reading.read_items(path))
    path.write_bytes(pack(b" " * (1 << 20)))
    with pytest.raises(FileProblem, match="is empty"):
        list(reading.read_items(path))
