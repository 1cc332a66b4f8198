"""Every form pressed several times, at once and a moment apart: it is done once, and none is a 500.

The posts go over sockets to a threaded server with the real database. A form that is added is in `FORMS`, or
in `NOTHING_TWICE` with the reason: a test asks every address of the site.
"""

from __future__ import annotations

import contextlib
import http.client
import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import pytest
from allauth.account.forms import default_token_generator
from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from allauth.account.utils import user_pk_to_url_str
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application
from django.test import Client
from django.urls import resolve, reverse

from catalog.models import Franchise, Genre, Item
from catalog.tests.factories import ItemFactory
from feedback.guests import GUEST_PREFIX
from feedback.lists.importing import carry_on, confirm, take_in
from feedback.lists.reading import read_list
from feedback.models import Dismissal, Event, FeedbackType, ListImport, Saved, TrainingOptOut
from feedback.tests.factories import PASSWORD, UserFactory
from nostrade_site.tests.routes import addresses
from nostrade_site.tokens.models import ApiToken
from recommender.models import Checkpoint, Ignored, Preferences

PRESSES = 6
TOKEN = "t" * 32
NEW_PASSWORD = "four-swords-style"
LIST = b"anime_id,score\n1,9\n2,3\n"


@dataclass
class Press:
    """A form as a browser sends it, and what stands in the database once all presses are answered."""

    url: str
    data: dict[str, str]
    made: Callable[[], Any]
    expected: Any
    client: Client = field(default_factory=Client)
    file: bytes = b""
    may_say: str = (
        "nothing"  # what a press that came too late is answered, where it is no success like the first
    )


Form = Callable[[], Press]
FORMS: dict[str, list[Form]] = {}


def form(*names: str) -> Callable[[Form], Form]:
    """Note which addresses, by name, a form is sent to."""

    def note(made: Form) -> Form:
        for name in names:
            FORMS.setdefault(name, []).append(made)
        return made

    return note


def logged_in(**fields: Any) -> tuple[Any, Client]:
    user, client = UserFactory(**fields), Client()
    client.force_login(user)
    return user, client


def curator() -> Client:
    return logged_in(is_staff=True, is_superuser=True)[1]


def proven(client: Client) -> Client:
    """Let a member have proved with the password, a moment ago, that it is them."""
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    return client


def members() -> int:
    return get_user_model().objects.exclude(username__startswith=GUEST_PREFIX).count()


SIGN_UP = {"username": "nami", "email": "nami@sea.example", "password1": "navigator-of-seas"}


def names_and_addresses() -> tuple[list[str], int]:
    return [*get_user_model().objects.values_list("username", flat=True)], EmailAddress.objects.count()


@form("account_signup")
def a_stranger_signs_up() -> Press:
    return Press(reverse("account_signup"), SIGN_UP, names_and_addresses, (["nami"], 1))


@form("account_signup")
def a_guest_signs_up() -> Press:
    guest, client = logged_in(guest=True)
    Event.objects.record(guest, ItemFactory(), FeedbackType.LOVE)
    made = lambda: (*names_and_addresses(), Event.objects.get().user.username)  # noqa: E731
    return Press(reverse("account_signup"), SIGN_UP, made, (["nami"], 1, "nami"), client)


@form("account_login")
def a_guest_logs_in() -> Press:
    member, (guest, client) = UserFactory(email="m@sea.example"), logged_in(guest=True)
    Event.objects.record(guest, ItemFactory(), FeedbackType.LOVE)
    Saved.objects.keep(guest, ItemFactory())
    Preferences.objects.create(user=guest, wildcards=2)
    TrainingOptOut.objects.create(user=guest)
    made = lambda: (get_user_model().objects.count(), Event.objects.get().user_id, Saved.objects.count())  # noqa: E731
    data = {"login": member.username, "password": PASSWORD}
    return Press(reverse("account_login"), data, made, (1, member.pk, 1), client)


@form("account_login")
def a_stranger_logs_in() -> Press:
    data = {"login": UserFactory().username, "password": PASSWORD}
    return Press(reverse("account_login"), data, get_user_model().objects.count, 1)


@form("account_logout")
def a_member_logs_out() -> Press:
    return Press(reverse("account_logout"), {}, members, 1, logged_in()[1])


@form("account_delete")
def a_member_deletes_their_account() -> Press:
    _, client = logged_in()
    return Press(reverse("account_delete"), {}, members, 0, proven(client))


@form("account_delete")
def a_guest_deletes_everything() -> Press:
    guest, client = logged_in(guest=True)
    Event.objects.record(guest, ItemFactory(), FeedbackType.LOVE)
    return Press(reverse("account_delete"), {}, get_user_model().objects.count, 0, client)


@form("account_email")
def an_address_is_added() -> Press:
    _, client = logged_in()
    data = {"email": "nami@sea.example", "action_add": ""}
    made = lambda: [*EmailAddress.objects.values_list("email", flat=True)]  # noqa: E731
    return Press(
        reverse("account_email"),
        data,
        made,
        ["nami@sea.example"],
        proven(client),
        may_say="already associated with this account",
    )


def with_addresses() -> Client:
    member, client = logged_in(email="one@sea.example")
    EmailAddress.objects.create(user=member, email="one@sea.example", primary=True, verified=True)
    EmailAddress.objects.create(user=member, email="two@sea.example", verified=True)
    return proven(client)


@form("account_email")
def an_address_becomes_the_main_one() -> Press:
    client = with_addresses()
    data = {"email": "two@sea.example", "action_primary": ""}
    made = lambda: [*EmailAddress.objects.filter(primary=True).values_list("email", flat=True)]  # noqa: E731
    return Press(reverse("account_email"), data, made, ["two@sea.example"], client)


@form("account_email")
def an_address_is_removed() -> Press:
    client = with_addresses()
    data = {"email": "two@sea.example", "action_remove": ""}
    return Press(reverse("account_email"), data, EmailAddress.objects.count, 1, client)


@form("account_confirm_email")
def an_address_is_confirmed() -> Press:
    address = EmailAddress.objects.create(user=UserFactory(), email="nami@sea.example", primary=True)
    url = reverse("account_confirm_email", args=[EmailConfirmationHMAC(address).key])
    return Press(url, {}, lambda: EmailAddress.objects.get().verified, True)


@form("account_change_password")
def a_password_is_changed() -> Press:
    _, client = logged_in()
    data = {"oldpassword": PASSWORD, "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    made = lambda: get_user_model().objects.get().check_password(NEW_PASSWORD)  # noqa: E731
    return Press(reverse("account_change_password"), data, made, True, client)


@form("account_reset_password")
def a_lost_password_is_told_of() -> Press:
    UserFactory(email="nami@sea.example")
    return Press(reverse("account_reset_password"), {"email": "nami@sea.example"}, members, 1)


@form("account_reset_password_from_key")
def a_lost_password_is_replaced() -> Press:
    member, client = UserFactory(email="nami@sea.example"), Client()
    key = default_token_generator.make_token(member)
    uid = user_pk_to_url_str(member)
    client.get(reverse("account_reset_password_from_key", args=[uid, key]))
    url = reverse("account_reset_password_from_key", args=[uid, "set-password"])
    data = {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    made = lambda: get_user_model().objects.get().check_password(NEW_PASSWORD)  # noqa: E731
    return Press(url, data, made, True, client)


@form("account_reauthenticate")
def a_member_proves_that_it_is_them() -> Press:
    _, client = logged_in()
    return Press(reverse("account_reauthenticate"), {"password": PASSWORD}, members, 1, client)


@form("tokens")
def a_token_is_made() -> Press:
    _, client = logged_in()
    data = {"label": "backup script", "reads": "on"}
    return Press(
        reverse("tokens"), data, ApiToken.objects.count, 1, proven(client), may_say="was made a moment ago"
    )


@form("token_revoke")
def a_token_is_revoked() -> Press:
    member, client = logged_in()
    ApiToken(label="t").issue(member)
    return Press(
        reverse("token_revoke", args=[ApiToken.objects.get().pk]),
        {},
        ApiToken.objects.count,
        0,
        client,
        may_say="was revoked",
    )


# --- What people say ------------------------------------------------------------------------------


def guests_and(count: Callable[[], int]) -> Callable[[], tuple[int, int]]:
    return lambda: (get_user_model().objects.count(), count())


@form("feedback:react")
def a_stranger_reacts() -> Press:
    url = reverse("feedback:react", args=[ItemFactory().pk])
    return Press(url, {"feedback_type": "3"}, guests_and(Event.objects.count), (1, 1))


@form("feedback:react")
def a_guest_reacts() -> Press:
    url = reverse("feedback:react", args=[ItemFactory().pk])
    _, client = logged_in(guest=True)
    return Press(url, {"feedback_type": "3"}, guests_and(Event.objects.count), (1, 1), client)


@form("feedback:react")
def a_reaction_is_taken_back() -> Press:
    (member, client), item = logged_in(), ItemFactory()
    Event.objects.record(member, item, FeedbackType.LOVE)
    return Press(
        reverse("feedback:react", args=[item.pk]), {"feedback_type": "0"}, Event.objects.count, 2, client
    )


@form("feedback:undo")
def a_reaction_is_undone() -> Press:
    member, client = logged_in()
    event = Event.objects.record(member, ItemFactory(), FeedbackType.LOVE)
    return Press(reverse("feedback:undo", args=[event.pk]), {}, Event.objects.count, 2, client)


@form("feedback:save")
def a_stranger_saves() -> Press:
    url = reverse("feedback:save", args=[ItemFactory().pk])
    return Press(url, {"saved": "1"}, guests_and(Saved.objects.count), (1, 1))


@form("feedback:save")
def a_saved_title_is_let_go() -> Press:
    (member, client), item = logged_in(), ItemFactory()
    Saved.objects.keep(member, item)
    return Press(reverse("feedback:save", args=[item.pk]), {"saved": "0"}, Saved.objects.count, 0, client)


@form("feedback:dismiss")
def a_stranger_dismisses() -> Press:
    url = reverse("feedback:dismiss", args=[ItemFactory().pk])
    return Press(url, {"hide": "not-now"}, guests_and(Dismissal.objects.count), (1, 1))


@form("feedback:dismiss")
def a_dismissed_title_is_shown_again() -> Press:
    (member, client), item = logged_in(), ItemFactory()
    Dismissal.objects.dismiss(member, item, Dismissal.Kind.SEEN, None)
    url = reverse("feedback:dismiss", args=[item.pk])
    return Press(url, {"show": "seen"}, Dismissal.objects.count, 0, client)


@form("recommender:ignore")
def a_cause_is_ignored() -> Press:
    (member, client), item = logged_in(), ItemFactory()
    Event.objects.record(member, item, FeedbackType.LOVE)
    return Press(reverse("recommender:ignore", args=[item.pk]), {}, Ignored.objects.count, 1, client)


@form("recommender:count")
def a_cause_counts_again() -> Press:
    (member, client), item = logged_in(), ItemFactory()
    Event.objects.record(member, item, FeedbackType.LOVE)
    Ignored.objects.create(user=member, item=item)
    return Press(reverse("recommender:count", args=[item.pk]), {}, Ignored.objects.count, 0, client)


@form("recommender:keep")
def a_stranger_keeps_a_view() -> Press:
    data = {"view": "discovery=3"}
    return Press(reverse("recommender:keep"), data, guests_and(Preferences.objects.count), (1, 1))


@form("recommender:preferences")
def a_stranger_sets_preferences() -> Press:
    data = {"wildcards": "2"}  # and does not teach
    made = lambda: (*guests_and(Preferences.objects.count)(), TrainingOptOut.objects.count())  # noqa: E731
    return Press(reverse("recommender:preferences"), data, made, (1, 1, 1))


# --- Lists ----------------------------------------------------------------------------------------


def titles() -> None:
    ItemFactory(anime_id=1)
    ItemFactory(anime_id=2)


@form("feedback:list_upload")
def a_stranger_uploads_a_list() -> Press:
    titles()
    made = guests_and(ListImport.objects.count)
    return Press(reverse("feedback:list_upload"), {}, made, (1, 1), file=LIST)


def brought() -> tuple[ListImport, Client]:
    titles()
    member, client = logged_in()
    listed = take_in(member, read_list(LIST), "list.csv")
    carry_on(listed.pk)
    return listed, client


def listed() -> tuple[list[str], int]:
    return [*ListImport.objects.values_list("state", flat=True)], Event.objects.count()


@form("feedback:list_confirm")
def a_list_is_confirmed() -> Press:
    found, client = brought()
    return Press(reverse("feedback:list_confirm", args=[found.pk]), {}, listed, (["done"], 2), client)


@form("feedback:list_discard")
def a_list_is_discarded() -> Press:
    found, client = brought()
    return Press(
        reverse("feedback:list_discard", args=[found.pk]),
        {},
        listed,
        ([], 0),
        client,
        may_say="no such import of yours",
    )


@form("feedback:list_undo")
def a_list_is_taken_back() -> Press:
    found, client = brought()
    confirm(found, overrule=False)
    carry_on(found.pk)
    return Press(reverse("feedback:list_undo", args=[found.pk]), {}, listed, (["undone"], 4), client)


@form("feedback:list_resume")
def a_list_goes_on() -> Press:
    found, client = brought()
    confirm(found, overrule=False)
    return Press(reverse("feedback:list_resume", args=[found.pk]), {}, listed, (["done"], 2), client)


# --- The admin ------------------------------------------------------------------------------------


@form("admin:catalog_genre_add")
def a_genre_is_added() -> Press:
    return Press(
        reverse("admin:catalog_genre_add"),
        {"name": "Isekai"},
        Genre.objects.count,
        1,
        curator(),
        may_say="already exists",
    )


@form("admin:catalog_franchise_add")
def a_franchise_is_added() -> Press:
    data = {"name": "One Piece", "titles": ""}
    return Press(
        reverse("admin:catalog_franchise_add"),
        data,
        Franchise.objects.count,
        1,
        curator(),
        may_say="already exists",
    )


@form("admin:catalog_item_add")
def a_title_is_added() -> Press:
    data = {
        "anime_id": "77",
        "name": "One Piece",
        "members": "0",
        "genres": Genre.objects.create(name="Sea").pk,
    }
    return Press(
        reverse("admin:catalog_item_add"), data, Item.objects.count, 1, curator(), may_say="already exists"
    )


@form("admin:auth_group_add")
def a_group_is_added() -> Press:
    made = Group.objects.filter(name="Sailors").count
    return Press(
        reverse("admin:auth_group_add"), {"name": "Sailors"}, made, 1, curator(), may_say="already exists"
    )


@form("admin:account_emailaddress_add")
def an_address_is_added_for_somebody() -> Press:
    data = {"user": str(UserFactory().pk), "email": "nami@sea.example", "primary": "on"}
    return Press(
        reverse("admin:account_emailaddress_add"),
        data,
        EmailAddress.objects.count,
        1,
        curator(),
        may_say="is violated|already exists",
    )


@form("admin:recommender_checkpoint_retrain")
def a_run_is_asked_for() -> Press:
    made = Checkpoint.objects.count  # a worker claims the one row; where no broker answers, the page says so
    return Press(reverse("admin:recommender_checkpoint_retrain"), {}, made, 0, curator())


# --- The presses ----------------------------------------------------------------------------------

EVERY = [(name, made) for name, forms in FORMS.items() for made in forms]


@pytest.fixture
def server(transactional_db: None, settings: Any) -> Iterator[Callable[[], int]]:
    """Serve the site in threads, each with a database connection of its own.

    Return a function that starts it and returns the port.
    """
    settings.ACCOUNT_RATE_LIMITS = False
    started: list[tuple[ThreadedWSGIServer, threading.Thread]] = []

    def start() -> int:
        httpd = ThreadedWSGIServer(("127.0.0.1", 0), Quiet)
        httpd.set_app(get_wsgi_application())
        thread = threading.Thread(target=httpd.serve_forever, daemon=True)
        thread.start()
        started.append((httpd, thread))
        return int(httpd.server_port)

    yield start
    for httpd, thread in started:
        httpd.shutdown()
        httpd.server_close()
        thread.join(30)


class Quiet(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Write nothing: what is refused on purpose would fill the screen."""


def press(port: int, sent: Press) -> tuple[int, dict[str, str], str]:
    """Send the form as it stands in the page, with the cookies of the moment when that was loaded."""
    cookies = {name: morsel.value for name, morsel in sent.client.cookies.items()} | {"csrftoken": TOKEN}
    data = sent.data | {"csrfmiddlewaretoken": TOKEN}
    body, kind = urlencode(data).encode(), "application/x-www-form-urlencoded"
    if sent.file:
        parts = [f'--b\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n' for n, v in data.items()]
        head = '--b\r\nContent-Disposition: form-data; name="list"; filename="list.csv"\r\n\r\n'
        body = "".join(parts).encode() + head.encode() + sent.file + b"\r\n--b--\r\n"
        kind = "multipart/form-data; boundary=b"
    caller = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    with contextlib.closing(caller):
        cookie = "; ".join(f"{name}={value}" for name, value in cookies.items())
        caller.request("POST", sent.url, body, {"Content-Type": kind, "Cookie": cookie})
        answer = caller.getresponse()
        text = answer.read().decode(errors="replace")
        return answer.status, dict(answer.getheaders()), text


def sentence_of(text: str) -> str:
    """Return what a page says is wrong: what it is judged by where it is a refusal."""
    found = re.findall(
        r"(?:data-error|field__error|form__error|errornote|errorlist|role=\"alert\")[^>]*>(.*?)</", text, re.S
    )
    return " ".join(re.sub(r"<[^>]+>|\s+", " ", each).strip() for each in found)


@pytest.mark.parametrize("gap", [0, 0.03], ids=["at once", "30 ms apart"])
@pytest.mark.parametrize(("name", "made"), EVERY, ids=[f"{made.__name__}" for _, made in EVERY])
def test_pressed_several_times_it_is_done_once(server: Any, name: str, made: Form, gap: float) -> None:
    sent = made()
    port, start = server(), threading.Barrier(PRESSES)

    def one(number: int) -> tuple[int, dict[str, str], str]:
        start.wait(120)
        time.sleep(number * gap)
        return press(port, sent)

    with ThreadPoolExecutor(PRESSES) as pool:
        answers = list(pool.map(one, range(PRESSES)))
    said = [(status, headers.get("Location", ""), sentence_of(text)) for status, headers, text in answers]
    assert max(status for status, *_ in said) < 500, said
    assert min(status for status, *_ in said) < 400, said
    late = [each for each in said if each[0] >= 400 or each[2]]
    assert [each for each in late if not re.search(sent.may_say, each[2])] == []
    assert sent.made() == sent.expected, said


# --- Every form -----------------------------------------------------------------------------------

NOTHING_TWICE = {
    r"/change/$|/[x1]/$": "it edits the row that is there, whatever it was before",
    r"/delete/$": "what is gone is gone; Django's page says so of the second press",
    r"^/admin/\w+/\w+/$": "a list's actions set a state (shown, hidden, active); again changes nothing",
    r"^/admin/catalog/item/(import|export|process_import|merge)/$": "titles are written by their ids, so"
    " the second time they stand already; a merged title is none to merge; an export makes its own file",
    r"^/admin/recommender/checkpoint/1/(promote|roll-back|compare|log)/$": "promoting twice is promoting",
    r"^/admin/(login|logout|password_change|password_change/done|autocomplete|jsi18n)/$": "the site's own"
    " pages do this, and they are above",
    r"^/admin/|^/healthz$|^/readyz$|^/metrics$|^/favicon.ico$|^/accounts/(inactive|confirm-email)/$"
    r"|^/accounts/password/reset(/key)?/done/$|^/privacy/$|^/api/docs/$": "it shows a page and makes nothing",
    r"^/accounts/password/set/$": "for accounts without a password, which members never are",
    r"^/accounts/login/code/confirm/$": "there are no codes to log in with",
    r"^/api/v1/": "programs: keys and PUT, in test_receipts.py, test_api.py and test_api_dismissals.py",
}


def test_every_form_is_pressed_twice_or_makes_nothing(db: None) -> None:
    """A form that is added must be among those above, or among the reasons."""
    open_to_posts = []
    for url in addresses():
        client = Client(raise_request_exception=False)
        client.force_login(
            get_user_model().objects.filter(is_superuser=True).first()
            or UserFactory(is_superuser=True, is_staff=True)
        )
        if client.post(url).status_code != 405:
            open_to_posts.append(url)
    assert len(open_to_posts) > 60
    unknown = [
        url
        for url in open_to_posts
        if resolve(url).view_name not in FORMS and not any(re.search(known, url) for known in NOTHING_TWICE)
    ]
    assert unknown == []


def test_of_two_names_for_one_guest_the_first_is_taken(server: Any) -> None:
    """Two tabs with the sign-up page, filled in differently: the guest gets one name, and keeps it.

    Where the first has ended the guest's session before the second arrives, that one is a stranger's.
    """
    guest, client = logged_in(guest=True)
    url, names = reverse("account_signup"), ("nami", "robin")
    port, start = server(), threading.Barrier(2)

    def one(name: str) -> tuple[int, dict[str, str], str]:
        start.wait(120)
        data = {"username": name, "password1": "navigator-of-seas"}
        return press(port, Press(url, data, members, 1, client))

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(one, names))
    assert {status for status, *_ in answers} <= {302, 303}
    guest.refresh_from_db()
    assert guest.username in names
    others = get_user_model().objects.exclude(pk=guest.pk).values_list("username", flat=True)
    assert {*others} <= {*names} - {guest.username}


def test_a_taken_name_with_another_password_lets_nobody_in(server: Any) -> None:
    """A second press is known by its password; a stranger who wants the name is refused it."""
    UserFactory(username="nami")
    data = SIGN_UP | {"email": "", "password1": "another-one-entirely"}
    status, headers, text = press(server(), Press(reverse("account_signup"), data, members, 1))
    assert status == 200
    assert "already exists" in sentence_of(text)
    assert "sessionid" not in str(headers)


def test_an_old_account_is_not_logged_in_to_by_signing_up(client: Client, db: None) -> None:
    """Else the sign-up page would be a second place to guess passwords at."""
    UserFactory(username="nami", date_joined="2020-01-01T00:00Z")
    client.post(reverse("account_signup"), {"username": "nami", "password1": PASSWORD})
    assert client.get("/api/v1/me/").status_code == 401


def test_an_answer_stands_where_the_session_ended_meanwhile(server: Any, monkeypatch: Any) -> None:
    """A guest reacts while signing up in another tab: what was carried out is no "muddled request"."""
    _, client = logged_in(guest=True)
    url, record = reverse("feedback:react", args=[ItemFactory().pk]), Event.objects.record

    def and_meanwhile(*args: Any, **kwargs: Any) -> Event:
        event = record(*args, **kwargs)
        client.session.delete()
        return event

    monkeypatch.setattr(Event.objects, "record", and_meanwhile)
    assert client.post(url, {"feedback_type": "3"}).status_code == 303
    assert Event.objects.count() == 1
