import gzip
import json
import lzma

import pytest
from django.core.management import CommandError, call_command

from catalog.importing import import_items
from catalog.models import Franchise, Genre, Item
from catalog.reading import FileProblem
from catalog.tests.factories import ItemFactory

pytestmark = pytest.mark.django_db

HEADER = "anime_id,name,genre,type,episodes,rating,members\n"
BEBOP = '1,Cowboy Bebop,"Action, Space",TV,26,8.82,486824\n'


@pytest.fixture
def write(tmp_path):
    """Write a catalogue file and return its path; the header is added unless the text brings its own."""

    def _write(text, name="anime.csv"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else (HEADER + text).encode())
        return path

    return _write


def counts(report):
    return report.created, report.updated, report.unchanged, len(report.rejected)


def reasons(report):
    return [str(rejection) for rejection in report.rejected]


def test_it_works(write):
    report = import_items({"items": write(BEBOP + "5,Gintama&#039;,,OVA,Unknown,,\n")})

    assert counts(report) == (2, 0, 0, 0)
    bebop, gintama = Item.objects.order_by("pk")
    assert (bebop.name, bebop.type, bebop.episodes, bebop.rating_mean, bebop.members) == (
        "Cowboy Bebop", "TV", 26, 8.82, 486824,
    )  # fmt: skip
    assert bebop.search_name == "cowboy bebop"
    assert sorted(genre.name for genre in bebop.genres.all()) == ["Action", "Space"]
    assert (gintama.name, gintama.search_name) == ("Gintama'", "gintama")
    assert (gintama.episodes, gintama.rating_mean, gintama.members, gintama.genres.count()) == (
        None,
        None,
        0,
        0,
    )


def test_a_second_import_changes_nothing(write):
    path = write(BEBOP)
    import_items({"items": path})
    before = Item.objects.get().updated_at

    assert counts(import_items({"items": path})) == (0, 0, 1, 0)
    assert Item.objects.get().updated_at == before


def test_it_updates_what_differs(write):
    import_items({"items": write(BEBOP)})
    report = import_items({"items": write('1,Cowboy Bebop!,"Drama, space",Movie,1,9,5\n')})

    assert counts(report) == (0, 1, 0, 0)
    item = Item.objects.get()
    assert (item.name, item.search_name, item.type, item.members) == (
        "Cowboy Bebop!",
        "cowboy bebop",
        "Movie",
        5,
    )
    assert {genre.name for genre in item.genres.all()} == {"Drama", "Space"}


def test_other_genres_alone_are_an_update(write):
    import_items({"items": write(BEBOP)})
    assert counts(import_items({"items": write(BEBOP.replace("Space", "Drama"))})) == (0, 1, 0, 0)


def test_empty_fields_wipe_nothing(write):
    import_items({"items": write(BEBOP)})
    assert counts(import_items({"items": write("1,Cowboy Bebop,,,Unknown,,\n")})) == (0, 0, 1, 0)
    item = Item.objects.get()
    assert (item.type, item.episodes, item.rating_mean, item.members, item.genres.count()) == (
        "TV", 26, 8.82, 486824, 2,
    )  # fmt: skip


def test_what_curators_hid_stays_hidden(write):
    ItemFactory(anime_id=1, name="Old name", is_hidden=True)
    import_items({"items": write(BEBOP)})
    item = Item.objects.get()
    assert (item.name, item.is_hidden) == ("Cowboy Bebop", True)


def test_hentai_is_adult_and_its_case_does_not_matter(write):
    import_items({"items": write("1,A,hentai,OVA,1,5,1\n2,B,HENTAI,OVA,1,5,1\n3,C,Drama,OVA,1,5,1\n")})
    assert list(Genre.objects.values_list("name", "is_adult")) == [("Drama", False), ("HENTAI", True)]
    assert Item.objects.visible().get().name == "C"


def test_a_genre_that_curators_changed_is_left_alone(write):
    Genre.objects.create(name="Hentai", is_adult=False)
    import_items({"items": write("1,A,Hentai,OVA,1,5,1\n")})
    assert not Genre.objects.get().is_adult


def test_titles_may_share_a_name(write):
    assert counts(import_items({"items": write("1,Same,,TV,1,5,1\n2,Same,,TV,1,5,1\n")})) == (2, 0, 0, 0)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("0,A,,TV,1,5,1", "anime_id 0 is not from 1"),
        ("-5,A,,TV,1,5,1", "is not a whole number"),
        ("x,A,,TV,1,5,1", "is not a whole number"),
        ("1.5,A,,TV,1,5,1", "is not a whole number"),
        (",A,,TV,1,5,1", "anime_id is empty"),
        ("99999999999,A,,TV,1,5,1", "is not from 1 to 2147483647"),
        ("9" * 5000 + ",A,,TV,1,5,1", "is not a whole number"),
        ("٣,A,,TV,1,5,1", "is not a whole number"),
        ("2,,,TV,1,5,1", "name is empty"),
        ("2,\u200b \u3000,,TV,1,5,1", "name is empty"),
        (f"2,{'x' * 256},,TV,1,5,1", "name has 256 characters; 255 fit"),
        (f"2,A,{'g' * 61},TV,1,5,1", "genre has 61 characters"),
        ("2,A,,Radio,1,5,1", "type “Radio” is none of TV"),
        ("2,A,,TV,-1,5,1", "episodes “-1” is not a whole number"),
        ("2,A,,TV,1e9,5,1", "episodes “1e9”"),
        ("2,A,,TV,999999,5,1", "episodes 999999 is not from 1 to 20000"),
        ("2,A,,TV,1,11,1", "rating “11” is not from 1 to 10"),
        ("2,A,,TV,1,inf,1", "rating “inf” is not from 1 to 10"),
        ("2,A,,TV,1,good,1", "rating “good” is not a number"),
        ("2,A,,TV,1,5,99999999999", "members 99999999999"),
        ("2,A,Action, Drama,TV,1,5,1", "8 fields where the header has 7"),
        ("2,A", "2 fields where the header has 7"),
        ("1,Again,,TV,1,5,1", "anime_id 1 is already on line 2"),
    ],
)
def test_it_rejects_a_bad_line_and_keeps_the_others(write, line, reason):
    report = import_items({"items": write(f"{BEBOP}{line}\n7,Good,,TV,1,5,1\n")})

    assert counts(report) == (2, 0, 0, 1)
    assert reasons(report)[0].startswith("anime.csv, line 3: ")
    assert reason in reasons(report)[0]
    assert set(Item.objects.values_list("name", flat=True)) == {"Cowboy Bebop", "Good"}


def test_line_numbers_count_lines_inside_quotes(write):
    report = import_items({"items": write('1,"Two\nlines",,TV,1,5,1\nbad,A,,TV,1,5,1\n')})
    assert Item.objects.get().name == "Two lines"
    assert "line 4" in reasons(report)[0]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (b"anime_id,name\n1,A\n", "not there exactly once: genre, type, episodes, rating, members"),
        (b"anime_id;name;genre;type;episodes;rating;members\n1;A;;TV;1;5;1\n", "naming its columns"),
        (b"anime_id,anime_id,name,genre,type,episodes,rating,members\n1,1,A,,TV,1,5,1\n", "once: anime_id"),
        (HEADER.encode(), "has no usable line"),
        ((HEADER + "x,A,,TV,1,5,1\n").encode(), "The first problem: anime.csv, line 2"),
        ((HEADER + '1,"never closed\n').encode(), "line 2: this is not CSV"),
        ((HEADER + f'1,"{"x" * 200_000}",,TV,1,5,1\n').encode(), "this is not CSV"),
        ((HEADER + "1,Pokémon,,TV,1,5,1\n").encode("latin-1"), "is not UTF-8 text: save it as UTF-8"),
        ((HEADER + BEBOP).encode("utf-16"), "is not UTF-8"),
        ((HEADER + BEBOP).encode("utf-16-le"), "NUL bytes"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "is not UTF-8"),
    ],
)
def test_it_rejects_a_bad_file_and_changes_nothing(write, content, reason):
    with pytest.raises(FileProblem, match=reason):
        import_items({"items": write(content)})
    assert not Item.objects.exists()


def test_a_bad_side_file_keeps_the_good_catalogue_out(write):
    with pytest.raises(FileProblem):
        import_items({"items": write(BEBOP), "posters": write(b"nonsense", "posters.csv")})
    assert not Item.objects.exists()
    assert not Genre.objects.exists()


def test_a_failure_while_writing_takes_everything_back(write, monkeypatch):
    def fail(*args):
        raise RuntimeError

    monkeypatch.setattr("catalog.importing._write_genres", fail)
    with pytest.raises(RuntimeError):
        import_items({"items": write(BEBOP)})
    assert not Item.objects.exists()


@pytest.mark.parametrize(("suffix", "pack"), [(".xz", lzma.compress), (".gz", gzip.compress)])
def test_compressed_files(write, suffix, pack):
    packed = pack((HEADER + BEBOP).encode("utf-8-sig"))
    assert counts(import_items({"items": write(packed, "anime.csv" + suffix)})) == (1, 0, 0, 0)

    for broken in (packed[:-20], b"not packed", packed[:30] + b"xxxx" + packed[34:]):
        with pytest.raises(FileProblem, match="damaged or not a"):
            import_items({"items": write(broken, "anime.csv" + suffix)})


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileProblem, match=r"nowhere\.csv cannot be read: No such file"):
        import_items({"items": tmp_path / "nowhere.csv"})


def test_side_files_for_titles_that_exist(write):
    for anime_id in (1, 2):
        ItemFactory(anime_id=anime_id, year=None)
    groups = [{"name": "Bebop", "anime_ids": [1, 2, 77]}, {"name": "Other", "anime_ids": [2]}, {"name": 5}]
    report = import_items(
        {
            "metadata": write(b"anime_id,year,season\n1,1998,spring\n2,,\n3,1999,\n", "m.csv"),
            "franchises": write(json.dumps(groups).encode(), "f.json"),
            "posters": write(b"anime_id,poster_url\n1,https://example.com/1.jpg\n", "p.csv"),
            "synopses": write(b'anime_id,synopsis\n1,"Space &amp; jazz\nand a dog."\n', "s.csv"),
        }
    )

    one, two = Item.objects.order_by("pk")
    assert (one.year, one.poster_url, one.synopsis) == (
        1998, "https://example.com/1.jpg", "Space & jazz\nand a dog.",
    )  # fmt: skip
    assert one.franchise == two.franchise == Franchise.objects.get(name="Bebop")
    assert two.year is None
    assert counts(report)[:3] == (0, 2, 0)
    assert reasons(report) == [
        "f.json, entry 2: anime_id 2 already belongs to “Bebop”.",
        'f.json, entry 3: it should look like {"name": "...", "anime_ids": [1, 2]}.',
        "m.csv, line 4: anime_id 3 is not in the catalogue; import that title first.",
        "f.json, entry 1: anime_id 77 is not in the catalogue; import that title first.",
    ]


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "ftp://example.com/a.jpg", "data:image/png", "//example.com/a", "x y"]
)
def test_posters_reject_other_addresses(write, url):
    ItemFactory(anime_id=1)
    ItemFactory(anime_id=2)
    path = write(f"anime_id,poster_url\n1,{url}\n2,http://example.com/2.jpg\n".encode())
    report = import_items({"posters": path})
    assert "is not an http:// or https:// address" in reasons(report)[0]
    assert Item.objects.get(pk=1).poster_url == ""


@pytest.mark.parametrize("content", [b"{", b"{}", b"[]", b'"x"', b"[" * 100_000, b"[1" + b"0" * 5000 + b"]"])
def test_franchises_reject_other_json(write, content):
    with pytest.raises(FileProblem):
        import_items({"franchises": write(content, "f.json")})


def test_the_command_tells_and_a_dry_run_writes_nothing(write, capsys):
    path = write(BEBOP + "x,A,,TV,1,5,1\n")
    call_command("import_items", path, dry_run=True)
    assert not Item.objects.exists()
    assert capsys.readouterr().out == (
        "Dry run, nothing written: 1 created, 0 updated, 0 unchanged, 1 rejected.\n"
    )

    call_command("import_items", path)
    output = capsys.readouterr()
    assert output.out == "1 created, 0 updated, 0 unchanged, 1 rejected.\n"
    assert "rejected: anime.csv, line 3: anime_id “x” is not a whole number" in output.err


def test_the_command_shows_twenty_rejections_and_counts_the_rest(write, capsys):
    call_command("import_items", write(BEBOP + "x,A,,TV,1,5,1\n" * 30))
    output = capsys.readouterr().err
    assert output.count("rejected:") == 20
    assert "and 10 more" in output


def test_the_command_needs_a_file():
    with pytest.raises(CommandError, match="Name a FILE"):
        call_command("import_items")
