"""No door takes longer than its input: its worst shape, twice as large, costs at most 2.5 times as much.

`DOORS` has the shapes that were found, or looked for, by hand; beside them every address of the site is sent
every name that some view or form reads. Sizes are near the limits where that takes milliseconds.
"""

from __future__ import annotations

import functools
import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

import pytest
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import User
from django.core.cache import cache
from django.forms import BaseForm
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from catalog.models import Item
from catalog.sheets import TitlesCSV
from catalog.tests.factories import ItemFactory
from catalog.text import fold
from feedback.lists.matching import matched
from feedback.lists.reading import read_list
from feedback.lists.rows import ListFileError, Row
from feedback.models import Event, FeedbackType
from feedback.tests.factories import UserFactory
from nostrade_site.bounds import most_of_a_body
from nostrade_site.content_types import plain
from nostrade_site.logs import without_secrets
from nostrade_site.parsers import read_object
from nostrade_site.reporting import blanked
from nostrade_site.tests.raw import send
from nostrade_site.tests.routes import addresses
from recommender.models import Checkpoint

pytestmark = pytest.mark.django_db
Growth = Callable[[Callable[[], object], Callable[[], object]], float]
Work = Callable[[], object]

MARKS = "\u0301\u0316"  # in the wrong order: to normalise them, they are sorted
FORM = "application/x-www-form-urlencoded"
TOKEN = "a" * 32
MOST = 2.5  # times the cost of half of it; linear work has 2, quadratic work 4


@dataclass(frozen=True)
class World:
    """Who knocks at the doors, and what stands behind them."""

    visitor: Client
    member: Client
    staff: Client
    user: User
    item: Item


@pytest.fixture
def world(settings) -> World:
    settings.ACCOUNT_RATE_LIMITS = False
    user, boss = UserFactory(), UserFactory(is_staff=True, is_superuser=True)
    member, staff = Client(), Client()
    member.force_login(user)
    staff.force_login(boss)
    item = ItemFactory(anime_id=1, genres=["Drama"], name="Monster")
    ItemFactory.create_batch(20, genres=["Comedy"])
    return World(Client(), member, staff, user, item)


def ask(client: Client, method: str, url: str, data: Any = "", kind: str = FORM, **more: Any) -> Any:
    """Send a request; no answer of ours is a fault, whatever is sent, or one of a rate limit."""
    cache.clear()
    answer = client.generic(method, url, data, kind, **more)
    assert answer.status_code < 500, url[:80]
    assert answer.status_code != 429, url[:80]
    return answer


def post(client: Client, url: str, **fields: str) -> Work:
    return partial(ask, client, "POST", url, urlencode(fields))


def send_json(client: Client, url: str, body: str) -> Work:
    return partial(ask, client, "POST", url, body.encode(), "application/json")


def raw(path: str, content_type: str = "", body: bytes = b"", **environ: str) -> Work:
    def work() -> int:
        cache.clear()
        status = send(path, content_type, body, **environ)
        assert status < 500
        return status

    return work


def reading(content: str) -> Work:
    def work() -> None:
        try:
            read_list(content.encode())
        except ListFileError:
            return

    return work


def names_of(n: int, *more: str) -> str:
    """Return a JSON object of n names, and more."""
    return "{" + ",".join([*(f'"k{each}":1' for each in range(n)), *more]) + "}"


def many_minds(world: World, n: int) -> Client:
    """Return a member who changed their mind about one title n times."""
    user = UserFactory()
    begin, kinds = timezone.now() - timedelta(days=1), (FeedbackType.LIKE, FeedbackType.LOVE)
    Event.objects.bulk_create(
        Event(
            user=user,
            item=world.item,
            feedback_type=kinds[place % 2],
            timestamp=begin + timedelta(milliseconds=place),
        )
        for place in range(n)
    )
    client = Client()
    client.force_login(user)
    return client


def multipart(part: str, n: int, end: str = "--x--\r\n", boundary: str = "x") -> Work:
    """Send a form without a file, n times a part."""
    kind = f"multipart/form-data; boundary={boundary}"
    return raw(
        reverse("account_login"), kind, body=(part * n + end).encode(), HTTP_COOKIE=f"csrftoken={TOKEN}"
    )


def get(path: str, **headers: str) -> Work:
    return raw(path, REQUEST_METHOD="GET", **{f"HTTP_{name.upper()}": said for name, said in headers.items()})


class Door(NamedTuple):
    """The size of the smaller input, in the unit that its shape counts, and the shape."""

    size: int
    make: Callable[[World, int], Work]


SCORE, BATCH, MANY = "/api/v1/score/", "/api/v1/events/batch/", "/api/v1/score/batch/"
LOG_IN, SIGN_UP, ITEMS = "/accounts/login/", "/accounts/signup/", "/api/v1/items/"
DOORS: dict[str, Door] = {
    # JSON: API_BODY_MB. In bytes, but for the names and values.
    "json: a name twice": Door(8_000, lambda w, n: send_json(w.visitor, SCORE, names_of(n, f'"k{n - 1}":2'))),
    "json: names in objects": Door(
        3_000, lambda w, n: send_json(w.visitor, SCORE, '{"a":[' + ",".join(['{"b":{}}'] * n) + "]}")
    ),
    "json: deep": Door(30_000, lambda w, n: send_json(w.visitor, SCORE, '{"a":' + "[" * n)),
    "json: digits": Door(500_000, lambda w, n: send_json(w.visitor, SCORE, '{"a":' + "1" * n + "}")),
    "json: decimals": Door(500_000, lambda w, n: send_json(w.visitor, SCORE, '{"a":0.' + "1" * n + "}")),
    "json: large numbers": Door(
        100, lambda w, n: send_json(w.visitor, SCORE, '{"a":[' + ",".join(["1" * 4299] * n) + "]}")
    ),
    "json: escapes": Door(80_000, lambda w, n: send_json(w.visitor, SCORE, '{"a":"' + "\\ud83d" * n + '"}')),
    "json: no JSON on many lines": Door(500_000, lambda w, n: send_json(w.visitor, SCORE, "\n" * n + "x")),
    "json: a name once": Door(20_000, lambda w, n: partial(read_object, names_of(n).encode())),
    # What the API's serializers read: a thousand of the most that they take, and all that a body holds.
    "api: a history": Door(
        30_000, lambda w, n: send_json(w.visitor, SCORE, '{"history":[' + "0," * n + "0]}")
    ),
    "api: a time": Door(
        200_000,
        lambda w, n: send_json(
            w.visitor,
            SCORE,
            '{"history":[{"anime_id":1,"feedback_type":"like","timestamp":"' + "1" * n + '"}]}',
        ),
    ),
    "api: events that are none": Door(
        30_000, lambda w, n: send_json(w.member, BATCH, '{"events":[' + "0," * n + "0]}")
    ),
    "api: events": Door(
        250,
        lambda w, n: send_json(
            w.member, BATCH, json.dumps({"events": [{"anime_id": 1, "feedback_type": "like"}] * n})
        ),
    ),
    "api: minds changed in a batch": Door(
        250,
        lambda w, n: send_json(
            w.member,
            BATCH,
            json.dumps({"events": [{"anime_id": 1, "feedback_type": 2 + i % 2} for i in range(n)]}),
        ),
    ),
    "api: histories that are none": Door(
        30_000, lambda w, n: send_json(w.member, MANY, '{"histories":[' + "0," * n + "0]}")
    ),
    "api: a password": Door(
        300_000,
        lambda w, n: partial(
            ask, w.member, "DELETE", "/api/v1/me/", json.dumps({"password": "x" * n}), "application/json"
        ),
    ),
    "api: a search": Door(
        4_000,
        lambda w, n: partial(ask, w.visitor, "GET", ITEMS + "?search=" + quote("a" + MARKS * (n // 12))),
    ),
    "api: a cursor": Door(
        4_000, lambda w, n: partial(ask, w.member, "GET", "/api/v1/events/?cursor=" + "cD0y" * (n // 4))
    ),
    "api: a page": Door(4_000, lambda w, n: partial(ask, w.visitor, "GET", f"{ITEMS}?page={'9' * n}")),
    "api: a view": Door(
        400,
        lambda w, n: partial(
            ask, w.visitor, "GET", "/api/v1/recommendations/?" + "&".join(f"near={i}" for i in range(n))
        ),
    ),
    # What people said before: it grows with each request.
    "events: the list": Door(1_000, lambda w, n: partial(ask, many_minds(w, n), "GET", "/api/v1/events/")),
    "events: activity": Door(1_000, lambda w, n: partial(ask, many_minds(w, n), "GET", "/activity/?q=a")),
    # Pages: of an address 8 KB, a quarter of what the web worker takes of a head.
    "page: nothing at an address": Door(4_000, lambda w, n: partial(ask, w.visitor, "GET", "/" + "a" * n)),
    "page: dashes in an address": Door(
        4_000, lambda w, n: partial(ask, w.visitor, "GET", "/" + "-a" * (n // 2))
    ),
    "page: addresses in an address": Door(
        4_000, lambda w, n: partial(ask, w.visitor, "GET", "/" + "://a:" * (n // 5))
    ),
    "page: feed, a view": Door(
        400, lambda w, n: partial(ask, w.visitor, "GET", "/?" + "&".join(f"near={i}" for i in range(n)))
    ),
    "page: search": Door(
        4_000, lambda w, n: partial(ask, w.visitor, "GET", "/search/?q=" + quote("\ufdfa" * (n // 9)))
    ),
    "page: why not": Door(
        4_000, lambda w, n: partial(ask, w.member, "GET", "/why-not/?q=" + "a%20" * (n // 4))
    ),
    "page: start": Door(
        4_000, lambda w, n: partial(ask, w.visitor, "GET", "/start/?q=" + quote(MARKS * (n // 12)))
    ),
    # Forms: 2.5 MB (Django's DATA_UPLOAD_MAX_MEMORY_SIZE), a thousand fields.
    "form: next": Door(
        20_000, lambda w, n: post(w.member, "/feedback/1/", feedback_type="9", next="//a" + MARKS * n)
    ),
    "form: reaction": Door(500_000, lambda w, n: post(w.member, "/feedback/1/", feedback_type="1" * n)),
    "form: since": Door(500_000, lambda w, n: post(w.member, "/saved/1/", saved="1", since=" " * n)),
    "form: view": Door(100_000, lambda w, n: post(w.member, "/keep/", view="in=a&" * (n // 5))),
    "form: log-in": Door(100_000, lambda w, n: post(w.visitor, LOG_IN, login="a" * n, password="x")),
    "form: log-in, next": Door(
        100_000, lambda w, n: post(w.visitor, LOG_IN, login="a", password="x", next="//a" + MARKS * (n // 12))
    ),
    "form: log-in, password": Door(
        500_000, lambda w, n: post(w.visitor, LOG_IN, login="a", password="x" * n)
    ),
    "form: sign-up, name": Door(
        100_000, lambda w, n: post(w.visitor, SIGN_UP, username="a" + MARKS * (n // 12), password1="x")
    ),
    "form: sign-up, address": Door(
        100_000, lambda w, n: post(w.visitor, SIGN_UP, username="a", email="a@" + "a." * n, password1="x")
    ),
    "form: sign-up, password": Door(
        300_000,
        lambda w, n: post(
            w.visitor, SIGN_UP, username="navigator", email="navigator@a.example", password1="1" * n
        ),
    ),
    "form: reset": Door(
        100_000, lambda w, n: post(w.visitor, "/accounts/password/reset/", email="a@" + "a." * n)
    ),
    "form: fields": Door(
        450, lambda w, n: post(w.member, "/feedback/1/", **{f"a{i}": "x" * 100 for i in range(n)})
    ),
    "form: percent signs": Door(
        300_000,
        lambda w, n: partial(ask, w.member, "POST", "/feedback/1/", "feedback_type=" + "%f0" * (n // 3)),
    ),
    "form: token's label": Door(500_000, lambda w, n: post(w.member, "/tokens/", label="a" * n)),
    "parts: without names": Door(450, lambda w, n: multipart("--x\r\n\r\n\r\n", n)),
    "parts: with many headers": Door(
        100,
        lambda w, n: multipart(
            '--x\r\ncontent-disposition: form-data; name="a"' + "; a=b" * 100 + "\r\n\r\n\r\n", n
        ),
    ),
    "parts: a boundary without an end": Door(200_000, lambda w, n: multipart("-", n, "", "-" * 69 + "x")),
    # The admin: as a curator.
    "admin: search": Door(
        4_000, lambda w, n: partial(ask, w.staff, "GET", "/admin/catalog/item/?q=" + "a+" * (n // 2))
    ),
    "admin: people": Door(4_000, lambda w, n: partial(ask, w.staff, "GET", "/admin/auth/user/?q=" + "a" * n)),
    "admin: completing": Door(
        4_000,
        lambda w, n: partial(
            ask,
            w.staff,
            "GET",
            "/admin/autocomplete/?app_label=catalog&model_name=item&field_name=franchise&term="
            + "a+" * (n // 2),
        ),
    ),
    "admin: a title": Door(
        100_000,
        lambda w, n: post(
            w.staff,
            "/admin/catalog/item/1/change/",
            name="a" * n,
            poster_url="http://" + "a." * n,
            synopsis="a" * n,
        ),
    ),
    "admin: titles of a franchise": Door(
        5_000,
        lambda w, n: post(
            w.staff,
            "/admin/catalog/franchise/add/",
            name="A",
            titles="\n".join(map(str, range(10**6, 10**6 + n))),
        ),
    ),
    "admin: a sheet's header": Door(
        50_000,
        lambda w, n: partial(
            TitlesCSV().create_dataset, ("anime_id," + ",".join(f"c{i}" for i in range(n))).encode()
        ),
    ),
    # Lists: LIST_UPLOAD_MB, unpacked 64 MB, 50,000 titles.
    "list: titles in CSV": Door(1_000, lambda w, n: reading("title\n" + ("a" * 1000 + "\n") * n)),
    "list: columns in CSV": Door(
        20_000, lambda w, n: reading("title," + ",".join(f"c{i}" for i in range(n)) + "\nx\n")
    ),
    "list: numbers in CSV": Door(
        20, lambda w, n: reading("title,score\n" + ("a,0." + "1" * 130_000 + "\n") * n)
    ),
    "list: dates in CSV": Door(500, lambda w, n: reading("title,date\n" + ("a," + "1-" * 500 + "\n") * n)),
    "list: lines in CSV": Door(200_000, lambda w, n: reading("title\n" + "\n" * n + "x\n")),
    "list: quotes in CSV": Door(300_000, lambda w, n: reading("title\n" + '"""' * n)),
    "list: names in JSON": Door(
        40_000,
        lambda w, n: reading(
            "{" + ",".join(f'"k{i}":{{}}' for i in range(n)) + ',"x":{"idMal":1,"score":1}}'
        ),
    ),
    "list: lists in JSON": Door(40_000, lambda w, n: reading("[" + "[]," * n + '{"idMal":1,"score":1}]')),
    "list: a number in JSON": Door(
        2_000_000, lambda w, n: reading('[{"idMal":1,"score":"0.' + "1" * n + '"}]')
    ),
    "list: a title in JSON": Door(2_000_000, lambda w, n: reading('[{"title":"' + "a" * n + '","score":1}]')),
    "list: finding titles": Door(
        250, lambda w, n: partial(matched, [Row(titles=(f"{i}" + "\ufdfa" * 250,)) for i in range(n)])
    ),
    # Texts that are compared, or written to the log.
    "text: folding": Door(4_000, lambda w, n: partial(fold, "a" + "\ufdfa" * n)),
    "log: a word": Door(20_000, lambda w, n: partial(without_secrets, "a" * n)),
    "log: words with dashes": Door(20_000, lambda w, n: partial(without_secrets, "secret-" * (n // 7))),
    "log: names of secrets": Door(20_000, lambda w, n: partial(without_secrets, "password" * (n // 8))),
    "log: secrets of spaces": Door(
        20_000, lambda w, n: partial(without_secrets, "password" + " " * n + "=" + " " * n)
    ),
    "log: addresses": Door(20_000, lambda w, n: partial(without_secrets, "://a:" * (n // 5))),
    "log: colons": Door(20_000, lambda w, n: partial(without_secrets, "://" + "a:" * (n // 2))),
    "log: tokens": Door(20_000, lambda w, n: partial(without_secrets, "token bearer " * (n // 13))),
    "log: an error that is reported": Door(
        20_000, lambda w, n: partial(blanked, {"message": "a" * n, "tags": {"a": ["://a:" * (n // 5)]}}, {})
    ),
    # Headers: 32 KB together (`nostrade_site.bounds`).
    "header: Content-Type": Door(15_000, lambda w, n: partial(plain, "a/b; " + "; boundary" * (n // 10))),
    "header: Cookie, quoted": Door(15_000, lambda w, n: get(LOG_IN, cookie='a="' + "\\a" * (n // 2) + '"')),
    "header: Cookie, many": Door(15_000, lambda w, n: get(LOG_IN, cookie="a=b;" * (n // 4))),
    "header: Accept": Door(15_000, lambda w, n: get(ITEMS, accept="a/b;q=0.1," * (n // 10))),
    "header: Accept-Encoding": Door(15_000, lambda w, n: get(LOG_IN, accept_encoding="gzip;q=0," * (n // 9))),
    "header: Accept-Language": Door(15_000, lambda w, n: get(LOG_IN, accept_language="a-" * (n // 2))),
    "header: Authorization": Door(15_000, lambda w, n: get(ITEMS, authorization="Bearer " + "a" * n)),
    "header: If-None-Match": Door(15_000, lambda w, n: get(ITEMS, if_none_match='"a",W/' * (n // 6))),
    "header: If-Modified-Since": Door(15_000, lambda w, n: get(ITEMS, if_modified_since="Mon, " * (n // 5))),
    "header: Idempotency-Key": Door(
        15_000, lambda w, n: partial(ask, w.member, "POST", "/api/v1/events/", "{}", headers={KEY: "a" * n})
    ),
    "header: Range": Door(
        15_000, lambda w, n: get("/static/css/tokens.css", range="bytes=" + "1-," * (n // 3))
    ),
    "header: Origin": Door(15_000, lambda w, n: get(ITEMS, origin="http://" + "a." * (n // 2))),
    "header: Referer": Door(15_000, lambda w, n: get(LOG_IN, referer="http://" + "a." * (n // 2))),
    "header: Host": Door(15_000, lambda w, n: get(LOG_IN, host="[" + "a:" * (n // 2))),
    "header: X-Forwarded-For": Door(15_000, lambda w, n: get(ITEMS, x_forwarded_for="1.1.1.1," * (n // 8))),
    "header: X-Request-ID": Door(15_000, lambda w, n: get(LOG_IN, x_request_id="a" * n)),
    "header: Content-Encoding": Door(
        15_000, lambda w, n: raw(SCORE, "application/json", HTTP_CONTENT_ENCODING="a," * n)
    ),
    "header: HX-Current-URL": Door(
        15_000, lambda w, n: get(LOG_IN, hx_request="true", hx_current_url="http://" + "a/" * (n // 2))
    ),
    "header: HX-Target": Door(15_000, lambda w, n: get("/", hx_request="true", hx_target="a" * n)),
}
KEY = "Idempotency-Key"


@pytest.mark.parametrize("name", DOORS)
def test_twice_the_input_takes_twice_the_time(name: str, world: World, growth: Growth) -> None:
    door = DOORS[name]
    once, twice = door.make(world, door.size), door.make(world, 2 * door.size)
    assert growth(once, twice) <= MOST


# --- Every address, with every name that anything reads --------------------------------------------


READ = re.compile(
    r'(?:\.get(?:list)?\(|\.(?:GET|POST|FILES)\[|" in request\.|'
    r'(?:_whole|_whole_number|_names|_chosen)\(\w+, )"([\w-]+)"'
)
# Django's own pages to add a row ask the database for the id that they are sent, and break on one that is no
# number: a fault that only staff can make, and that costs nothing. Their forms are in DOORS.
# And /readyz reads nothing, and says 503 where no checkpoint serves.
EXEMPT = re.compile(r"/admin/\w+/\w+/add/|/readyz")
APPS = ("nostrade_site", "catalog", "feedback", "recommender")


@functools.cache
def names_read() -> frozenset[str]:
    """Return every name that the sources take from a mapping, and the fields of every form and admin page."""
    files = [path for app in APPS for path in (Path(settings.BASE_DIR) / app).rglob("*.py")]
    sources = (path.read_text() for path in files if "tests" not in path.parts)
    forms = {name for form in _below(BaseForm) for name in getattr(form, "base_fields", ())}
    columns = {field.name for model in admin.site._registry for field in model._meta.get_fields()}
    return frozenset({name for source in sources for name in READ.findall(source)} | forms | columns)


def _below(kind: type) -> Iterator[type]:
    for one in kind.__subclasses__():
        yield one
        yield from _below(one)


def test_the_names_are_found() -> None:
    """Of each way to read one at least one, or the sweep below is of nothing."""
    assert names_read() > {"q", "page", "near", "in", "box", "next", "view", "since", "feedback_type", "ids"}
    assert names_read() > {"username", "poster_url", "titles", "label", "import_file", "person"}


def cost_of(client: Client, url: str, value: str) -> float:
    """Return the processor time of reading and of writing an address, with a value for every name."""
    said = urlencode(dict.fromkeys(names_read(), value))
    json_said = json.dumps(dict.fromkeys(names_read(), value))
    begin = time.process_time()
    for method in ("GET", "POST", "PUT", "DELETE") if url.startswith("/api/") else ("GET", "POST"):
        in_json = url.startswith("/api/") and method != "GET"
        query = f"?{said}" if method == "GET" else ""
        body, kind = (json_said, "application/json") if in_json else ("" if query else said, FORM)
        ask(client, method, url + query, body, kind)
    return time.process_time() - begin


@pytest.mark.parametrize("value", [f"a://a:{MARKS}", "99999999"], ids=["text", "digits"])
def test_no_address_takes_longer_than_what_it_is_sent(value: str, world: World, admin_user: User) -> None:
    """A hundred and more of them: one that looks worse is measured again, as other work may be at fault."""
    checkpoint = Checkpoint.objects.create(version="first", state=Checkpoint.State.ACTIVE)
    every = addresses({"version": checkpoint.version, "pk": str(checkpoint.pk)})
    found = [url for url in every if not EXEMPT.fullmatch(url)]
    assert len(found) > 100
    worse = []
    for url in found:
        for _ in range(4):
            world.staff.force_login(admin_user)
            once, twice = (cost_of(world.staff, url, value * n) for n in (50, 100))
            if twice <= MOST * max(once, 0.02):
                break
        else:
            worse.append((url, once, twice))
    assert worse == []


# --- Bounds ---------------------------------------------------------------------------------------


def test_headers_are_refused_that_no_browser_sends() -> None:
    assert get("/", cookie="a=b;" * 7_000)() == 200
    assert get("/", cookie="a=b;" * 9_000)() == 431
    assert get(ITEMS, accept="a" * 20_000, origin="b" * 20_000)() == 431


def test_a_body_is_refused_unread_that_nothing_here_takes(client: Client) -> None:
    too_long = str((most_of_a_body() << 20) + 1)
    answer = client.post("/api/v1/score/", "{}", content_type="application/json", CONTENT_LENGTH=too_long)
    assert (answer.status_code, answer.json()["detail"]) == (413, "Send at most 64 MB at a time.")
    assert raw(LOG_IN, FORM, CONTENT_LENGTH=too_long)() == 413


def test_a_body_is_read_that_the_api_is_set_to_take(client: Client, settings) -> None:
    settings.API_BODY_MB = 100
    long = str(90 << 20)
    answer = client.post("/api/v1/events/", "{}", content_type="application/json", CONTENT_LENGTH=long)
    assert answer.status_code == 401  # for want of a token, and not 413


def test_more_values_than_a_body_may_hold_are_refused(client: Client) -> None:
    answer = client.post(SCORE, '{"a":[' + "[]," * 40_000 + "[]]}", content_type="application/json")
    assert (answer.status_code, answer.json()["detail"]) == (
        413,
        "Send at most 65,536 values at a time: split the request.",
    )


def test_a_list_that_is_too_long_is_refused_as_a_whole(world: World) -> None:
    answer = send_json(world.member, BATCH, '{"events":[' + "0," * 600 + "0]}")()
    assert answer.status_code == 400
    assert answer.json()["errors"] == [
        {"field": "events", "detail": "Ensure this field has no more than 500 elements."}
    ]


def test_a_name_that_is_too_long_is_refused_at_log_in(world: World) -> None:
    page = post(world.visitor, LOG_IN, login="a" * 100_000, password="x")()
    assert page.status_code == 200
    assert "This is neither a name nor an address." in page.text


def test_a_search_that_is_too_long_is_refused_in_the_admin(world: World) -> None:
    answer = ask(world.staff, "GET", "/admin/catalog/item/?q=" + "a+" * 1_000)
    assert (answer.status_code, answer.text) == (400, "Search for 20 words and 200 characters at most.")


def test_no_page_of_the_feed_is_dealt_below_its_end(world: World) -> None:
    page = ask(world.visitor, "GET", "/?page=999999").context["page"]
    assert (page.number, page.cards, page.next_number) == (3, (), None)


def test_a_reaction_said_a_thousand_times_is_taken_back_in_few_queries(
    world: World, django_assert_max_num_queries: Any
) -> None:
    client = many_minds(world, 1_000)
    with django_assert_max_num_queries(40):
        assert post(client, "/feedback/1/", feedback_type="0")().status_code == 303
    assert not Event.objects.filter(feedback_type__gt=0).standing().exists()
    assert client.get("/api/v1/events/").json()["results"] == []
