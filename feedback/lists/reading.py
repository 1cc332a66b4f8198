"""From an uploaded file to rows: unpacked within bounds, decoded, read by what it holds, not by its name."""

from __future__ import annotations

import re
import zlib
from codecs import charmap_decode, getincrementaldecoder
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from encodings.cp1252 import decoding_table

from feedback.lists.anilist import read_anilist
from feedback.lists.mal import read_mal
from feedback.lists.rows import ListFileError, Row
from feedback.lists.scores import Scale
from feedback.lists.sheets import read_csv
from feedback.models import ListImport

MOST_UNPACKED = 64 << 20  # bytes: 50,000 titles in MyAnimeList's wordy XML are 45 MB
AT_A_TIME = 1 << 16  # bytes
MOST_MEMBERS = 2000  # gzip files may be strung together; tools that pack in blocks make some hundred
MOST_LOST = 1000  # characters that cannot be decoded
GZIP, ZIP = b"\x1f\x8b", b"PK\x03\x04"
BYTE_ORDER_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
WITHOUT_MARK = {b"<\0": "utf-16-le", b"\0<": "utf-16-be"}
DECLARED = re.compile(rb'<\?xml[^>]{0,100}encoding=["\']([\w-]{1,20})')
# Only plain character sets: Python knows codecs that unpack or compute as well.
KNOWN = re.compile(
    r"utf-?8|us-ascii|iso-8859-(?:1[013-6]|[1-9])|windows-125[0-8]|shift_jis|euc-jp|gb18030", re.I
)
WESTERN = decoding_table.replace(
    "\ufffe", "\ufffd"
)  # what is no character there is shown as one that is lost
NOT_TEXT = re.compile(r"[\x00-\x08\x0e-\x1a]")
SHORT, SHORT_ROWS = 1 << 18, 5000  # bytes unpacked; what each of its rows has, objects of JSON more than one
ROW_MARKS = {b"<": b"<anime", b"{": b"{", b"[": b"{"}
LOOKED_AT = 4000  # characters at the beginning
EMPTY = "This file is empty. Choose the one that holds your list."
BLANK = "\ufeff \t\r\n"


@dataclass(frozen=True)
class ListFile:
    source: ListImport.Source
    rows: list[Row]
    scale: Scale


def read_list(data: bytes) -> ListFile:
    """Read a list in any of the formats. Raises ListFileError with a sentence where that is not possible.

    Costs time and memory in proportion to the size of the file unpacked, which is bounded.
    """
    text = decode(unpack(data)).lstrip(BLANK)
    if not text:
        raise ListFileError(EMPTY)
    if text.startswith("<"):
        source, (rows, scale) = ListImport.Source.MAL, read_mal(text)
    elif text.startswith(("{", "[")):
        source, (rows, scale) = ListImport.Source.ANILIST, read_anilist(text)
    else:
        source, (rows, scale) = ListImport.Source.CSV, read_csv(text)
    named = [row for row in rows if row.anime_id or row.titles]
    if not named:
        raise ListFileError("There are no titles in this list, so there is nothing to import.")
    return ListFile(source, named, scale)


def is_short(data: bytes) -> bool:
    """Say whether a file is read within a tenth of a second, whatever it holds.

    Raises ListFileError where a look is enough to see that it is no list. Of a packed file nothing is kept
    meanwhile, so that this, too, costs no more than a tenth of a second.
    """
    size, start = 0, bytearray()
    for piece in _pieces(data):
        start += piece[: SHORT - len(start)]
        size += len(piece)
    head = start[: 4 * LOOKED_AT]
    _checked(getincrementaldecoder(_encodings(head)[0])("replace").decode(head))
    first = bytes(start.lstrip(b"\xef\xbb\xbf \t\r\n")[:1])
    return size <= SHORT and start.count(ROW_MARKS.get(first, b"\n")) <= SHORT_ROWS


def unpack(data: bytes) -> bytearray:
    """Return the file, unpacked where it is compressed; a bomb is not unpacked further than the bound."""
    unpacked = bytearray()
    for piece in _pieces(data):
        unpacked += piece
    return unpacked


def _pieces(data: bytes) -> Iterator[bytes]:
    """Yield a file unpacked, up to the bound."""
    if data.startswith(ZIP):
        raise ListFileError("This is a zip archive: unpack it and upload the file inside.")
    size = 0
    for piece in _members(data) if data.startswith(GZIP) else [data]:
        size += len(piece)
        if size > MOST_UNPACKED:
            raise ListFileError(
                f"Unpacked, this file is above {MOST_UNPACKED >> 20} MB: split the list.", 413
            )
        yield piece


def _members(data: bytes) -> Iterator[bytes]:
    """Yield what the gzip files hold of which this one is strung together; what follows them says nothing."""
    at = members = 0
    while data.startswith(GZIP, at):
        members += 1
        if members > MOST_MEMBERS:
            raise ListFileError("This .gz file is made of too many others: pack the list as one.")
        unpacker = zlib.decompressobj(wbits=31)
        while not unpacker.eof:
            packed = data[at : at + AT_A_TIME]
            try:
                piece = unpacker.decompress(packed, 4 * AT_A_TIME)
            except zlib.error as error:
                raise ListFileError("This .gz file is damaged. Download it again and upload it.") from error
            if not packed and not piece:
                raise ListFileError("This .gz file breaks off. Download it again and upload all of it.")
            at += len(packed) - len(unpacker.unconsumed_tail) - len(unpacker.unused_data)
            yield piece


def decode(data: bytes | bytearray) -> str:
    """Return the text: by its mark, by what its XML declares, as UTF-8, or else as Western European."""
    encodings = _encodings(data)
    for encoding in encodings:
        with suppress(UnicodeDecodeError):
            return _checked(data.decode(encoding))
    is_marked = len(encodings) == 1
    return _checked(_leniently(data, encodings[0]) if is_marked else charmap_decode(data, None, WESTERN)[0])


def _encodings(data: bytes | bytearray) -> list[str]:
    """Return what a file may be encoded in, the likeliest first; one alone where it has a mark."""
    for mark, encoding in (BYTE_ORDER_MARKS | WITHOUT_MARK).items():
        if data.startswith(mark):
            return [encoding]
    declared = DECLARED.match(data)
    name = declared.group(1).decode() if declared else ""
    return [name, "utf-8"] if KNOWN.fullmatch(name) else ["utf-8", "utf-8"]


def _leniently(data: bytes | bytearray, encoding: str) -> str:
    """Return the text with a mark for each character that is lost: those cost much more than others."""
    decoder = getincrementaldecoder(encoding)("replace")
    parts, lost = [], 0
    for start in range(0, len(data), AT_A_TIME):
        parts.append(decoder.decode(data[start : start + AT_A_TIME]))
        lost += parts[-1].count("\ufffd")
        if lost > MOST_LOST:
            raise ListFileError(
                "This file is damaged: much of it is no text. Download it again and upload it."
            )
    return "".join([*parts, decoder.decode(b"", final=True)])


def _checked(text: str) -> str:
    if NOT_TEXT.search(text, 0, LOOKED_AT):
        raise ListFileError("This file is not a text, so it is no list. Choose an .xml, .json or .csv file.")
    return text
