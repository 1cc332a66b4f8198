"""From an uploaded file to rows: unpacked within bounds, decoded, read by what it holds, not by its name."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass

from feedback.lists.anilist import read_anilist
from feedback.lists.mal import read_mal
from feedback.lists.rows import ListFileError, Row
from feedback.lists.scores import Scale
from feedback.lists.sheets import read_csv
from feedback.models import ListImport

MOST_UNPACKED = 64 << 20  # bytes: 50,000 titles in MyAnimeList's wordy XML are 45 MB
GZIP, ZIP = b"\x1f\x8b", b"PK\x03\x04"
BYTE_ORDER_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
WITHOUT_MARK = {b"<\0": "utf-16-le", b"\0<": "utf-16-be"}
DECLARED = re.compile(rb'<\?xml[^>]{0,100}encoding=["\']([\w-]{1,20})')
# Only plain character sets: Python knows codecs that unpack or compute as well.
KNOWN = re.compile(r"utf-?8|us-ascii|iso-8859-\d{1,2}|windows-125\d|shift_jis|euc-jp|gb18030", re.I)
NOT_TEXT = re.compile(r"[\x00-\x08\x0e-\x1a]")


@dataclass(frozen=True)
class ListFile:
    source: ListImport.Source
    rows: list[Row]
    scale: Scale


def read_list(data: bytes) -> ListFile:
    """Read a list in any of the formats. Raises ListFileError with a sentence where that is not possible."""
    text = decode(unpack(data)).lstrip("\ufeff \t\r\n")
    if not text:
        raise ListFileError("This file is empty. Choose the one that holds your list.")
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


def unpack(data: bytes) -> bytes:
    """Return the file, unpacked where it is compressed; a bomb is not unpacked further than the bound."""
    if data.startswith(ZIP):
        raise ListFileError("This is a zip archive: unpack it and upload the file inside.")
    if data.startswith(GZIP):
        unpacker = zlib.decompressobj(wbits=31)
        try:
            data = unpacker.decompress(data, MOST_UNPACKED + 1)
        except zlib.error as error:
            raise ListFileError("This .gz file is damaged. Download it anew and upload it.") from error
        if not unpacker.eof and len(data) <= MOST_UNPACKED:
            raise ListFileError("This .gz file breaks off. Download it anew and upload all of it.")
    if len(data) > MOST_UNPACKED:
        raise ListFileError(f"Unpacked, this file is above {MOST_UNPACKED >> 20} MB: split the list.", 413)
    return data


def decode(data: bytes) -> str:
    """Return the text: by its mark, by what its XML declares, as UTF-8, or else as Western European."""
    for mark, encoding in (BYTE_ORDER_MARKS | WITHOUT_MARK).items():
        if data.startswith(mark):
            return _checked(data.decode(encoding, "replace"))
    declared = DECLARED.match(data)
    name = declared.group(1).decode() if declared else "utf-8"
    for encoding in (name if KNOWN.fullmatch(name) else "utf-8", "utf-8"):
        try:
            return _checked(data.decode(encoding))
        except (UnicodeDecodeError, LookupError):
            continue
    return _checked(data.decode("cp1252", "replace"))


def _checked(text: str) -> str:
    if NOT_TEXT.search(text, 0, 4000):
        raise ListFileError("This file is not a text, so it is no list. Choose an .xml, .json or .csv file.")
    return text
