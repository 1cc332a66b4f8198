"""Files made to harm, damaged, or no list at all: each is refused with a sentence."""

import gzip
import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback.lists.reading import MOST_UNPACKED, read_list
from feedback.lists.rows import MOST_ROWS, ListFileError

MAL = "<myanimelist><anime><series_title>Monster</series_title></anime></myanimelist>\n" + " " * 300


def refusal(data):
    with pytest.raises(ListFileError) as refused:
        read_list(data)
    return refused.value.sentence


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty"),
        (b"\x00\x01\x02\x03PNG", "not a text"),
        (b"PK\x03\x04....", "zip archive"),
        (b"\x1f\x8b\x08damaged", "damaged"),
        (gzip.compress(MAL.encode(), mtime=0)[:40], "breaks off"),
        (MAL.encode()[:40], "breaks off"),
        (b"<html><body>Log in</body></html>", "no list from MyAnimeList"),
        (b"<myanimelist><manga></manga></myanimelist>", "manga list"),
        (b"<myanimelist></myanimelist>", "no titles"),
        (b"<myanimelist>" + b"<a>" * 30, "nested too deeply"),
        (b"{broken", "breaks off or is damaged"),
        (b"<myanimelist><anime>", "This XML breaks off or is damaged (no element found)."),
        (b"[" * 100_000, "damaged"),
        (b'{"lists": []}', "no list that we know"),
        (b"just,some\nwords,here\n", "first line names the columns"),
        (b"title\n", "no titles"),
        (b'title\n"' + b"x" * 200_000 + b'"\n', "cannot be read"),
    ],
)
def test_it_rejects_what_is_no_list(data, said):
    assert said in refusal(data)


BILLION_LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol">'
    + "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "&lol;"}">' for n in range(10))
    + "]><myanimelist><anime><series_title>&l9;</series_title></anime></myanimelist>"
)
XXE = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><myanimelist>&x;</myanimelist>'


@pytest.mark.parametrize(
    "text", [BILLION_LAUGHS, XXE, '<!DOCTYPE a SYSTEM "http://x.example/a.dtd"><myanimelist/>']
)
def test_it_rejects_entities(text):
    assert "entities of its own" in refusal(text.encode())


def test_it_rejects_a_decompression_bomb():
    bomb = gzip.compress(b" " * (MOST_UNPACKED + 1000), compresslevel=1, mtime=0)
    assert len(bomb) < 1 << 20
    assert "above 64 MB" in refusal(bomb)


@pytest.mark.parametrize(
    "bomb",
    [
        b"<myanimelist>" + b"<a/>" * 2_600_000,
        b"<myanimelist>" + b"\n" * 10_000_000,
        b"[" + b"[]," * 2_000_000 + b"[]]",
        b"title" + b"," * 2_600_000,
    ],
    ids=["elements", "lines", "json", "csv"],
)
def test_it_rejects_ten_megabytes_of_nothing(bomb):
    assert "holds too much" in refusal(bomb)


@pytest.mark.parametrize("start", ["title\n", "<myanimelist>", "["])
def test_it_rejects_more_rows_than_it_takes(start):
    row, end = {
        "title\n": ("Monster\n", ""),
        "<myanimelist>": ("<anime><series_title>Monster</series_title></anime>", "</myanimelist>"),
        "[": ('{"idMal":1,"score":1},', '{"idMal":1,"score":1}]'),
    }[start]
    assert f"more than {MOST_ROWS:,} titles" in refusal((start + row * (MOST_ROWS + 1) + end).encode())


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused_with_a_sentence(data):
    with suppress(ListFileError):
        assert read_list(data).rows


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["media", "idMal", "title", "score", "status", "completedAt", "updatedAt", "entries"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(json_values)
def test_any_json_is_read_or_refused(value):
    with suppress(ListFileError):
        read_list(json.dumps(value).encode())


cells = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@given(st.lists(st.tuples(cells, cells, cells, cells, cells), max_size=6))
def test_any_table_is_read_or_refused(table):
    text = "anime_id,score,status,date,saved\n" + "\n".join(",".join(line) for line in table)
    with suppress(ListFileError):
        assert all(row.anime_id for row in read_list(text.encode()).rows)


@given(
    st.dictionaries(
        st.sampled_from(["series_animedb_id", "series_title", "my_score", "my_status", "my_tags"]), cells
    )
)
def test_any_xml_fields_are_read_or_refused(fields):
    inner = "".join(f"<{name}><![CDATA[{value}]]></{name}>" for name, value in fields.items())
    with suppress(ListFileError):
        read_list(f"<myanimelist><anime>{inner}</anime></myanimelist>".encode())
