"""Titles in and out of the admin as CSV: a preview first, clear refusals, no formulas, and a history."""

import csv
import io

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from catalog.importing import import_items
from catalog.models import Franchise, Genre, Item, MergedItem
from catalog.tests.factories import FranchiseFactory, ItemFactory

pytestmark = pytest.mark.django_db
IMPORT, PROCESS, EXPORT = (
    reverse(f"admin:catalog_item_{name}") for name in ("import", "process_import", "export")
)


def upload(client, content):
    content = content if isinstance(content, bytes) else content.encode()
    return client.post(IMPORT, {"import_file": SimpleUploadedFile("titles.csv", content), "format": "0"})


def confirm(client, preview):
    form = preview.context["confirm_form"]
    return client.post(PROCESS, {name: form[name].value() or "" for name in form.fields}, follow=True)


def said(page):
    return [str(message) for message in page.context["messages"]]


def table(response):
    return list(csv.DictReader(io.StringIO(response.content.decode())))


def test_it_works(admin_client):
    item = ItemFactory(anime_id=1, name="Cowboy Bebop", year=None, genres=["Space"])
    same = ItemFactory(anime_id=2, name="Trigun", genres=["Space"])
    before = item.updated_at
    content = (
        "anime_id,name,genre,year,franchise,is_hidden,rating\n"
        '1,,"space, Drama",1998,Bebop,yes,\n2,Trigun,Space,,,,\n3,New One,,,,,8.1\n'
    )

    preview = upload(admin_client, content)
    assert Item.objects.count() == 2
    assert not Genre.objects.filter(name="Drama").exists()
    assert not LogEntry.objects.exists()
    assert "<strong>1 new</strong> and <strong>1 changed</strong>" in preview.text
    words = "Year: – → 1998. Franchise: – → Bebop. Hidden: no → yes. Genres: Space → Drama, Space."
    assert words in preview.text

    assert said(confirm(admin_client, preview)) == ["Imported: 1 new, 1 changed."]
    item.refresh_from_db()
    assert (item.name, item.year, item.franchise.name, item.is_hidden) == (
        "Cowboy Bebop",
        1998,
        "Bebop",
        True,
    )
    assert item.rating_mean == 7.5  # an empty cell wipes nothing
    assert item.updated_at > before
    new = Item.objects.get(pk=3)
    assert (new.name, new.search_name, new.rating_mean) == ("New One", "new one", 8.1)
    told = {each.object_id: each.change_message for each in LogEntry.objects.all()}
    assert told == {
        "1": f"Imported. {words}",
        "3": "Imported. Name: – → New One. Rating mean: – → 8.1. Members: – → 0. Hidden: – → no.",
    }
    same.refresh_from_db()
    assert same.name == "Trigun"


def test_what_is_exported_is_imported_unchanged_and_by_the_command_too(admin_client, tmp_path):
    ItemFactory(
        name="=HYPERLINK(1)", genres=["Drama"], franchise=FranchiseFactory(name="@Saga"), synopsis="+a\nb"
    )
    ItemFactory(name="-Ascension-, “quoted”", year=None)
    exported = admin_client.get(EXPORT)
    assert exported["Content-Type"].startswith("text/csv")
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in table(exported) for cell in row.values())
    assert "Nothing would change" in upload(admin_client, exported.content).text
    file = tmp_path / "export.csv"
    file.write_bytes(exported.content)
    assert import_items({"metadata": file}).unchanged == 2


def test_it_exports_what_is_listed(admin_client, django_assert_max_num_queries):
    ItemFactory.create_batch(10, genres=["Drama"], franchise=FranchiseFactory())
    movie = ItemFactory(type="Movie")
    with django_assert_max_num_queries(12):
        assert len(table(admin_client.get(EXPORT))) == 11
    assert [row["anime_id"] for row in table(admin_client.get(EXPORT, {"type__exact": "Movie"}))] == [
        str(movie.pk)
    ]


@pytest.mark.parametrize("query", ["colour=red", "year=x", "e=1&colour=red"])
def test_a_filter_that_there_is_not_leads_back_to_the_list(admin_client, query):
    ItemFactory()
    answer = admin_client.get(f"{EXPORT}?{query}", follow=True)
    assert answer.redirect_chain == [(reverse("admin:catalog_item_changelist"), 302)]
    assert said(answer) == ["There is no such filter, so nothing was exported: choose one here."]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("0,x,,,", "anime_id 0 is not from 1"),
        ("x,x,,,", "anime_id “x” is not a whole number"),
        (",x,,,", "anime_id is empty"),
        ("7,,,,", "7 is a new title: it needs a name"),
        ("1,x,,,\n1,y,,,", "anime_id 1 is already in row 1"),
        ("1,x,1066,,", "year 1066 is not from 1900"),
        ("1,x,,Opera,", "type “Opera” is none of"),
        ("1,x,,,maybe", "is_hidden “maybe” is neither yes nor no"),
        ("9,x,,,", "anime_id 9 was merged into 1"),
        (f"1,{'x' * 300},,,", "name has 300 characters"),
    ],
)
def test_a_bad_row_is_refused_in_words_and_nothing_is_written(admin_client, line, sentence):
    MergedItem.objects.create(anime_id=9, item=ItemFactory(anime_id=1, name="A"), name="B", search_name="b")
    page = upload(admin_client, f"anime_id,name,year,type,is_hidden\n{line}\n2,Good,,,\n")
    assert page.status_code == 200
    assert sentence in page.text
    assert "confirm_form" not in page.context
    assert [item.name for item in Item.objects.all()] == ["A"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "The submitted file is empty"),
        (b"\xff\xfe\x00", "not UTF-8 text"),
        (b"anime_id\n\x00", "holds NUL bytes"),
        (b"name\nx\n", "anime_id among them"),
        (b"anime_id,name,name\n1,x,y\n", "each once"),
        (b"anime_id,name\n1,x,y\n", "Row 2 has 3 fields where the header has 2"),
        (b'anime_id,name\n1,"x\n', "This is not CSV"),
        (b"anime_id,name\n", "No valid data"),
        (b"anime_id\n" + b"1\n" * 2001, "More than 2,000 titles"),
        (b'anime_id,synopsis\n1,"' + b"x" * (4 << 20) + b'"\n', "larger than 4 MB"),
        (b"anime_id," + b"x" * 200_000 + b"\n1,2\n", "This is not CSV"),
    ],
)
def test_a_bad_file_is_refused_in_a_sentence(admin_client, content, sentence):
    page = upload(admin_client, content)
    assert page.status_code == 200
    assert sentence in page.text
    assert not Item.objects.exists()


def test_no_file_and_one_far_too_large_are_refused(admin_client, settings):
    assert "This field is required" in admin_client.post(IMPORT, {"format": "0"}).text
    settings.LIST_UPLOAD_MB = 1
    page = admin_client.post(
        IMPORT, {"import_file": SimpleUploadedFile("t.csv", b"x" * (2 << 20))}, follow=True
    )
    assert said(page) == ["This file is larger than 1 MB: split it."]


def test_a_forged_or_repeated_confirmation_changes_nothing(admin_client):
    preview = upload(admin_client, "anime_id,name\n1,A\n")
    confirm(admin_client, preview)
    assert said(confirm(admin_client, preview)) == ["The file is not kept any more; choose it again."]
    forged = {
        "import_file_name": "../../etc/passwd",
        "original_file_name": "x",
        "format": "9",
        "resource": "x",
    }
    assert said(admin_client.post(PROCESS, forged, follow=True)) == [
        "The file is not kept any more; choose it again."
    ]
    assert admin_client.post(PROCESS, {}).status_code == 200
    assert admin_client.get(PROCESS).status_code == 302
    assert Item.objects.count() == 1


def test_what_was_merged_since_the_preview_does_not_come_back(admin_client):
    preview = upload(admin_client, "anime_id,name\n9,B\n10,C\n")
    MergedItem.objects.create(anime_id=9, item=ItemFactory(anime_id=1), name="B", search_name="b")
    assert "nothing was imported" in said(confirm(admin_client, preview))[0]
    assert Item.objects.count() == 1


def test_without_a_cache_it_says_so(admin_client, monkeypatch):
    monkeypatch.setattr(cache, "set", lambda *_: None)  # what an outage of the broker does
    assert "The file is not kept any more" in upload(admin_client, "anime_id,name\n1,A\n").text


@pytest.mark.parametrize(
    ("codes", "expected"), [((), 403), (("view_item",), 403), (("view_item", "change_item"), 403)]
)
def test_importing_requires_permission_to_add_and_change(client, codes, expected):
    curator = User.objects.create_user("curator", is_staff=True)
    curator.user_permissions.set(Permission.objects.filter(codename__in=codes))
    client.force_login(curator)
    assert client.get(IMPORT).status_code == expected
    assert client.post(PROCESS, {}).status_code == expected
    assert client.get(EXPORT).status_code == (200 if codes else 403)


def test_the_number_of_queries_grows_only_with_changes(admin_client, django_assert_max_num_queries):
    ItemFactory.create_batch(30, genres=["Drama"], franchise=FranchiseFactory(name="Saga"))
    content = admin_client.get(EXPORT).content
    with django_assert_max_num_queries(100):  # a savepoint for each row
        upload(admin_client, content)
    assert Franchise.objects.count() == 1
