"""Reading a list in a process of its own, within its time and memory."""

from __future__ import annotations

import gzip
from typing import Any

import pytest

from feedback.lists.apart import TOO_MUCH, ReadingStoppedError, read_apart
from feedback.lists.reading import MOST_UNPACKED
from feedback.lists.rows import ListFileError
from feedback.tests.test_cost_of_lists import END, OTHERS, TOKENS


def read(data: bytes) -> dict[str, Any]:
    return read_apart(data, lambda: True)


def test_it_reads_in_a_process_of_its_own():
    answer = read(gzip.compress("title,score\nÉmile,9\n".encode()))
    assert (answer["source"], answer["scale"], answer["rows"][0][:3]) == (
        "csv",
        "out of 10",
        [["Émile"], None, 9],
    )
    with pytest.raises(ListFileError, match="not a text") as refused:
        read(b"\x00\x01")
    assert refused.value.status == 400


@pytest.mark.parametrize("shape", ["tag", "attributes", "comment", "attributes of many", "names", "field"])
def test_the_largest_file_needs_little_memory(settings, shape):
    """A tag of 64 MB took 400 MB, one of as many attributes 1.5 GB."""
    settings.LIST_READ_MB = 400
    text = (TOKENS | OTHERS)[shape](MOST_UNPACKED - (8 << 20))
    with pytest.raises(ListFileError) as refused:
        read(gzip.compress(text.encode(), 1))
    assert refused.value.sentence != TOO_MUCH


def test_a_file_that_needs_more_memory_or_time_than_it_may_is_refused(settings):
    settings.LIST_READ_MB = 256
    with pytest.raises(ListFileError, match="more time or memory"):
        read(b"[" + b'{"a":1},' * 1_200_000 + b"{}]")
    settings.LIST_READ_MB, settings.LIST_READ_SECONDS = 1024, 1
    anime = "<anime><series_title>Monster</series_title><my_tags>" + "t," * 900 + "</my_tags></anime>"
    with pytest.raises(ListFileError, match="more time or memory"):
        read(gzip.compress(f"<myanimelist>{anime * 30_000}{END}".encode(), 1))


def test_what_is_not_wanted_any_more_is_not_read_on(monkeypatch):
    monkeypatch.setattr("feedback.lists.apart.PULSE", 0.05)
    with pytest.raises(ReadingStoppedError, match="not wanted"):
        read_apart(b"title\nTrigun\n", lambda: False)


def test_a_slow_reader_gets_the_whole_file(monkeypatch, settings):
    """`communicate` with a deadline and an input forgets the rest of the input."""
    monkeypatch.setattr("feedback.lists.apart.PULSE", 0.05)
    settings.LIST_READ_SECONDS = 5
    looks = []
    answer = read_apart(
        b"title\nTrigun\n" + b"\n" * 1_000_000 + b"Monster\n", lambda: looks.append(1) is None
    )
    assert [titles for titles, *_ in answer["rows"]] == [["Trigun"], ["Monster"]]
    assert looks
