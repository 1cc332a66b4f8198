"""Programs that react through the API, and send a reaction again until it is acknowledged."""

from __future__ import annotations

import http.client
import itertools
import json
import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field

from nostrade_site.tests.site import Site, eventually

# Seconds for the first answer: shorter than the database is locked, so that a repetition overtakes what it
# repeats. Each further attempt waits twice as long, or a machine that is merely slow would never catch up.
PATIENCE, LONGEST_PATIENCE = 2.0, 60.0
PERSISTENCE = 240.0  # seconds for one reaction, all repetitions together
LONGEST_PAUSE = 1.0
# Of each title three words, each of which the next one contradicts: one that comes in twice, late, is seen.
WORDS = ("like", "love", "like")
MEMBERS = """
import json, secrets
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from catalog.models import Item

def member():
    user = User.objects.create(username=secrets.token_hex(8))
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return user.pk, session.session_key

titles = list(Item.objects.visible().order_by("pk").values_list("pk", flat=True)[:TITLES])
print(json.dumps([[member() for _ in range(PEOPLE)], titles]))
"""


class RefusedError(Exception):
    """The site answered 4xx, or never acknowledged: no repetition will help."""


@dataclass
class Person:
    """One account, the words it says in this order, and the events it was told of in return."""

    user_id: int
    session: str
    words: list[tuple[int, str]]
    told: list[int] = field(default_factory=list)


class Traffic:
    """People who react at the same time, each one word after the other, in phases that the test opens."""

    def __init__(self, site: Site, people: int, words_each: int, phases: int) -> None:
        titles = -(-words_each // len(WORDS))
        members = MEMBERS.replace("TITLES", str(titles)).replace("PEOPLE", str(people))
        accounts, anime_ids = json.loads(site.shell(members))
        words = list(itertools.product(anime_ids, WORDS))[:words_each]
        self.people = [Person(*account, words) for account in accounts]
        self.port, self.share = site.port, words_each // phases
        self.troubles: Counter[str] = Counter()  # what was answered, or not, before an acknowledgement
        self.problems: list[BaseException] = []
        self._open = [threading.Event() for _ in range(phases)]
        self._threads = [
            threading.Thread(target=self._speak, args=[person], daemon=True) for person in self.people
        ]
        for thread in self._threads:
            thread.start()

    @property
    def acknowledged(self) -> int:
        return sum(len(person.told) for person in self.people)

    def begin(self, phase: int) -> None:
        """Open a phase and return when it is well under way."""
        before = self.acknowledged
        self._open[phase].set()
        assert eventually(lambda: self.problems or self.acknowledged > before + 2 * len(self.people))

    def finish(self, phase: int, seconds: float = 600.0) -> None:
        """Wait until everything in the phase was acknowledged."""
        is_last = phase == len(self._open) - 1  # what the phases do not divide evenly is said in it
        each = len(self.people[0].words) if is_last else (phase + 1) * self.share
        due = each * len(self.people)
        done = eventually(lambda: self.problems or self.acknowledged >= due, seconds)
        assert not self.problems, self.problems
        assert done, f"{self.acknowledged} of {due} acknowledged; {self.troubles}"

    def _speak(self, person: Person) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            for number, word in enumerate(person.words):
                self._open[min(number // self.share, len(self._open) - 1)].wait()
                person.told.append(self._say(connection, person, *word))
        except BaseException as problem:  # noqa: BLE001 - the test's own thread raises it
            self.problems.append(problem)
        finally:
            connection.close()

    def _say(self, connection: http.client.HTTPConnection, person: Person, anime_id: int, word: str) -> int:
        """Send one reaction until it is acknowledged; return the event's id."""
        body, key = json.dumps({"anime_id": anime_id, "feedback_type": word}), str(uuid.uuid4())
        began = time.monotonic()
        for attempt in itertools.count():
            _set_timeout(connection, min(PATIENCE * 2**attempt, LONGEST_PATIENCE))
            try:
                status, answer = _post(connection, body, person.session, key)
            except (OSError, http.client.HTTPException) as trouble:
                connection.close()
                self.troubles[type(trouble).__name__] += 1
            else:
                if status == 201:
                    return int(json.loads(answer)["id"])
                self.troubles[str(status)] += 1
                if status < 500:
                    raise RefusedError(f"{status} {answer!r}")
            if time.monotonic() - began > PERSISTENCE:
                break
            time.sleep(min(0.05 * 2**attempt, LONGEST_PAUSE))
        raise RefusedError(f"not acknowledged in {PERSISTENCE:g} s; {self.troubles}")


def _set_timeout(connection: http.client.HTTPConnection, seconds: float) -> None:
    connection.timeout = seconds
    if connection.sock is not None:
        connection.sock.settimeout(seconds)


def _post(connection: http.client.HTTPConnection, body: str, session: str, key: str) -> tuple[int, bytes]:
    token = "t" * 32
    headers = {
        "Content-Type": "application/json",
        "Cookie": f"sessionid={session}; csrftoken={token}",
        "X-CSRFToken": token,
        "Idempotency-Key": key,
    }
    connection.request("POST", "/api/v1/events/", body, headers)
    response = connection.getresponse()
    return response.status, response.read()
