"""The people of `benchmarks/load.py`, for locust: readers in browsers, programs with tokens; all is noted.

Every reaction that the site acknowledges is noted too, so that what is stored can be compared with it.
"""

from __future__ import annotations

import json
import os
import random
import re
import time
import uuid
from itertools import cycle
from pathlib import Path
from typing import Any

from locust import between, events, task
from locust.contrib.fasthttp import FastHttpUser

EVERYBODY = json.loads(Path(os.environ["LOAD_PEOPLE"]).read_text())
NOTES = Path(os.environ["LOAD_NOTES"]).open("a", buffering=1)  # noqa: SIM115  # open until locust ends
PAUSE = float(os.environ["LOAD_PAUSE"])
CARD = re.compile(r'data-card="(\d+)"')
WORDS = ("naruto", "cowboy", "ghost", "love", "fate", "gundam", "hajime", "sora", "evangelon")
TYPES = {"dislike": 1, "like": 2, "love": 3}
LIKE, RETRACTED = 2, 0
PET_TITLES = 12  # about which a program changes its mind: histories stay as long as they are
READERS, PROGRAMS = (
    iter([person for person in EVERYBODY if person["kind"] == kind]) for kind in ("reader", "program")
)


def note(**line: Any) -> None:
    NOTES.write(json.dumps(line) + "\n")


@events.request.add_listener
def note_request(name: str, response_time: float, exception: object, **_: Any) -> None:
    """Write down one request: when it ended, how long it took, what was wrong."""
    note(name=name, end=time.time(), ms=response_time, failure=str(exception or ""))


class Person(FastHttpUser):
    """Somebody with an account."""

    abstract = True
    wait_time = between(0.5 * PAUSE, 1.5 * PAUSE)
    person: dict[str, Any]

    def ask(self, method: str, path: str, name: str, status: int = 200, **more: Any) -> str | None:
        """Send one request as this person and return its text; any other status is a failure."""
        headers = self.headers() | more.pop("headers", {})
        with self.client.request(
            method, path, name=name, headers=headers, catch_response=True, allow_redirects=False, **more
        ) as response:
            if response.status_code == status:
                response.success()
                return str(response.text or "")
            response.failure(f"{method} {path}: {response.status_code} {response.error or ''}")
        return None

    def headers(self) -> dict[str, str]:
        token = "t" * 32
        cookies = f"sessionid={self.person['session']}; csrftoken={token}"
        return {"Cookie": cookies, "X-CSRFToken": token, "Accept": "text/html"}

    def said(self, anime_id: int, kind: int, event_id: int | None = None) -> None:
        """Note an acknowledged reaction."""
        note(user=self.person["user_id"], said=[anime_id, kind], event=event_id)


class FeedReader(Person):
    """Opens the feed and nothing else, as fast as it comes; the bare view answers the same request.

    Each request comes by a connection of its own: four that stay open now and then all meet the same worker.
    """

    weight = 1
    wait_time = between(0, 0.02)

    def on_start(self) -> None:
        self.person = next(READERS)

    def headers(self) -> dict[str, str]:
        return super().headers() | {"Connection": "close"}

    @task
    def feed(self) -> None:
        self.ask("GET", "/", "feed")


class FeedReactor(FeedReader):
    """Changes their mind about a title and opens the new feed: nobody had that history before."""

    def on_start(self) -> None:
        super().on_start()
        self.words = cycle((2, 3))

    @task
    def feed(self) -> None:
        data = {"feedback_type": str(next(self.words)), "next": "/"}
        self.ask("POST", f"/feedback/{self.person['titles'][0]}/", "reaction", 303, data=data)
        self.ask("GET", "/", "feed")


class Reader(Person):
    """Somebody in a browser: reads, reacts, takes it back, saves, looks at pages."""

    weight = 3

    def on_start(self) -> None:
        self.person = next(READERS)
        self.cards: list[int] = []
        self.told = self.standing = self.saved = 0
        self.words = cycle((LIKE, 3, 1, RETRACTED))
        self.feed()

    @task(10)
    def feed(self) -> None:
        if text := self.ask("GET", "/", "feed"):
            self.cards = [int(found) for found in CARD.findall(text)]

    @task(3)
    def further_page(self) -> None:
        self.ask("GET", "/?page=2", "feed, page 2", headers={"HX-Request": "true", "HX-Target": "more"})

    @task(6)
    def react(self) -> None:
        """Like a card, change one's mind about it twice, take all of it back, then like another.

        The history is always a new one, and does not grow.
        """
        kind = next(self.words)
        if kind == LIKE:
            self.told = random.choice(self.cards or [0])  # noqa: S311
            self.standing = 0
        data = {"feedback_type": str(kind), "next": "/?shown=20"}
        if self.told and self.ask("POST", f"/feedback/{self.told}/", "reaction", 303, data=data) is not None:
            for _ in range(self.standing if kind == RETRACTED else 1):  # one retraction for each that stands
                self.said(self.told, kind)
            self.standing += 1
        headers = {"HX-Request": "true", "HX-Target": "feed"}
        if text := self.ask("GET", "/?shown=20", "feed after a reaction", headers=headers):
            self.cards = [int(found) for found in CARD.findall(text)]

    @task(2)
    def save(self) -> None:
        anime_id = self.saved or random.choice(self.cards or [0])  # noqa: S311
        data = {"saved": "0" if self.saved else "1", "next": f"/title/{anime_id}/"}
        if anime_id and self.ask("POST", f"/saved/{anime_id}/", "save", 303, data=data) is not None:
            self.saved = 0 if self.saved else anime_id

    @task(4)
    def title(self) -> None:
        self.ask("GET", f"/title/{random.choice(self.person['titles'])}/", "title")  # noqa: S311

    @task(3)
    def search(self) -> None:
        self.ask("GET", f"/search/?q={random.choice(WORDS)}", "search")  # noqa: S311

    @task(1)
    def activity(self) -> None:
        self.ask("GET", "/activity/", "activity")

    @task(1)
    def kept(self) -> None:
        self.ask("GET", "/saved/", "saved")

    @task(1)
    def why(self) -> None:
        self.ask("GET", f"/why/{random.choice(self.person['titles'])}/", "why")  # noqa: S311


class Program(Person):
    """A program with a token."""

    weight = 1

    def on_start(self) -> None:
        self.person = next(PROGRAMS)
        self.words: dict[int, str] = {}

    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.person['token']}", "Accept": "application/json"}

    @task(4)
    def react(self) -> None:
        """Say of some title what was not said of it last, under a key."""
        anime_id = random.choice(self.person["titles"][:PET_TITLES])  # noqa: S311
        word = random.choice([each for each in TYPES if each != self.words.get(anime_id)])  # noqa: S311
        headers = {"Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())}
        body = json.dumps({"anime_id": anime_id, "feedback_type": word})
        if text := self.ask("POST", "/api/v1/events/", "API: react", 201, data=body, headers=headers):
            self.words[anime_id] = word
            self.said(anime_id, TYPES[word], json.loads(text)["id"])

    @task(3)
    def recommendations(self) -> None:
        self.ask("GET", "/api/v1/recommendations/?k=20", "API: recommendations")

    @task(2)
    def reactions(self) -> None:
        self.ask("GET", "/api/v1/events/", "API: events")

    @task(1)
    def items(self) -> None:
        self.ask("GET", f"/api/v1/items/?search={random.choice(WORDS)}", "API: search")  # noqa: S311

    @task(1)
    def item(self) -> None:
        self.ask("GET", f"/api/v1/items/{random.choice(self.person['titles'])}/", "API: title")  # noqa: S311
