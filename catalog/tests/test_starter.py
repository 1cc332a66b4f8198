import csv
import io
import lzma
import subprocess
import sys
from pathlib import Path

import pytest

STARTER = Path(__file__).parents[1] / "starter"
HEADER = "anime_id,Name,Score,Genres,Type,Episodes,Members\n"


def build(source, target):
    command = [sys.executable, STARTER / "build.py", source, target]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "processed_anime.csv"
    path.write_text(
        f'{HEADER}48,Sign,6.98,"Game, Sci-Fi, Game",TV,26,158227\n'
        "7,Tiger  &amp; \u200bBunny;,Unknown,Unknown,Unknown,Unknown,1\n"
    )
    return path


def test_it_cleans_and_gives_the_same_bytes_twice(source, tmp_path):
    one, two = tmp_path / "1.xz", tmp_path / "2.xz"
    assert (build(source, one).returncode, build(source, two).returncode) == (0, 0)
    assert one.read_bytes() == two.read_bytes()
    rows = list(csv.reader(io.StringIO(lzma.decompress(one.read_bytes()).decode())))
    assert rows == [
        ["anime_id", "name", "genre", "type", "episodes", "rating", "members"],
        ["7", "Tiger & Bunny", "", "", "", "", "1"],
        ["48", ".hack//Sign", "Game, Sci-Fi", "TV", "26", "6.98", "158227"],
    ]


def test_it_rejects_another_file(tmp_path):
    other = tmp_path / "other.csv"
    other.write_text("a,b\n1,2\n")
    result = build(other, tmp_path / "x.xz")
    assert result.returncode != 0
    assert "should begin with anime_id,Name" in result.stderr
    assert not (tmp_path / "x.xz").exists()
