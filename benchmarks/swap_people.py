"""The people of `benchmarks/swap.py`, for locust: readers open their feed, others react; all is noted."""

from __future__ import annotations

import itertools
import json
import os
import random
import re
import time
from pathlib import Path
from typing import Any

from locust import HttpUser, constant_pacing, events, task

from benchmarks.swap import cards_of

PEOPLE = json.loads(Path(os.environ["SWAP_PEOPLE"]).read_text())
NOTES = Path(os.environ["SWAP_NOTES"]).open("a", buffering=1)  # noqa: SIM115  # open until locust ends
MODEL = re.compile(r'title="Ranked by model ([^"]+)"')
READERS, REACTORS = (itertools.cycle(PEOPLE[kind]) for kind in ("readers", "reactors"))


@events.request.add_listener
def note(request_type: str, name: str, response_time: float, exception: object, **_: Any) -> None:
    """Write down one request: when it ended, how long it took, what was wrong."""
    line = {"name": name, "end": time.time(), "ms": response_time, "failure": str(exception or "")}
    NOTES.write(json.dumps(line) + "\n")


class Person(HttpUser):
    """Somebody logged in."""

    abstract = True
    wait_time = constant_pacing(2)

    def log_in(self, person: dict[str, str]) -> None:
        self.client.cookies.set("sessionid", person["session"])

    def get_feed(self, name: str, **expected: Any) -> str:
        with self.client.get("/", name=name, catch_response=True) as response:
            problem = problem_of(response, **expected) if response.status_code == 200 else None
            if problem:
                response.failure(problem)
            return str(response.text)


def problem_of(response: Any, lists: dict[str, list[list[str]]] | None = None) -> str | None:
    """Say what is wrong with a page: not one version in all its places, or not that version's list."""
    ranked_by, shown = response.headers.get("X-Ranked-By"), MODEL.search(response.text)
    if shown is None or shown.group(1) != ranked_by:
        return f"the header names {ranked_by}, the page {shown and shown.group(1)}"
    cards = cards_of(response.text)
    if len(cards) != 20:
        return f"{len(cards)} cards"
    if lists is not None and cards != lists.get(ranked_by):
        return f"cards or reasons are not those of {ranked_by}"
    return None


class Reader(Person):
    """Opens the feed; the history stands still, so each version has one right page."""

    weight = 2

    def on_start(self) -> None:
        self.person = next(READERS)
        self.log_in(self.person)

    @task
    def read(self) -> None:
        self.get_feed("feed", lists=self.person["lists"])


class Reactor(Person):
    """Loves a title and gets the new feed, or takes it back."""

    weight = 1

    def on_start(self) -> None:
        self.log_in(next(REACTORS))
        page = self.get_feed("feed of somebody who reacts")
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        assert token is not None, page[:300]
        self.token = token.group(1)
        self.titles = itertools.cycle(card[0] for card in cards_of(page))
        self.loved: str | None = None

    @task
    def react(self) -> None:
        title = self.loved or next(self.titles)
        kind = "0" if self.loved else random.choice("23")  # noqa: S311  # no secret
        data = {"feedback_type": kind, "next": "/", "csrfmiddlewaretoken": self.token}
        with self.client.post(
            f"/feedback/{title}/", data, name="reaction", catch_response=True, allow_redirects=False
        ) as response:
            if response.status_code == 303:
                response.success()
            else:
                response.failure(f"status {response.status_code}")
        self.loved = None if self.loved else title
        self.get_feed("feed after a reaction")
