"""MyAnimeList's XML, read and written.

Files of ours carry more than the format has room for in `my_tags`, which MyAnimeList keeps: the exact time of
a reaction, and whether a title is saved as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from xml.parsers.expat import ErrorString, ExpatError, ParserCreate
from xml.parsers.expat.errors import XML_ERROR_NO_MEMORY, codes
from xml.sax.saxutils import escape

from feedback.lists.fields import id_of, moment_of, number_of, text_of, titles_of
from feedback.lists.rows import (
    MOST_ROWS,
    MOST_VALUES,
    ListFileError,
    Row,
    Status,
    too_many_rows,
    too_many_values,
)
from feedback.lists.scores import SCORES, Scale

STATUSES = {
    "1": Status.WATCHING,
    "2": Status.COMPLETED,
    "3": Status.ON_HOLD,
    "4": Status.DROPPED,
    "6": Status.PLANNED,
    "watching": Status.WATCHING,
    "completed": Status.COMPLETED,
    "on-hold": Status.ON_HOLD,
    "dropped": Status.DROPPED,
    "plan to watch": Status.PLANNED,
}
SAID_AT, SAVED_AT = "nostrade-said ", "nostrade-saved "
FIELDS = {
    "series_animedb_id",
    "series_title",
    "my_score",
    "my_status",
    "my_start_date",
    "my_finish_date",
    "my_tags",
}
LONGEST_FIELD = 2000  # characters that are looked at
DEEPEST = 20  # elements in one another
MOST_ATTRIBUTES = 50  # of one element; MyAnimeList's have none
MOST_NAMES = 1000  # of elements and attributes; MyAnimeList has about 30
AT_A_TIME = 1 << 16  # characters
LONGEST_TOKEN = 1 << 16  # bytes of a tag, a comment, a processing instruction or a reference
NO_LIST = "This XML is no list from MyAnimeList: export yours there and upload that."
OUT_OF_MEMORY = codes[XML_ERROR_NO_MEMORY]
HEADING = '<?xml version="1.0" encoding="UTF-8" ?>\n<myanimelist>\n'
HEADING += "  <myinfo><user_export_type>1</user_export_type></myinfo>\n"


class _Reader:
    """Collect the <anime> elements; no tree is built, so a file of many elements costs no memory."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self._values = 0
        self._open: list[str] = []
        self._fields: dict[str, str] = {}
        self._parser = ParserCreate("utf-8")  # whatever the file declares: it is decoded already
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text
        self._parser.StartDoctypeDeclHandler = _refuse_doctype

    def read(self, text: str) -> None:
        """Parse piece by piece, and refuse what would cost more than its size.

        expat before 2.6 scans an unfinished tag, comment or the like again with each piece: a long one costs
        the square of its length. It knows each name for as long as it lives: millions fill the memory.
        """
        fed = 0
        for start in range(0, len(text), AT_A_TIME):
            piece = text[start : start + AT_A_TIME].encode()
            fed += len(piece)
            self._parser.Parse(piece)
            if fed - self._parser.CurrentByteIndex > LONGEST_TOKEN:
                raise ListFileError(f"A tag or comment of this XML goes on for too long. {NO_LIST}")
            if len(self._parser.intern) > MOST_NAMES:
                raise ListFileError(f"This XML has more than {MOST_NAMES} names of elements. {NO_LIST}")
        self._parser.Parse(b"", True)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._open.append(name)
        self._values += 1 + len(attributes)
        if self._values > MOST_VALUES:
            raise too_many_values()
        if len(attributes) > MOST_ATTRIBUTES:
            raise ListFileError(f"A tag of this XML has more than {MOST_ATTRIBUTES} attributes. {NO_LIST}")
        if len(self._open) > DEEPEST:
            raise ListFileError("This XML is nested too deeply to be a list. Export yours again.")
        if len(self._open) == 1 and name != "myanimelist":
            raise ListFileError(NO_LIST)
        if name == "manga":
            raise ListFileError("This is a manga list: choose “Anime List” where MyAnimeList exports.")
        if name == "anime":
            self._fields = {}

    def _text(self, content: str) -> None:
        name = self._open[-1]
        if name in FIELDS and len(so_far := self._fields.get(name, "")) < LONGEST_FIELD:
            self._fields[name] = so_far + content[:LONGEST_FIELD]

    def _end(self, name: str) -> None:
        self._open.pop()
        if name != "anime":
            return
        if len(self.rows) == MOST_ROWS:
            raise too_many_rows()
        self.rows.append(_row(self._fields))


def read_mal(text: str) -> tuple[list[Row], Scale]:
    """Read an export. Raises ListFileError where it is none, or is made to harm."""
    if max(text.count("\n"), text.count("\r")) > MOST_VALUES:  # expat takes up each line by itself
        raise too_many_values()
    root = text.find("<myanimelist")
    if text.find("<!DOCTYPE", 0, root if root >= 0 else None) >= 0:
        _refuse_doctype()  # here already, as an old expat would expand entities to the end of the piece
    reader = _Reader()
    try:
        reader.read(text)
    except ExpatError as error:
        if error.code == OUT_OF_MEMORY:
            raise MemoryError from error
        raise ListFileError(
            f"This XML breaks off or is damaged ({ErrorString(error.code)})."
            " Export your list again and upload the whole file."
        ) from error
    return reader.rows, Scale.TEN


def _refuse_doctype(*_: object) -> None:
    raise ListFileError(
        "This XML defines entities of its own, which MyAnimeList never does: it was not read."
        " Export your list from MyAnimeList again."
    )


def _row(fields: dict[str, str]) -> Row:
    tags = [tag.strip() for tag in fields.get("my_tags", "").split(",")]
    said_at, saved_at = _tagged(tags, SAID_AT), _tagged(tags, SAVED_AT)
    finished, begun = moment_of(fields.get("my_finish_date")), moment_of(fields.get("my_start_date"))
    return Row(
        titles=titles_of([fields.get("series_title")]),
        anime_id=id_of(fields.get("series_animedb_id")),
        score=Scale.TEN.out_of_ten(number_of(fields.get("my_score")) or 0),
        status=STATUSES.get(text_of(fields.get("my_status")).lower(), Status.UNKNOWN),
        when=said_at or finished or begun,
        is_saved=any(tag.startswith(SAVED_AT.strip()) for tag in tags),
        saved_at=saved_at,
    )


def _tagged(tags: list[str], mark: str) -> datetime | None:
    return next((moment_of(tag.removeprefix(mark)) for tag in tags if tag.startswith(mark)), None)


def write_mal(rows: Iterable[Row]) -> Iterator[str]:
    """Yield the file piece by piece."""
    yield HEADING
    for row in rows:
        yield _element(row)
    yield "</myanimelist>\n"


def _element(row: Row) -> str:
    said, kept_at = row.says, row.kept_at
    watched_at = row.when if said or row.status is Status.COMPLETED else None
    tags = [f"{SAID_AT}{watched_at.astimezone(UTC).isoformat()}"] if watched_at else []
    if row.keeps:
        tags.append(SAVED_AT + (kept_at.astimezone(UTC).isoformat() if kept_at else ""))
    fields = {
        "series_animedb_id": row.item_id or row.anime_id,
        "series_title": row.title,
        "my_finish_date": f"{watched_at:%Y-%m-%d}" if watched_at else "0000-00-00",
        "my_score": SCORES[said] if said else 0,
        "my_status": "Completed" if said or row.status is Status.COMPLETED else "Plan to Watch",
        "my_tags": ", ".join(tags),
        "update_on_import": 1,
    }
    lines = "".join(f"    <{name}>{escape(text_of(str(value)))}</{name}>\n" for name, value in fields.items())
    return f"  <anime>\n{lines}  </anime>\n"
