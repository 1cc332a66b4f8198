"""How titles are compared: without case, accents and punctuation. And how text is safe in a spreadsheet."""

import re
import unicodedata

_NOT_WORD = re.compile(r"[\W_]+")
# Letters that Unicode does not take apart into a plain letter and a mark.
_PLAIN = str.maketrans(
    {"ø": "o", "đ": "d", "ð": "d", "ł": "l", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th", "×": "x"}
)

# Four times the longest name: a syllable of Hangul becomes three letters, and a rare ligature 18.
MOST_FOLDED = 4 * 255

# A spreadsheet takes a cell that begins so for a formula, and runs it.
FORMULAS = ("=", "+", "-", "@", "\t", "\r")


def fold(text: str) -> str:
    """Return `text` lower-cased, without accents, with single spaces for everything between words."""
    decomposed = unicodedata.normalize("NFKD", text.casefold().translate(_PLAIN))[:MOST_FOLDED]
    plain = "".join(char for char in decomposed if not unicodedata.combining(char))
    return _NOT_WORD.sub(" ", plain).strip()


def harmless(cell: str) -> str:
    """Put an apostrophe before what a spreadsheet would run."""
    return f"'{cell}" if cell.startswith(FORMULAS) else cell


def without_apostrophe(cell: str) -> str:
    """Undo `harmless`."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(FORMULAS) else cell


def as_id(text: str) -> int | None:
    """Read the number of a row as a form sends it; what is none names nothing."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 9 else None
