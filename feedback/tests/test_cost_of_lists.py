"""What reading a list costs: no more than its size, whatever it holds."""

from __future__ import annotations

import gzip
from contextlib import suppress

import pytest

from feedback.lists.anilist import read_anilist
from feedback.lists.mal import read_mal
from feedback.lists.reading import MOST_MEMBERS, MOST_UNPACKED, SHORT, is_short, read_list
from feedback.lists.rows import ListFileError
from feedback.lists.sheets import read_csv

HEAD, END = "<myanimelist><anime><series_title>Monster</series_title></anime>", "</myanimelist>"
SIZE = 3 << 20  # characters: the caches hold them, and what costs the square of them shows it


def many(piece: str, size: int) -> str:
    return piece * (size // len(piece))


def attributes(size: int) -> str:
    return "".join(f"a{number}='' " for number in range(size // 12))


TOKENS = {
    "tag": lambda n: f"{HEAD}<{many('a', n)}/>{END}",
    "end tag": lambda n: f"{HEAD}<a></{many('a', n)}>",
    "comment": lambda n: f"{HEAD}<!--{many('<', n)}-->{END}",
    "comment before": lambda n: f"<!--{many('a', n)}-->{HEAD}{END}",
    "comment behind": lambda n: f"{HEAD}{END}<!--{many('a', n)}-->",
    "instruction": lambda n: f"{HEAD}<?p {many('a', n)}?>{END}",
    "declaration": lambda n: f"<?xml version='1.0'{many(' ', n)}?>{HEAD}{END}",
    "attribute's value": lambda n: f"{HEAD}<a b='{many('>', n)}'/>{END}",
    "attributes": lambda n: f"{HEAD}<a {attributes(n)}/>{END}",
    "namespaces": lambda n: f"{HEAD}<a {attributes(n).replace('a', 'xmlns:a')}/>{END}",
    "spaces": lambda n: f"{HEAD}<a{many(' ', n)}/>{END}",
    "reference": lambda n: f"{HEAD}&{many('a', n)};{END}",
    "number": lambda n: f"{HEAD}&#{many('0', n)}65;{END}",
}
# What is long and yet no single token: it is read.
LONG = {
    "text": lambda n: f"{HEAD}{many('a', n)}{END}",
    "title": lambda n: f"<myanimelist><anime><series_title>M{many('&amp;', n)}</series_title></anime>{END}",
    "CDATA": lambda n: f"{HEAD}<![CDATA[{many('a]', n)}]]>{END}",
    "comments": lambda n: f"{HEAD}{many('<!-- -->', n)}{END}",
    "space behind": lambda n: f"{HEAD}{END}{many(' ', n)}",
    "titles": lambda n: f"title\n{many('a' * 1300 + chr(10), n)}",
    "strings": lambda n: f'[{{"idMal":1,"score":1}},"{many("a", n)}"]',
    "escapes": lambda n: f'[{{"idMal":1,"score":1}},"{many(chr(92) + "ud83d", n)}"]',
}
OTHERS = {
    "doctype": lambda n: f"<!DOCTYPE {many('a', n)}>{HEAD}{END}",
    "hidden doctype": lambda n: f"<!--<myanimelist--><!DOCTYPE a SYSTEM '{many('a', n)}'>{HEAD}{END}",
    "names": lambda n: HEAD + "".join(f"<a{number}/>" for number in range(n // 12)),
    "attributes of many": lambda n: HEAD + many(f"<a {attributes(4096)}/>", n) + END,
    "nested": lambda n: f"<myanimelist>{many('<a>', n)}",
    "field": lambda n: f"title\n{many('a', n)}",
    "columns": lambda n: f"title{many(',a', min(n, 4_000_000))}",
    "number in JSON": lambda n: f"[{many('1', n // 16)}]",
    "fraction": lambda n: f"[1.{many('1', n // 16)}]",
    "nested JSON": lambda n: many("[", n),
}


def cost(text: str) -> None:
    """Parse what is decoded already: how long copies take is a matter of the size of caches."""
    read = {"<": read_mal, "[": read_anilist}.get(text[0], read_csv)
    with suppress(ListFileError):
        read(text)


@pytest.mark.parametrize(
    "shape", [*TOKENS.values(), *LONG.values(), *OTHERS.values()], ids=[*TOKENS, *LONG, *OTHERS]
)
def test_twice_the_size_costs_twice_as_much(growth, shape):
    once, twice = shape(SIZE // 2), shape(SIZE)
    # Now and then a cache holds the one and not the other; what costs the square fails every time.
    assert any(growth(lambda: cost(once), lambda: cost(twice)) <= 2.5 for _ in range(3))


@pytest.mark.parametrize("shape", TOKENS.values(), ids=TOKENS)
def test_a_token_of_an_xml_file_that_goes_on_is_refused(shape):
    with pytest.raises(ListFileError, match="goes on for too long"):
        read_list(shape(200_000).encode())


@pytest.mark.parametrize("shape", LONG.values(), ids=LONG)
def test_what_is_long_in_other_ways_is_read(shape):
    assert read_list(shape(200_000).encode()).rows


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"{HEAD}<a {attributes(1000)}/>{END}", "more than 50 attributes"),
        (
            HEAD + "".join(f"<a{number}/>" for number in range(1001)) + "\n" * 70_000 + END,
            "more than 1000 names",
        ),
        (f"<!--<myanimelist--><!DOCTYPE a>{HEAD}{END}", "entities of its own"),
        (f"title{',a' * 1000}\n", "more than 1000 columns"),
    ],
)
def test_too_many_of_a_kind_are_refused(text, said):
    with pytest.raises(ListFileError, match=said):
        read_list(text.encode())


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_a_file_that_is_damaged_all_over_is_refused_and_one_flaw_is_not(encoding):
    mark, line = "".encode(encoding), "a".encode("utf-16-le" if encoding == "utf-16" else "utf-8")
    lost = b"\x00\xd8" if encoding == "utf-16" else b"\xff"
    rest = "\ntitle\nTrigun\n".encode("utf-16-le" if encoding == "utf-16" else "utf-8")
    assert read_list(mark + rest + line + lost).rows[0].titles == ("Trigun",)
    with pytest.raises(ListFileError, match="much of it is no text"):
        read_list(mark + rest + line + lost * 100_000)


def test_bytes_that_mean_nothing_cost_no_more_than_others(growth):
    once, twice = (b"title\n" + (b"\x81" * 1000 + b"\n") * lines for lines in (4000, 8000))
    assert any(growth(lambda: read_list(once), lambda: read_list(twice)) <= 2.5 for _ in range(3))
    assert read_list(once).rows[0].titles[0].startswith("\ufffd")


def test_gzip_files_that_are_strung_together_are_one():
    packed = gzip.compress(b"title\nTrigun\n", mtime=0) + gzip.compress(b"Monster\n", mtime=0)
    assert [row.title for row in read_list(packed + b"\0" * 100).rows] == ["Trigun", "Monster"]
    with pytest.raises(ListFileError, match="too many others"):
        read_list(packed + gzip.compress(b"", mtime=0) * MOST_MEMBERS)
    bomb = gzip.compress(b" " * (MOST_UNPACKED // 2 + 1), mtime=0)
    with pytest.raises(ListFileError, match="above 64 MB"):
        read_list(bomb * 2)


def test_the_parts_of_a_gzip_file_cost_twice_as_much_where_there_are_twice_as_many(growth):
    once, twice = (gzip.compress(b"title\n" + b"a" * 65_000, mtime=0) * parts for parts in (400, 800))
    assert any(growth(lambda: is_short(once), lambda: is_short(twice)) <= 2.5 for _ in range(3))


@pytest.mark.parametrize(
    ("data", "short"),
    [
        (b"title\n" + b"a\n" * 4000, True),
        (b"title\n" + b"a\n" * 6000, False),
        (b"title\n" + b"a" * SHORT, False),
        (HEAD.encode() + b"\n" * 20_000, True),
        (gzip.compress(b"title\n" + b"a" * 1000, mtime=0), True),
        (gzip.compress(b"title\n" + b"a" * SHORT, mtime=0), False),
        ("title\nああああ\n".encode() * 5000, False),
    ],
)
def test_only_what_is_read_quickly_is_read_at_once(data, short):
    assert is_short(data) is short
