"""Markup where words are expected: titles, names, labels, files and queries come out as text, on every page.

Each address of the site is asked for, as an operator who sees everything, and read as a browser reads it.
"""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser

import pytest
from defusedxml import ElementTree
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.test import Client
from django.urls import resolve, reverse

from catalog.models import Franchise, Genre, Item
from feedback.lists.importing import carry_on, take_in
from feedback.lists.reading import read_list
from feedback.models import Dismissal, FeedbackType, ListImport, Saved
from nostrade_site.tests.routes import addresses
from nostrade_site.tokens.models import ApiToken
from recommender import ignoring
from recommender.mapping import draw_missing
from recommender.models import Checkpoint, Preferences
from recommender.tests.fixtures import ROMANCES, say

pytestmark = pytest.mark.usefixtures("own_ranker")

# Out of an attribute, out of a script of JSON, into a tag, a handler and a link.
PAYLOAD = """"'><svg/onload=evil()></script><script>evil()//"""
LINKS = ("href", "src", "action", "formaction", "xlink:href", "data", "hx-get", "hx-post")
# What HTMX asks parts of pages for.
TARGETS = {
    "/": "feed",
    "/start/": "start",
    "/search/": "results",
    "/why/1/": "why",
    "/why-not/": "why-not",
    "/lists/import/1/": "list-import",
}
QUERY = dict.fromkeys(
    (
        "q",
        "kind",
        "in",
        "out",
        "like",
        "near",
        "layout",
        "box",
        "mood",
        "from",
        "genre",
        "type",
        "show",
        "below",
        "page",
        "search",
        "more",
    ),
    PAYLOAD,
)
# Where it must be seen, escaped: else this test would look at pages that say nothing.
SHOWN = {
    "recommender:feed", "recommender:start", "recommender:title", "recommender:why", "recommender:why_not",
    "recommender:map", "recommender:profile", "catalog:search", "catalog:poster", "feedback:activity",
    "feedback:saved", "feedback:lists", "feedback:list_import", "tokens", "account_email",
    "feedback:export_mal", "admin:index", "admin:auth_user_changelist", "admin:auth_user_change",
    "admin:auth_user_delete", "admin:auth_user_history", "admin:catalog_item_changelist",
    "admin:catalog_item_change", "admin:catalog_item_delete", "admin:catalog_item_history",
    "admin:catalog_genre_changelist", "admin:catalog_genre_change", "admin:catalog_franchise_change",
    "admin:catalog_franchise_delete", "admin:feedback_event_changelist", "admin:feedback_saved_changelist",
    "admin:feedback_dismissal_changelist", "admin:recommender_ignored_changelist",
    "admin:recommender_preferences_changelist", "admin:recommender_checkpoint_changelist",
    "admin:recommender_checkpoint_change",
}  # fmt: skip


class Browser(HTMLParser):
    """Note what would run."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.runs: list[str] = []
        self._script = False
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        self._script = tag == "script" and told.get("type") != "application/json"
        self.runs += [f"<{tag} {name}>" for name in told if name.startswith("on") or "evil" in name]
        self.runs += [
            f"<{tag} {name}={told[name]}>"
            for name in LINKS
            if (told.get(name) or "").strip().lower().startswith(("javascript:", "data:text", "//evil"))
        ]

    def handle_endtag(self, tag: str) -> None:
        self._script = False

    def handle_data(self, data: str) -> None:
        if self._script and data.strip():
            self.runs.append(f"<script>{data.strip()[:40]}")


@pytest.fixture
def operator(live: Checkpoint, settings) -> User:
    """Somebody of that name who did everything there is to do, with rows of the id 1 wherever a page asks."""
    settings.METRICS_TOKEN = "a-token-for-tests-only"
    person = User(pk=1, username=PAYLOAD[:150], email="o@x.example", is_staff=True, is_superuser=True)
    person.first_name = person.last_name = PAYLOAD
    person.save()
    for item in Item.objects.all():
        item.name, item.synopsis = f"{PAYLOAD} {item.pk}", PAYLOAD
        item.save()
    for genre in Genre.objects.all():
        genre.name = f"{PAYLOAD}{genre.pk}"
        genre.save()
    Genre.objects.get_or_create(pk=1, defaults={"name": f"{PAYLOAD}-1"})
    Franchise.objects.create(pk=1, name=PAYLOAD).hold([1, 2, 7])
    Preferences.objects.create(user=person, show_adult=True)
    for anime_id in (*list(ROMANCES)[9:14], 40, 1):
        say(person, anime_id, FeedbackType.DISLIKE if anime_id == 40 else FeedbackType.LOVE)
    Saved.objects.create(user=person, item_id=20)
    Dismissal.objects.dismiss(person, Item.objects.get(pk=21), Dismissal.Kind.FRANCHISE, None)
    ignoring.ignore(person, 12)
    ApiToken(pk=1, label=PAYLOAD, reads=True).issue(person)
    brought = f'title,score\n"{PAYLOAD.replace(chr(34), chr(34) * 2)}",9\n'.encode()
    listed = take_in(person, read_list(brought), f"{PAYLOAD}.csv")
    carry_on(listed.pk)
    ListImport.objects.filter(id=listed.pk).update(id=1)
    Checkpoint.objects.filter(id=live.pk).update(id=1)
    Checkpoint.objects.create(version="failed", state="failed", verdict=PAYLOAD, git_revision=PAYLOAD[:40])
    Checkpoint.objects.filter(pk=1).update(
        verdict=PAYLOAD, metrics={PAYLOAD: PAYLOAD}, data_fingerprint=PAYLOAD[:64], holder=PAYLOAD
    )
    list(draw_missing(steps=2))
    noted = ContentType.objects.get_for_model
    for row in (person, Item.objects.get(pk=1)):
        LogEntry.objects.create(
            user=person, content_type=noted(row), object_id=row.pk, object_repr=PAYLOAD,
            action_flag=CHANGE, change_message=PAYLOAD,
        )  # fmt: skip
    return person


def asked(person: User) -> Iterator[tuple[str, dict, dict]]:
    """Yield every address: as it is, with a hostile query, and as HTMX asks for its part."""
    for url in addresses({"object_id": "1", "anime_id": "1", "kind": "seen"}):
        if "logout" in url:
            continue
        yield url, {}, {}
        if url.startswith("/admin/"):
            if url.count("/") == 4:
                yield url, {"q": PAYLOAD}, {}
            continue
        yield url, QUERY, {}
        if target := TARGETS.get(url):
            yield url, {"q": "svg"}, {"HX-Request": "true", "HX-Target": target}


def test_nothing_that_people_write_runs(operator: User) -> None:
    client = Client()
    client.force_login(operator)
    client.post(reverse("feedback:react", args=[15]), {"feedback_type": "3"})  # the next page tells of it
    seen, running = set(), {}
    for url, query, headers in asked(operator):
        answer = client.get(url, query, headers=headers)
        assert answer.status_code < 500 or url == "/readyz", url  # no broker is needed here
        kind = answer.headers.get("Content-Type", "").split(";")[0]
        text = answer.getvalue().decode()
        if kind == "text/html":
            if runs := Browser(text).runs:
                running[url] = runs
        elif kind in ("image/svg+xml", "application/xml"):
            drawn = list(ElementTree.fromstring(text).iter())
            assert not [part for part in drawn if part.tag.endswith(("script", "foreignObject"))]
            assert not [name for part in drawn for name in part.attrib if name.lower().startswith("on")]
        if "evil()" in text:
            seen.add(resolve(url).view_name)
    assert running == {}
    assert seen >= SHOWN, SHOWN - seen


@pytest.mark.parametrize(
    "markup",
    [
        f"<p>{PAYLOAD}",
        f'<p title="{PAYLOAD}">',
        f'<script type="application/json">{{"a": "{PAYLOAD}"}}</script>',
        "<a href=' JavaScript:evil()'>",
        "<script>var name = 'x'</script>",
    ],
)
def test_the_browser_of_this_test_would_notice(markup: str) -> None:
    assert Browser(markup).runs


def test_a_notice_and_a_refusal_are_text(client: Client, operator: User) -> None:
    client.force_login(operator)
    revoked = client.post(reverse("token_revoke", args=[1]), follow=True).content.decode()
    refused = client.get(reverse("feedback:activity"), {"kind": PAYLOAD})
    bare = client.get(reverse("feedback:activity"), {"kind": PAYLOAD}, headers={"HX-Request": "true"})
    assert "evil()" in revoked
    assert Browser(revoked).runs == Browser(refused.content.decode()).runs == []
    assert refused.status_code == bare.status_code == 400
    assert bare.headers["Content-Type"].startswith("text/plain")
