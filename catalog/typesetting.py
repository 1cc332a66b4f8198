"""Setting a title in a narrow column without knowing the reader's font: widths are careful estimates."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache

COLUMN = 344
# Size of type, and how many lines of it fit; the first that holds the title wins.
SIZES = ((64, 1), (54, 2), (44, 3), (37, 3), (31, 4), (27, 5))
LEADING = 1.14
LONGEST = 200  # characters; not even the thinnest letters get that far in the smallest size
NARROW, WIDE = set("iljtfrI.,:;'!|()[] -’‘·°"), set("mwMWQO@%&—…ÄÖÜ★☆♥")


@dataclass(frozen=True)
class Block:
    """Lines of one size."""

    size: int
    lines: tuple[str, ...]

    def placed(self, bottom: int) -> list[tuple[int, str]]:
        """Return each line with its baseline, the last at `bottom`."""
        last = len(self.lines) - 1
        return [(round(bottom - (last - i) * self.size * LEADING), text) for i, text in enumerate(self.lines)]


def set_title(title: str) -> Block:
    """Return the title as large as it fits, in lines of similar length; an ellipsis ends what never fits."""
    title = title[:LONGEST]
    for size, most in SIZES:
        lines = _wrapped(title, COLUMN / size)
        if len(lines) <= most and (size == SIZES[-1][0] or _keeps_words(title, lines)):
            return Block(size, _balanced(title, COLUMN / size, lines))
    size, most = SIZES[-1]
    lines = _wrapped(title, COLUMN / size)[:most]
    return Block(size, (*lines[:-1], _shortened(lines[-1], COLUMN / size)))


def width_of(text: str) -> float:
    """Estimate the width in em of bold sans-serif type."""
    return sum(map(_char_width, text))


@cache
def _char_width(char: str) -> float:
    if unicodedata.combining(char):
        return 0
    if unicodedata.east_asian_width(char) in "WF":
        return 1.02
    if char in NARROW:
        return 0.36
    if char in WIDE:
        return 0.92
    return 0.72 if char.isupper() else 0.6


def _pieces(title: str) -> list[str]:
    """Cut where a line may end: after spaces, and between the characters of scripts without spaces."""
    pieces, word = [], ""
    for char in title:
        word += char
        if char == " " or unicodedata.east_asian_width(char) in "WF":
            pieces.append(word)
            word = ""
    return [*pieces, word] if word else pieces


def _wrapped(title: str, width: float) -> tuple[str, ...]:
    lines, line = [], ""
    for piece in _pieces(title):
        if line and width_of((line + piece).rstrip()) > width:
            lines.append(line)
            line = ""
        line += piece
        while width_of(line.rstrip()) > width:  # one word longer than the column
            cut = _fitting(line, width)
            lines.append(line[:cut])
            line = line[cut:]
    return tuple(text.strip() for text in (*lines, line) if text.strip())


def _fitting(line: str, width: float) -> int:
    """Return how many characters of `line` fit, at least one."""
    used = 0.0
    for i, char in enumerate(line):
        used += _char_width(char)
        if used > width:
            return max(i, 1)
    return len(line)


def _keeps_words(title: str, lines: tuple[str, ...]) -> bool:
    """Say whether every line ends where a line may end."""
    ends, at = {0}, 0
    for piece in _pieces(title):
        at += len("".join(piece.split()))
        ends.add(at)
    at = 0
    return all((at := at + len("".join(line.split()))) in ends for line in lines)


def _balanced(title: str, width: float, lines: tuple[str, ...]) -> tuple[str, ...]:
    """Narrow the column as far as the title needs no further line, so that no word is left alone."""
    whole = _keeps_words(title, lines)
    low, high = width * 0.3, width
    for _ in range(8):
        middle = (low + high) / 2
        tried = _wrapped(title, middle)
        fits = len(tried) <= len(lines) and (not whole or _keeps_words(title, tried))
        low, high = (low, middle) if fits else (middle, high)
    return _wrapped(title, high)


def _shortened(line: str, width: float) -> str:
    while line and width_of(line + "…") > width:
        line = line[:-1]
    return line.rstrip(" ,:;-") + "…"
