"""Can a crowd of made-up people rewrite what others are shown in a nightly run, and do honest people suffer?

    python -m benchmarks.poisoning --out poisoning [--scenes 0 1] [--honest 40] [--nights 1] [--replayed 500]

Every scene begins with the starter and forty honest people, whose tastes are drawn as in `benchmarks.month`.
Beside them sit people who want something: they love what everybody loves and, with it, twenty of thirty
romances (or one title). `retrain` runs with its gate: once as it was, with everybody taking part and the
drift limit alone, and once as it is. Printed is the first page of somebody who loves five of the best-known
titles: how many of its twenty are romances (or the place of the one title) on the starter's, the candidate's
and then the live page; who takes part; and how NDCG@20 changes for sixty honest people who say nothing.
"""

# ruff: noqa: PLC0415  # the site's code can be imported only after its settings were chosen

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import numpy as np
import time_machine

from benchmarks.feed import set_up
from benchmarks.month import DISLIKE, LIKE, LOVE, World

if TYPE_CHECKING:
    from ml.protocols import Case
    from recommender.serving import LiveRanker

NIGHT = datetime(2026, 3, 2, 3, tzinfo=UTC)
MAINSTREAM = (16498, 1535, 5114, 1575, 11757)  # MyAnimeList's ids of five that everybody knows
ROMANCES, LOVED = 30, 20  # that the crowd loves, and how many of them each
SAID, DAYS = 16, 4  # titles that an honest person looks at, and on how many days
KNOWN_TITLES = 300  # that honest people come across
WITNESSES = 60  # honest people who say nothing


@dataclass(frozen=True)
class Scene:
    """Who is there; `crowd` people in equal parts from `networks` networks are the made-up ones."""

    name: str
    crowd: int = 0
    networks: int = 1
    guests: bool = True
    days_old: int = 0  # of the crowd's accounts
    wish: str = "romance"
    household: int = 1  # honest people of a network
    first_week: bool = False  # the honest ones are guests of today


AGED = {"guests": False, "days_old": 60}
SCENES = (
    Scene("honest people alone"),
    Scene("in households of four", household=4),
    Scene("all behind one campus address", household=1000),
    Scene("all guests of the first day", first_week=True),
    Scene("12 guests, one network", 12),
    Scene("50 guests, one network", 50),
    Scene("50 guests, 10 networks", 50, 10),
    Scene("50 guests, 50 networks", 50, 50),
    Scene("12 members of today, one network", 12, guests=False),
    Scene("12 aged members, one network", 12, **AGED),
    Scene("50 aged members, one network", 50, **AGED),
    Scene("50 aged members, 10 networks", 50, 10, **AGED),
    Scene("50 guests, one network, one title", 50, wish="one title"),
    Scene("50 aged members, 10 networks, one title", 50, 10, **AGED, wish="one title"),
)


def act(scene: Scene, honest: int, nights: int, *, trust: bool) -> list[dict[str, Any]]:
    """Play one scene and say what came of each night."""
    from recommender.models import Checkpoint
    from recommender.retraining import retrain
    from recommender.serving import live_ranker

    world, starter = World.of(honest + WITNESSES, seed=0), begin()
    before, cases = live_ranker(starter), witnesses(world, honest)
    story = []
    for night in range(nights):
        with time_machine.travel(NIGHT + timedelta(days=night), tick=True), ExitStack() as rules:
            come(scene, world, honest, night)
            if not trust:
                rules.enter_context(as_it_was())
            row = retrain(force=True)
        candidate, live = live_ranker(row), live_ranker(Checkpoint.objects.get(state="active"))
        tell = {
            "scene": scene.name,
            "trust": trust,
            "night": night + 1,
            "before": wished(scene, before),
            "candidate": wished(scene, candidate),
            "live": wished(scene, live),
            "witnesses": gained(candidate, before, cases),
            "verdict": row.verdict,
            "failed": [c["name"] for c in row.comparison["checks"] if not c["passed"]],
            "people": row.config.get("people"),
            "checks": [c["sentence"] for c in row.comparison["checks"] if c["name"].startswith("taste: ")],
        }
        story.append(tell)
        print(json.dumps(tell), flush=True)
    return story


@contextmanager
def as_it_was() -> Iterator[None]:
    """Let everybody take part, two people move a pair of titles, and pages drift as far as they could."""
    from recommender import gate, training, trust
    from recommender.taste import Limits

    with (
        mock.patch.multiple(trust, RULES=trust.EVERYBODY, JUDGES=trust.EVERYBODY),
        mock.patch.object(gate, "A_NIGHT", Limits(0.399, 20)),
        mock.patch.object(training, "FINE_TUNING", replace(training.FINE_TUNING, term_support=1)),
    ):
        yield


def begin() -> Any:
    """Leave the starter alone in an installation without people."""
    from django.contrib.auth import get_user_model

    from recommender import serving
    from recommender.models import Checkpoint

    get_user_model()._default_manager.all().delete()
    starter = Checkpoint.objects.get(version__startswith="starter-")
    Checkpoint.objects.exclude(pk=starter.pk).delete()
    Checkpoint.objects.filter(pk=starter.pk).update(state="active", last_event_id=0)
    serving.forget()
    return Checkpoint.objects.get(pk=starter.pk)


def come(scene: Scene, world: World, honest: int, night: int) -> None:
    """Let everybody say something: the honest as they are, the crowd what it wants."""
    draw = np.random.default_rng(night)
    for number in range(honest):
        words = said_by(world, number, draw)
        home = number // scene.household
        name, days = (f"guest-h{number}", 0) if scene.first_week else (f"honest-{number}", 60)
        speak(name, words, days, f"198.51.{home // 250}.{home % 250}")
    wanted = wishes(scene)
    for number in range(scene.crowd):
        loved = [*MAINSTREAM, *draw.choice(wanted, min(LOVED, len(wanted)), replace=False)]
        words = [(int(pk), 3) for pk in draw.permutation(loved)]
        name = f"{'guest' if scene.guests else 'crowd'}-{number}"
        speak(name, words, scene.days_old, f"203.0.113.{number % scene.networks}")


def said_by(world: World, number: int, draw: np.random.Generator) -> list[tuple[int, int]]:
    """Return what one of the world says of titles that they come across, the reaction each deserves."""
    seen = draw.choice(KNOWN_TITLES, SAID, replace=False)
    felt = [(int(world.anime_ids[row]), float(world.utilities[number, row])) for row in seen]
    return [
        (pk, 3 if utility >= LOVE else 2 if utility >= LIKE else 1)
        for pk, utility in felt
        if not DISLIKE < utility < LIKE
    ]


def speak(name: str, words: Sequence[tuple[int, int]], days_old: int, address: str) -> None:
    """Make the account where it is new, and log what it says, over as many days as it may have been here."""
    from django.contrib.auth import get_user_model
    from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
    from django.utils import timezone

    from feedback.models import Event, LastNetwork

    now, days = timezone.now(), min(DAYS, days_old + 1)
    user, _ = get_user_model()._default_manager.get_or_create(
        username=name,
        defaults={
            "password": UNUSABLE_PASSWORD_PREFIX if name.startswith("guest-") else "never used",
            "date_joined": now - timedelta(days=days_old),
        },
    )
    LastNetwork.objects.note(user, address)
    known = set(Event.objects.filter(user=user).values_list("item_id", flat=True))
    Event.objects.bulk_create(
        Event(
            user=user,
            item_id=pk,
            feedback_type=word,
            timestamp=now - timedelta(days=days - 1 - place * days // len(words), seconds=600 - place),
        )
        for place, (pk, word) in enumerate(words)
        if pk not in known
    )


def wishes(scene: Scene) -> list[int]:
    """Return what the crowd wants everybody to see."""
    from catalog.models import Item

    romances = Item.objects.visible().popular().filter(genres__name="Romance")
    found = list(romances.values_list("pk", flat=True)[50 : 50 + ROMANCES])
    return found if scene.wish == "romance" else found[-1:]


def wished(scene: Scene, live: LiveRanker) -> int:
    """Count the romances on the first page of the mainstream, or return the place of the one title."""
    from catalog.models import Item
    from feedback.history import History, Reaction
    from feedback.models import FeedbackType
    from recommender.feed import PAGE_SIZE
    from recommender.order import Order

    loves = [Reaction(n, pk, FeedbackType.LOVE, 1.7e9 + 60 * n) for n, pk in enumerate(MAINSTREAM)]
    order = Order.by(live, History(tuple(loves)), adult=False)
    if scene.wish == "romance":
        return Item.objects.filter(pk__in=order.slice(0, PAGE_SIZE), genres__name="Romance").count()
    places = order.slice(0, 1000)
    return places.index(title) + 1 if (title := wishes(scene)[0]) in places else 1001


def witnesses(world: World, honest: int, n: int = WITNESSES) -> list[Case]:
    """Know half of what honest people would say who say nothing; the likes of the other half are targets."""
    from ml.history import History
    from ml.protocols import Case

    draw, cases = np.random.default_rng(99), []
    for number in range(honest, honest + n):
        words = [*said_by(world, number, draw), *said_by(world, number, draw)]
        words = list(dict(words).items())
        half = len(words) // 2
        liked = [(pk, word) for pk, word in words[half:] if word > 1]
        if liked and half:
            known, rest = (
                History(tuple(pk for pk, _ in part), tuple(w for _, w in part), (None,) * len(part))
                for part in (words[:half], liked)
            )
            cases.append(Case.of(known, rest))
    return cases


def gained(candidate: LiveRanker, before: LiveRanker, cases: Sequence[Case]) -> dict[str, float]:
    """Return the change of NDCG@20 for the witnesses, with its interval."""
    from ml.metrics import bootstrap
    from ml.protocols import measure

    ours, theirs = (measure(live.ranker, cases, None, (20,))["ndcg@20"] for live in (candidate, before))
    return dict(bootstrap(ours - theirs).to_dict())


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Lay the nights out, each scene as it was beside as it is."""
    from ml.wording import interval_text

    lines = [
        "| scene | trust | night | take part | before | candidate | live | NDCG@20 of witnesses | promoted |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        people = row["people"]
        cells = [
            row["scene"],
            "yes" if row["trust"] else "no",
            row["night"],
            f"{people['taken']} of {people['people']}",
            row["before"],
            row["candidate"],
            row["live"],
            interval_text(row["witnesses"], "+"),
            "yes" if row["verdict"].startswith("Promoted") else row["verdict"][:60],
        ]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Play the scenes, one after another, and print the table."""
    command = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    command.add_argument("--out", type=Path, required=True)
    command.add_argument("--scenes", type=int, nargs="*", default=range(len(SCENES)))
    command.add_argument("--honest", type=int, default=40)
    command.add_argument("--nights", type=int, default=1)
    command.add_argument("--replayed", type=int, default=500, help="histories sampled; a site takes 2,000")
    command.add_argument("--arms", nargs="*", default=["no", "yes"], help="trust: no, yes")
    options = command.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    os.environ["SECRET_KEY"] = "the lots that are drawn follow from it"  # noqa: S105
    with tempfile.TemporaryDirectory() as folder:
        set_up(Path(folder))
        from recommender import faithfulness, retraining, training

        rows = []
        with (
            mock.patch.object(training, "SAMPLED_PEOPLE", options.replayed),
            mock.patch.object(retraining, "references_of", return_value={}),  # reported, and decide nothing
            mock.patch.object(faithfulness, "measure"),  # neither does this
        ):
            for number in options.scenes:
                for arm in options.arms:
                    rows += act(SCENES[number], options.honest, options.nights, trust=arm == "yes")
        (options.out / "poisoning.json").write_text(
            json.dumps({"scenes": [asdict(scene) for scene in SCENES], "rows": rows}, indent=1)
        )
        (options.out / "poisoning.md").write_text(found := table(rows))
    print(found)


if __name__ == "__main__":
    main()
