"""Reading lists: MyAnimeList's XML, AniList's JSON, CSV; and files made to harm."""

import gzip
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedback.lists.mal import write_mal
from feedback.lists.reading import read_list
from feedback.lists.rows import Row, Status
from feedback.lists.scores import Scale
from feedback.lists.sheets import write_csv
from feedback.models import FeedbackType, ListImport

LOVE, LIKE, DISLIKE = FeedbackType.LOVE, FeedbackType.LIKE, FeedbackType.DISLIKE
MAL = """<?xml version="1.0" encoding="UTF-8" ?>
        <!--
         Created by XML Export feature at MyAnimeList.net
        -->
        <myanimelist>
            <myinfo>
                <user_id>1</user_id>
                <user_name>zoro</user_name>
                <user_export_type>1</user_export_type>
            </myinfo>
            <anime>
                <series_animedb_id>1</series_animedb_id>
                <series_title><![CDATA[Cowboy Bebop]]></series_title>
                <series_type>TV</series_type>
                <my_start_date>2019-01-02</my_start_date>
                <my_finish_date>2019-02-00</my_finish_date>
                <my_score>9</my_score>
                <my_status>Completed</my_status>
                <my_tags><![CDATA[space, jazz]]></my_tags>
            </anime>
            <anime>
                <series_animedb_id>5</series_animedb_id>
                <series_title>Tengoku no Tobira &amp; more</series_title>
                <my_finish_date>0000-00-00</my_finish_date>
                <my_score>0</my_score>
                <my_status>Plan to Watch</my_status>
            </anime>
            <anime>
                <series_animedb_id>6</series_animedb_id>
                <series_title>Trigun</series_title>
                <my_score>0</my_score>
                <my_status>Dropped</my_status>
            </anime>
        </myanimelist>"""


def anilist(entries, **options):
    lists = [{"name": "Completed", "isCustomList": False, "entries": entries}]
    user = {"mediaListOptions": options}
    return json.dumps({"data": {"MediaListCollection": {"lists": lists, "user": user}}}).encode()


def rows(text):
    return read_list(text if isinstance(text, bytes) else text.encode()).rows


def test_it_works():
    file = read_list(MAL.encode())

    assert (file.source, file.scale) == (ListImport.Source.MAL, Scale.TEN)
    bebop, door, trigun = file.rows
    assert (bebop.anime_id, bebop.title, bebop.score) == (1, "Cowboy Bebop", 9)
    assert (bebop.says, bebop.keeps) == (LOVE, False)
    assert bebop.when == datetime(2019, 2, 1, 12, tzinfo=UTC)
    assert (door.title, door.says, door.keeps, door.when) == ("Tengoku no Tobira & more", None, True, None)
    assert (trigun.says, trigun.keeps) == (DISLIKE, False)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1"])
def test_encodings(encoding):
    text = MAL.replace("Cowboy", "Café")
    if encoding == "latin-1":
        text = text.replace("UTF-8", "ISO-8859-1")
    assert rows(text.encode(encoding))[0].title == "Café Bebop"
    assert rows(gzip.compress(text.encode(encoding)))[0].title == "Café Bebop"


def test_an_encoding_declared_wrongly_is_read_all_the_same():
    assert rows(MAL.replace("Cowboy", "Café").encode("latin-1"))[0].title == "Café Bebop"
    assert rows(MAL.replace("UTF-8", "utf-16").encode())[0].title == "Cowboy Bebop"


@pytest.mark.parametrize("status", ["2", "completed", "Completed", "  Completed "])
def test_statuses_by_name_and_by_number(status):
    assert rows(MAL.replace("Completed<", f"{status}<"))[0].status is Status.COMPLETED


@pytest.mark.parametrize(
    ("score", "status", "reaction"),
    [
        (10, "Completed", LOVE),
        (9, "Watching", LOVE),
        (8, "Completed", LIKE),
        (7, "Dropped", LIKE),
        (6, "Completed", None),
        (5, "Dropped", None),
        (4, "Completed", DISLIKE),
        (1, "Completed", DISLIKE),
        (0, "Dropped", DISLIKE),
        (0, "Completed", None),
        (0, "On-Hold", None),
    ],
)
def test_what_scores_and_statuses_become(score, status, reaction):
    row = rows(f"title,score,status\nMonster,{score},{status}\n")[0]
    assert (row.says, row.keeps) == (reaction, False)


def test_anilist_as_its_api_answers():
    entry = {
        "score": 85,
        "status": "COMPLETED",
        "completedAt": {"year": 2020, "month": 5, "day": None},
        "updatedAt": 1_600_000_000,
        "media": {"id": 30, "idMal": 30, "title": {"romaji": "Neon Genesis", "english": "Evangelion"}},
    }
    later = entry | {"score": 90, "completedAt": {"year": None, "month": None, "day": None}}
    planned = {"score": 0, "status": "PLANNING", "media": {"idMal": None, "title": {"romaji": "Mushishi"}}}

    file = read_list(anilist([entry, later, planned], scoreFormat="POINT_100"))

    assert (file.source, file.scale) == (ListImport.Source.ANILIST, Scale.HUNDRED)
    first, second, third = file.rows
    assert (first.anime_id, first.titles, first.score) == (30, ("Neon Genesis", "Evangelion"), 8.5)
    assert (first.says, first.when) == (LIKE, datetime(2020, 5, 1, 12, tzinfo=UTC))
    assert (second.says, second.when) == (LOVE, datetime.fromtimestamp(1_600_000_000, UTC))
    assert (third.anime_id, third.title, third.keeps) == (None, "Mushishi", True)


@pytest.mark.parametrize(
    ("scores", "scale", "reactions"),
    [
        ([100, 70, 40, 55, 95], Scale.HUNDRED, [LOVE, LIKE, DISLIKE, None, LOVE]),
        ([5, 4, 3, 2, 1], Scale.STARS, [LOVE, LIKE, None, DISLIKE, DISLIKE]),
        ([3, 2, 1, 1, 3], Scale.SMILEYS, [LIKE, None, DISLIKE, DISLIKE, LIKE]),
        ([10, 7.5, 3, 6, 1], Scale.TEN, [LOVE, LIKE, DISLIKE, None, DISLIKE]),
        ([5, 4], Scale.TEN, [None, DISLIKE]),  # too few to say that they are stars
    ],
)
def test_scores_are_brought_to_ten(scores, scale, reactions):
    file = read_list(
        json.dumps([{"idMal": 1 + n, "score": score} for n, score in enumerate(scores)]).encode()
    )
    assert (file.scale, [row.says for row in file.rows]) == (scale, reactions)


def test_anilist_leaves_manga_out():
    manga = {"score": 9, "media": {"type": "MANGA", "idMal": 2, "title": {"romaji": "Berserk"}}}
    assert [row.anime_id for row in rows(anilist([manga, {"score": 9, "idMal": 1}]))] == [1]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_as_spreadsheets_write_it(delimiter):
    lines = [
        ["Name", "MAL ID", "Rating", "Status", "Date"],
        ['"Say ""I love you"""', "14289", "7,5" if delimiter != "," else "7.5", "Completed", "2021-03-04"],
        ["Planetes", "", "", "Plan to Watch", ""],
    ]
    first, second = rows("\r\n".join(delimiter.join(cells) for cells in lines))
    assert (first.title, first.anime_id, first.says) == ('Say "I love you"', 14289, LIKE)
    assert first.when == datetime(2021, 3, 4, 12, tzinfo=UTC)
    assert (second.title, second.anime_id, second.keeps) == ("Planetes", None, True)


def test_nonsense_in_a_cell_is_no_value():
    row = rows(
        "title,anime_id,score,status,date,feedback\nX,99999999999999999999,nan,maybe,31.02.20,adore\n"
    )[0]
    assert row == Row(titles=("X",))


times = st.datetimes(datetime(1990, 1, 1), datetime(2025, 1, 1), timezones=st.just(UTC))
names = st.text(min_size=1, max_size=30).filter(
    lambda name: any(char.isprintable() and char != " " for char in name)
)
ours = st.builds(
    lambda pk, name, reaction, when, saved_at: Row(
        titles=(name,), anime_id=pk, item_id=pk, reaction=reaction, when=reaction and when,
        is_saved=saved_at is not None or not reaction, saved_at=saved_at or (None if reaction else when),
    ),
    st.integers(1, 100_000), names, st.sampled_from([None, LOVE, LIKE, DISLIKE]), times, st.none() | times,
)  # fmt: skip


@settings(max_examples=200)
@given(st.lists(ours, min_size=1, max_size=5), st.sampled_from([write_mal, write_csv]))
def test_what_we_write_is_read_back_the_same(written, write):
    back = rows("".join(write(written)).encode())
    assert [state(row) for row in back] == [state(row) for row in written]


def state(row):
    return row.anime_id, row.says, row.when if row.says else None, row.keeps, row.kept_at


@pytest.mark.parametrize("title", ["=HYPERLINK(1)", "+1", "-1", "@sum", "\t=1", "'=1"])
def test_a_spreadsheet_runs_nothing_of_ours(title):
    text = "".join(write_csv([Row(titles=(title,), anime_id=1, reaction=LIKE)]))
    cell = text.splitlines()[1].split(",")[1]
    assert not cell.lstrip('"').startswith(("=", "+", "-", "@"))
