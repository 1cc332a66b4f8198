"""Names: one person each, in whatever spelling, and none that passes for the site's own people."""

from __future__ import annotations

import unicodedata
from importlib import import_module

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from feedback.guests import is_guest
from feedback.tests.factories import PASSWORD, UserFactory
from nostrade_site.accounts.identity import called, give_keys, keep_names, take_name
from nostrade_site.accounts.names import key_of, spelled
from nostrade_site.models import AccountName

pytestmark = pytest.mark.django_db
SIGN_UP, LOG_IN = reverse("account_signup"), reverse("account_login")
SPELLINGS = [
    ("Анна", "АННА"),
    ("Émile", "E\u0301MILE"),
    ("zoro", "ｚｏｒｏ"),
    ("zoro", "ZORO"),
    ("straße", "STRASSE"),
    ("ΙΩΆΝΝΗΣ", "ιωάννης"),
    ("ﬁnn", "finn"),
    ("ⅷ", "VIII"),
    ("x²", "x2"),
    ("カ\u3099ンタ", "ガンタ"),
]


def sign_up(name: str, **more: str):
    return Client().post(SIGN_UP, {"username": name, "password1": PASSWORD} | more)


def log_in(name: str) -> User | None:
    client = Client()
    client.post(LOG_IN, {"login": name, "password": PASSWORD})
    found = client.session.get("_auth_user_id")
    return User.objects.get(pk=found) if found else None


def refusal(name: str) -> str:
    answer = sign_up(name)
    assert answer.status_code == 200
    assert not User.objects.exists()
    return " ".join(answer.context["form"].errors.get("username", []))


@pytest.mark.parametrize(("name", "other"), SPELLINGS)
def test_a_name_is_one_persons_in_every_spelling(name: str, other: str) -> None:
    assert sign_up(name).status_code == 302
    assert "already exists" in sign_up(other, password1="another-ones-style").content.decode()
    owner = User.objects.get()
    assert owner.username == unicodedata.normalize("NFKC", name)
    assert log_in(name) == log_in(other) == owner


@pytest.mark.parametrize(("name", "other"), SPELLINGS)
def test_the_database_holds_it_too(name: str, other: str) -> None:
    """Two who sign up in the same moment pass the form's check both: the constraint decides."""
    take_name(UserFactory(username=name))
    with pytest.raises(IntegrityError), transaction.atomic():
        take_name(UserFactory(username=other))


@pytest.mark.parametrize(
    "name",
    ["Émile", "E\u0301mile", "हिन्दी", "日本語Fan", "Ангелина", "Đặng.Hồng", "a+b_c-d", "badminton", "Mali"],
)
def test_letters_of_all_scripts_will_do(name: str) -> None:
    assert sign_up(name).status_code == 302
    assert User.objects.get().username == unicodedata.normalize("NFKC", name)


@pytest.mark.parametrize(
    "name",
    [
        "admin", "ADMIN", "ａdmin", "adm1n", "a.d.m.i.n", "admin-2", "administrator", "root", "r00t",
        "support", "Support_", "moderator", "rnoderator", "system", "staff", "nostrade",
        "Nostrade-Team", "n0strade", "админ", "webmaster", "ᴀᴅᴍɪɴ", "ʀoot", "sᴜᴘᴘᴏʀᴛ", "ɴᴏsᴛʀᴀᴅᴇ",
    ],
)  # fmt: skip
def test_no_name_passes_for_somebody_who_works_here(name: str) -> None:
    assert "works here" in refusal(name)


@pytest.mark.parametrize(
    "name", ["guest", "guest-1", "GUEST-1", "ｇｕｅｓｔ-1", "gue5t-1", "guest-of-honour", "ɢᴜᴇsᴛ-1"]
)
def test_nor_for_a_visitor(name: str) -> None:
    assert "kept for visitors" in refusal(name)


@pytest.mark.parametrize("name", ["аdmin", "Аnna", "zοro", "ѕystem", "guеst-1"])
def test_nor_for_another_by_letters_of_another_alphabet(name: str) -> None:
    assert "look alike" in refusal(name)


@pytest.mark.parametrize(
    "name",
    [
        "zo\u200bro", "\u202eoroz", "zo\u2066ro", "\ufeffzoro", "zo\u00adro", "zoro\u3164", "zo\u034fro",
        "zo\ufe0fro",
    ],
)  # fmt: skip
def test_nor_by_characters_that_are_not_seen(name: str) -> None:
    assert "cannot be seen" in refusal(name)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("nami@sea.example", "no “@”"),
        ("nami＠sea.example", "no “@”"),
        ("zoro juro", "letters, figures"),
        ("<b>", "letters, figures"),
        ("🙂", "letters, figures"),
        ("...", "letters, figures"),
        ("\u0301zoro", "letters, figures"),
        ("z" + "\u0321" * 9, "letters, figures"),
        ("z" * 151, "at most 150"),
        ("ﷺ" * 150, "too long"),  # 18 letters each
        ("ß" * 100, "too long"),  # two each, when compared
    ],
)
def test_it_says_what_else_is_no_name(name: str, sentence: str) -> None:
    assert sentence in refusal(name)


def test_guests_have_no_key_and_members_lose_none(client: Client) -> None:
    guest = UserFactory(guest=True)
    client.force_login(guest)
    keep_names()
    assert not AccountName.objects.exists()
    client.post(SIGN_UP, {"username": "Zoro", "password1": PASSWORD})
    guest.refresh_from_db()
    assert not is_guest(guest)
    assert AccountName.objects.get().key == "zoro"


def test_who_was_called_by_an_address_still_logs_in() -> None:
    """Names could be addresses, even those of others; whoever confirms one is found by it first."""
    old = UserFactory(username="nami@sea.example")
    keep_names()
    assert log_in("nami@sea.example") == log_in("NAMI@sea.example") == old
    owner = User.objects.create_user("nami", "nami@sea.example", "another-one")
    owner.emailaddress_set.create(email=owner.email, verified=True, primary=True)
    assert log_in("nami@sea.example") == old
    client = Client()
    client.post(LOG_IN, {"login": "nami@sea.example", "password": "another-one"})
    assert client.session["_auth_user_id"] == str(owner.pk)


def test_names_that_clash_already_lose_nobody() -> None:
    """The plainly spelled one answers to every spelling, the others to their own."""
    wide, plain, capitals = (UserFactory(username=name) for name in ("ａdmin", "admin", "ADMIN"))
    assert give_keys(User, AccountName) == 3
    assert give_keys(User, AccountName) == 0
    assert log_in("Admin") == plain
    for person in (wide, plain, capitals):
        assert log_in(person.username) == person


def test_the_migration_gives_everybody_a_key() -> None:
    people = [UserFactory(username=name) for name in ("Анна", "АННА", "x" * 150, "ﷺ" * 150)]
    guest = UserFactory(guest=True)
    import_module("nostrade_site.migrations.0003_existing_names").give(apps, None)
    assert set(AccountName.objects.values_list("user", flat=True)) == {person.pk for person in people}
    assert called("анна") == people[0]
    assert called("АННА") == people[1]
    assert called(guest.username) == guest


def test_more_people_than_a_batch_get_keys() -> None:
    User.objects.bulk_create(User(username=f"{kind}{n}") for n in range(600) for kind in ("sailor", "Sailor"))
    keep_names()
    assert AccountName.objects.count() == 1200
    assert AccountName.objects.filter(key__startswith="sailor").count() == 600


def test_createsuperuser_keeps_names_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    made = {"email": "", "interactive": False, "verbosity": 0}
    call_command("createsuperuser", username="admin", **made)  # an operator may be called so
    assert AccountName.objects.get().key == "admin"
    with pytest.raises(CommandError, match="another spelling"):
        call_command("createsuperuser", username="Ａdmin", **made)
    assert User.objects.count() == 1


def test_prepare_gives_keys_to_those_made_by_hand() -> None:
    by_hand = User.objects.create_user("Анна", password=PASSWORD)
    assert log_in("Анна") == by_hand
    assert log_in("АННА") is None
    keep_names()
    assert log_in("АННА") == by_hand
    assert "already exists" in sign_up("АННА", password1="another-ones-style").content.decode()


@pytest.mark.parametrize("url", [SIGN_UP, LOG_IN])
def test_a_heap_of_marks_costs_no_more_than_its_size(url: str, settings, growth) -> None:
    """Composing letters takes quadratic time in the marks that stand on one of them."""
    settings.ACCOUNT_RATE_LIMITS = False

    def sent(marks: int) -> None:
        name = "z" + "\u0301\u0327" * (marks // 2)
        form = {"username": name, "login": name, "password": PASSWORD, "password1": PASSWORD}
        assert Client().post(url, form).status_code == 200

    assert growth(lambda: sent(30_000), lambda: sent(60_000)) <= 2.5


@given(st.text(max_size=40))
def test_comparing_twice_changes_nothing(name: str) -> None:
    assert key_of(key_of(name)) == key_of(name)
    assert key_of(spelled(name)) == key_of(name)
    assert key_of(name.upper().lower()) == key_of(key_of(name.upper().lower()))
