"""What people may be called: one spelling of each name, and none that passes for another's or the site's."""

from __future__ import annotations

import re
import unicodedata

from django.core.exceptions import ValidationError

LONGEST = 150  # the column of Django's own accounts
# Of what is typed to log in, an address too. Python sorts marks in quadratic time: compare nothing longer.
LONGEST_LOGIN = 254
MOST_MARKS = 3  # on one letter, which the scripts that have them get by with
BESIDE_LETTERS = frozenset("._+-")
# What is drawn as nothing (Unicode's Default_Ignorable_Code_Point), beside the category Cf.
UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff]"
)
# Alphabets whose letters pass for one another's: a name keeps to one of them.
LOOK_ALIKE = frozenset({"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC"})
# What passes for a letter in the words below: letters elsewhere, figures, l for i. Unicode has more.
PASSES_FOR = {
    "a": "аɑα4@", "b": "вβ", "c": "сϲ", "d": "ԁđ", "e": "еєε3", "g": "ɡ", "h": "һн", "k": "кκ",
    "l": "iіιӏ1ıł|", "m": "мϻ", "n": "пηո", "o": "оοσօø0", "p": "рρ", "q": "ԛ", "r": "г", "s": "ѕꜱ5$",
    "t": "тτ7", "u": "иυս", "v": "ν", "w": "ԝωш", "x": "хχ", "y": "уγ",
}  # fmt: skip
# Letters of phonetics that are drawn as capitals, as in “ᴀᴅᴍɪɴ”; there is none for X.
SMALL_CAPITALS = {
    unicodedata.lookup(f"LATIN LETTER SMALL CAPITAL {letter}"): letter.lower()
    for letter in "ABCDEFGHIJKLMNOPQRSTUVWYZ"
}
TO_LETTERS = str.maketrans(
    {like: letter for letter, alike in PASSES_FOR.items() for like in alike} | SMALL_CAPITALS | {"ɪ": "l"}
)
OUR_OWN = (
    "abuse", "admin", "administrator", "administration", "anonymous", "curator", "curators", "everyone",
    "helpdesk", "help", "hostmaster", "moderator", "moderators", "noreply", "nobody",
    "official", "operator", "operators", "owner", "postmaster", "root", "security", "staff", "superuser",
    "support", "sysadmin", "system", "team", "webmaster", "админ", "администратор", "модератор", "поддержка",
)  # fmt: skip


def spelled(name: str) -> str:
    """Return a name as it is stored: composed letters, and plain ones for wide, round or raised ones."""
    return unicodedata.normalize("NFKC", name).strip()


def key_of(name: str) -> str:
    """Return what all spellings of a name have in common: two people never share it."""
    for _ in range(2):  # folding can leave letters that compose
        name = unicodedata.normalize(
            "NFKC", "".join(each for each in name if not _is_unseen(each)).casefold()
        )
    return name.strip()


def refuse_unreadable(name: str) -> None:
    """Refuse what is no letter, figure or `._+-`, what is not seen, and too much of it."""
    if "@" in name:
        raise ValidationError(
            "A name has no “@”: give your address in the field for it, and log in with either.", code="at"
        )
    if len(name) > LONGEST or len(key_of(name)) > LONGEST:
        raise ValidationError(f"This name is too long: {LONGEST} letters are the most.", code="max_length")
    if any(_is_unseen(each) for each in name):
        raise ValidationError(
            "This name has characters that cannot be seen: type it instead of pasting it.", code="unseen"
        )
    if not all(_is_written(each) for each in name) or re.match(r"[._+-]*\Z", name) or _is_heaped(name):
        raise ValidationError("A name has letters, figures, and . _ + - between them.", code="characters")


def refuse_mixed(name: str) -> None:
    """Refuse a name of two alphabets that look alike, such as a Cyrillic А in “Аnna”."""
    alphabets = {unicodedata.name(each, "").partition(" ")[0] for each in name if each.isalpha()}
    if len(alphabets & LOOK_ALIKE) > 1:
        raise ValidationError(
            "This name mixes alphabets whose letters look alike: write it in one of them.", code="mixed"
        )


def refuse_ours(name: str) -> None:
    """Refuse what the site calls its visitors, and what its staff could be called."""
    seen = {_as_seen(name), _as_seen(re.sub(r"^[\d\W_]+|[\d\W_]+$", "", name))}
    if any(each.startswith(_as_seen("guest")) for each in seen):
        raise ValidationError(
            "Names that begin with “guest” are kept for visitors. Please choose another one.", code="guest"
        )
    if seen & OUR_OWN_AS_SEEN or any(_as_seen("nostrade") in each for each in seen):
        raise ValidationError(
            "This name could be taken for somebody who works here. Please choose another one.", code="ours"
        )


def _is_unseen(each: str) -> bool:
    return unicodedata.category(each) in ("Cf", "Cc") or bool(UNSEEN.match(each))


def _is_written(each: str) -> bool:
    return unicodedata.category(each)[0] in "LMN" or each in BESIDE_LETTERS


def _is_heaped(name: str) -> bool:
    """Say whether marks stand on nothing, or in heaps."""
    kinds = "".join(unicodedata.category(each)[0] for each in name)
    return bool(re.search(rf"(^|[^LM])M|M{{{MOST_MARKS + 1}}}", kinds))


def _as_seen(name: str) -> str:
    """Return what a reader in a hurry takes a name for."""
    bare = "".join(
        each for each in unicodedata.normalize("NFD", key_of(name)) if not unicodedata.combining(each)
    )
    letters = re.sub(r"[\W_\d]", "", bare.translate(TO_LETTERS))
    return letters.replace("rn", "m").replace("vv", "w")


OUR_OWN_AS_SEEN = frozenset(map(_as_seen, OUR_OWN))
VALIDATORS = [refuse_unreadable, refuse_mixed, refuse_ours]  # ACCOUNT_USERNAME_VALIDATORS
