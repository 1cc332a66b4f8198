"""Series: what seasons, films and specials of one show have in common, so that a page is not all one show."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from catalog.text import fold

# Cards between two of one series, and how far below the better-ranked one a card may be fetched from.
GAP = 10
LOOKAHEAD = 20

_SUBTITLE = re.compile(r"[:(\[]| - |~")
# A number, a roman numeral or words such as "2nd Season", "the Movie" at the end of a folded title.
_INSTALMENT = re.compile(
    r"""(\ (the\ )?(
        \d+ | \d+(st|nd|rd|th)?\ ?(season|part) | (season|part)\ \d+ | (first|second|third|final)\ season
        | ii+ | iv | vi* | r2 | s\d | ova | ona | tv | movie | specials?
    ))+$""",
    re.VERBOSE,
)


def series_name(name: str) -> str:
    """Guess the series from a title: "Sword Art Online II" and "Sword Art Online: Ordinal Scale" are one."""
    folded = fold(name)
    stem = _INSTALMENT.sub("", fold(_SUBTITLE.split(name, maxsplit=1)[0]))
    return stem if len(stem) >= 4 else folded  # "K" and "91 Days" say too little once cut


def series_of(titles: Iterable[tuple[int, str, int | None]]) -> dict[int, str]:
    """Name the series of each title, given with its name and franchise: that, or a guess by the name."""
    return {pk: f"#{franchise}" if franchise else series_name(name) for pk, name, franchise in titles}


def spread(anime_ids: Iterable[int], series: Mapping[int, str]) -> Iterator[int]:
    """Yield the titles in about their order, with `GAP` others between two of one series where there are any.

    Each place takes the best of the next `LOOKAHEAD` titles that may stand there, so the first n places
    depend on the first n + LOOKAHEAD alone: a longer list begins with the shorter one.
    """
    coming = iter(anime_ids)
    window: list[int] = []
    latest: list[str] = []
    while True:
        window += islice(coming, LOOKAHEAD - len(window))
        if not window:
            return
        place = next((i for i, anime_id in enumerate(window) if series.get(anime_id) not in latest), 0)
        chosen = window.pop(place)
        latest = [*latest, series.get(chosen, "")][-GAP:]
        yield chosen
