"""The admin keeps to the strict content security policy: its browser refuses what stands inline."""

import re
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from catalog.tests.factories import FranchiseFactory, ItemFactory
from feedback.tests.factories import EventFactory
from recommender.models import Checkpoint, tell

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_ranker")]


class Inline(HTMLParser):
    """Collect what a policy without 'unsafe-inline' refuses."""

    def __init__(self):
        super().__init__()
        self.found, self.hosts = [], []

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        runs = tag == "script" and "src" not in given and given.get("type") != "application/json"
        if runs or tag == "style":
            self.found.append(f"<{tag}>")
        inline = (name for name in given if name == "style" or re.fullmatch(r"on[a-z]+", name))
        self.found += [f"{tag} {name}" for name in inline]
        fetched = (given.get(name) or "" for name in ("src", "href") if tag != "a")
        self.hosts += [url for url in fetched if url.startswith("http")]


def check(page):
    assert page.status_code == 200
    seen = Inline()
    seen.feed(page.text)
    assert seen.found == []
    assert seen.hosts == []
    policy = page["Content-Security-Policy"].split("; ")
    assert {"script-src 'self'", "style-src 'self'"} <= set(policy)


@pytest.fixture
def pages():
    event = EventFactory(item=ItemFactory(franchise=FranchiseFactory(), genres=["Drama"]))
    other, run = ItemFactory(), Checkpoint.objects.create(version="v", state="training", holder="web:1")
    tell(run, "Begun.")
    names = {
        "index": [], "dashboard": [], "password_change": [], "catalog_item_changelist": [],
        "catalog_item_add": [], "catalog_item_import": [], "catalog_franchise_changelist": [],
        "catalog_genre_changelist": [], "auth_user_changelist": [], "feedback_event_changelist": [],
        "recommender_checkpoint_changelist": [],
        "recommender_checkpoint_online": [], "catalog_item_change": [event.item_id],
        "catalog_item_history": [event.item_id], "catalog_item_delete": [other.pk],
        "catalog_franchise_change": [event.item.franchise_id], "auth_user_change": [event.user_id],
        "auth_user_delete": [event.user_id], "recommender_checkpoint_change": [run.pk],
        "recommender_checkpoint_compare": [run.pk], "recommender_checkpoint_log": [run.pk],
    }  # fmt: skip
    found = {name: reverse(f"admin:{name}", args=args) for name, args in names.items()}
    return found | {"merge": f"{reverse('admin:catalog_item_merge')}?ids={event.item_id}&ids={other.pk}"}


def test_no_page_has_anything_inline_or_from_elsewhere(admin_client, pages):
    for url in pages.values():
        check(admin_client.get(url))


def test_the_sidebar_is_open_before_it_is_painted(admin_client, pages):
    page = admin_client.get(pages["catalog_item_changelist"]).text
    assert page.index("js/admin-sidebar.js") < page.index('id="nav-sidebar"')


def test_it_speaks_of_people_and_titles_and_writes_dates_in_one_way(admin_client, pages):
    index = admin_client.get(pages["index"]).text
    links = re.findall(r'<a href="/admin/[a-z]+/[a-z]+/"[^>]*>([^<]+)</a>', index)
    assert {"People", "Titles"} <= set(links)
    assert {"Users", "Items"}.isdisjoint(links)
    titles = admin_client.get(pages["catalog_item_changelist"]).text
    assert "<title>Titles · Nostrade</title>" in titles
    assert "By hidden" in titles
    EventFactory(timestamp=datetime(2026, 3, 5, 18, 7, tzinfo=UTC))
    assert "5 Mar 2026, 18:07" in admin_client.get(pages["feedback_event_changelist"]).text


def test_nor_have_the_pages_between_a_form_and_its_end(admin_client, pages):
    item = ItemFactory()
    data = {"action": "edit_selected", "_selected_action": [item.pk]}
    check(admin_client.post(pages["catalog_item_changelist"], data))
    for content in (b"anime_id,year\n%d,1999\n" % item.pk, b"anime_id,year\n%d,1\n" % item.pk, b"\xff"):
        file = SimpleUploadedFile("titles.csv", content)
        check(admin_client.post(pages["catalog_item_import"], {"import_file": file, "format": "0"}))


def test_a_title_cannot_write_into_a_page(admin_client):
    evil = ItemFactory(name="<script>alert(1)</script>", franchise=FranchiseFactory(name="<b onclick=x>"))
    other = ItemFactory(name="<img src=x onerror=alert(1)>")
    check(admin_client.get(reverse("admin:catalog_item_changelist")))
    check(admin_client.get(reverse("admin:catalog_franchise_change", args=[evil.franchise_id])))
    merge = reverse("admin:catalog_item_merge")
    check(admin_client.get(f"{merge}?ids={evil.pk}&ids={other.pk}"))
    check(admin_client.post(merge, {"ids": [evil.pk, other.pk], "keep": evil.pk}, follow=True))
    check(admin_client.get(reverse("admin:catalog_item_history", args=[evil.pk])))
