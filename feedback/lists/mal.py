"""MyAnimeList's XML, read and written.

Files of ours carry more than the format has room for in `my_tags`, which MyAnimeList keeps: the exact time of
a reaction, and whether a title is saved as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from xml.sax import ContentHandler, SAXException
from xml.sax.saxutils import escape

from defusedxml import DefusedXmlException, sax

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
DEEPEST = 20
AT_A_TIME = 1 << 16
HEADING = '<?xml version="1.0" encoding="UTF-8" ?>\n<myanimelist>\n'
HEADING += "  <myinfo><user_export_type>1</user_export_type></myinfo>\n"


class _Reader(ContentHandler):
    """Collect the <anime> elements; no tree is built, so a file of many elements costs no memory."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[Row] = []
        self._elements = 0
        self._open: list[str] = []
        self._fields: dict[str, str] = {}

    def startElement(self, name: str, attrs: object) -> None:  # noqa: N802  (the interface's name)
        self._open.append(name)
        self._elements += 1
        if self._elements > MOST_VALUES:
            raise too_many_values()
        if len(self._open) > DEEPEST:
            raise ListFileError("This XML is nested too deeply to be a list. Export yours anew.")
        if len(self._open) == 1 and name != "myanimelist":
            raise ListFileError("This XML is no list from MyAnimeList: export yours there and upload that.")
        if name == "manga":
            raise ListFileError("This is a manga list: choose “Anime List” where MyAnimeList exports.")
        if name == "anime":
            self._fields = {}

    def characters(self, content: str) -> None:
        name = self._open[-1]
        if name in FIELDS and len(so_far := self._fields.get(name, "")) < LONGEST_FIELD:
            self._fields[name] = so_far + content[:LONGEST_FIELD]

    def endElement(self, name: str) -> None:  # noqa: N802
        self._open.pop()
        if name != "anime":
            return
        if len(self.rows) == MOST_ROWS:
            raise too_many_rows()
        self.rows.append(_row(self._fields))


def read_mal(text: str) -> tuple[list[Row], Scale]:
    """Read an export. Raises ListFileError where it is none, or is made to harm."""
    if max(text.count("\n"), text.count("\r")) > MOST_VALUES:  # expat hands over each line by itself
        raise too_many_values()
    reader, parser = _Reader(), sax.make_parser()
    parser.forbid_dtd = True
    parser.setContentHandler(reader)
    try:
        for start in range(0, len(text), AT_A_TIME):
            parser.feed(text[start : start + AT_A_TIME])
        parser.close()
    except DefusedXmlException as error:
        raise ListFileError(
            "This XML defines entities of its own, which MyAnimeList never does: it was not read."
            " Export your list from MyAnimeList anew."
        ) from error
    except SAXException as error:
        raise ListFileError(
            f"This XML breaks off or is damaged ({error.getMessage()})."
            " Export your list anew and upload the whole file."
        ) from error
    return reader.rows, Scale.TEN


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
