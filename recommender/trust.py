"""Who takes part in a training run: people by how well they are known, networks and newcomers within bounds.

A weight is the share of runs that somebody takes part in. Who sits a run out is not read, so the bounds hold
for all that learns from lists (the sequence model, the closed form, the counts of people per title, a
training from nothing) and for the panels that judge, without any of them knowing of it.

Guests cost an attacker nothing, accounts an hour, and either many addresses. What is not cheap is time: an
account that has been here for a week, and has said something on three days, counts in full. All newcomers
(guests, and members who are not known yet) may count a twentieth of what the known members do, and one
network a twentieth of what everybody does, but two people and four: a new site learns, if slowly, from its
first guests, and a household of four counts in full. A few who say exactly the same move a page far, which is
why the bounds are so low; known members who do so from many networks are left to the limits of
`recommender.taste`.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any, Self

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db.models import Count
from django.db.models.functions import TruncDate
from django.utils import timezone
from django.utils.crypto import salted_hmac

from feedback.exporting import PEOPLE_AT_A_TIME, batched
from feedback.guests import is_guest
from feedback.models import Event, LastNetwork

ONE_PLACE = 0.9  # of at least `ENOUGH_TO_TELL` people in one network: more likely a proxy that is not known
ENOUGH_TO_TELL = 10


@dataclass(frozen=True)
class Rules:
    """What people count, in people; the attack and the honest case that chose it: `benchmarks.poisoning`."""

    guest: float = 0.25  # an address away from being somebody else
    newcomer: float = 0.5  # a name and a password away
    member: float = 1.0  # a week and three visits away
    known_after: int = 7  # days that an account is old by then,
    known_days: int = 3  # and different days on which its owner said something, uploaded lists apart
    newcomers_least: float = 2.0  # what guests and newcomers together may count at least,
    newcomers_share: float = 0.05  # and of what the known members count
    network_least: float = 4.0  # what the people of one network may count at least, a household,
    network_share: float = 0.05  # and of what everybody counts


RULES = Rules()
# Who judges is not who teaches: a site of guests alone needs enough of them to compare on.
JUDGES = Rules(newcomers_least=24.0)
EVERYBODY = Rules(1.0, 1.0, 1.0, 0, 0, 1e9, 1.0, 1e9, 1.0)  # no bounds, for measurements beside it


@dataclass(frozen=True)
class Known:
    """What is known of somebody that says how far to trust them."""

    guest: bool
    days_old: int
    days_active: int
    network: str  # of its own where none was noted

    def is_newcomer(self, rules: Rules) -> bool:
        """Say whether somebody is a guest, or a member who has yet to be known."""
        young = self.days_old < rules.known_after or self.days_active < rules.known_days
        return self.guest or young

    def weight(self, rules: Rules) -> float:
        """Return what somebody counts before the bounds of all together."""
        if self.guest:
            return rules.guest
        return rules.newcomer if self.is_newcomer(rules) else rules.member


@dataclass(frozen=True)
class Attendance:
    """Who came to a run, and who takes part; kept with the checkpoint it makes."""

    people: int
    taken: int
    newcomers: int  # guests among them
    newcomers_taken: int
    network: int  # people of the network that has most of them
    network_taken: int

    @classmethod
    def of(cls, known: Mapping[int, Known], taken: set[int], rules: Rules) -> Self:
        """Count."""
        new = {user_id for user_id, one in known.items() if one.is_newcomer(rules)}
        networks = defaultdict(set)
        for user_id, one in known.items():
            networks[one.network].add(user_id)
        largest = max(networks.values(), key=len, default=set())
        return cls(len(known), len(taken), len(new), len(new & taken), len(largest), len(largest & taken))

    @classmethod
    def from_dict(cls, counts: Mapping[str, int]) -> Self:
        """Read what `to_dict` wrote."""
        return cls(**counts)

    def to_dict(self) -> dict[str, Any]:
        """Return the counts as JSON."""
        return asdict(self)

    @property
    def sentence(self) -> str:
        """Say it to people."""
        return (
            f"{self.people:,} people have said something new, {self.taken:,} take part: "
            f"of {self.newcomers:,} guests and newcomers {self.newcomers_taken:,} "
            f"({self._share(self.newcomers_taken)} of the run), "
            f"of the {self.network:,} of the largest network {self.network_taken:,} "
            f"({self._share(self.network_taken)})."
        )

    @property
    def remarks(self) -> list[str]:
        """Say why learning is slower than it may look, where it is, and what helps."""
        found = []
        if self.people >= ENOUGH_TO_TELL and self.network >= ONE_PLACE * self.people:
            found.append(
                "Nearly everybody seems to come from one network, which counts as a household. Behind a proxy"
                " set BEHIND_PROXY, so that people's own networks are seen; where it is true, as in a school,"
                " set ONE_NETWORK."
            )
        if self.newcomers_taken < self.newcomers and self.newcomers == self.people:
            found.append(
                f"There are guests and newcomers only, who together count as {RULES.newcomers_least:g}"
                f" people: learning is slow until members have been here for {RULES.known_after} days"
                f" and have said something on {RULES.known_days} of them."
            )
        return found

    def _share(self, part: int) -> str:
        return f"{part / max(self.taken, 1):.0%}".replace("%", " %")


def look_up(user_ids: Sequence[int]) -> dict[int, Known]:
    """Return what is known of each of the people; three queries for some hundred of them."""
    now, found = timezone.now(), {}
    for chunk in batched(user_ids, PEOPLE_AT_A_TIME):
        own = Event.objects.filter(user__in=chunk, list_import__isnull=True)  # a list brings its own dates
        days = own.order_by().annotate(day=TruncDate("timestamp")).values("user_id")
        active = dict(days.annotate(days=Count("day", distinct=True)).values_list("user_id", "days"))
        networks = LastNetwork.objects.of_people(chunk)
        for user in get_user_model()._default_manager.filter(pk__in=chunk).order_by("pk"):
            age = max(now - user.date_joined, timedelta(0)).days
            network = "" if settings.ONE_NETWORK else networks.get(user.pk, "")
            network = network or f"of {user.pk}"
            found[user.pk] = Known(is_guest(user), age, active.get(user.pk, 0), network)
    return found


def take_part(known: Mapping[int, Known], seed: int, rules: Rules) -> set[int]:
    """Draw who takes part, each as often as they weigh; the same for the same people and seed.

    Systematic sampling, network by network: of a network, and of all, as many as they weigh, to the next
    whole person. Where anybody came, somebody takes part.
    """
    weights = weights_of(known, rules)
    order = sorted(known, key=lambda user_id: (known[user_id].network, _lot(seed, user_id)))
    taken, total = set(), _lot(seed, 0)
    for user_id in order:
        before, total = total, total + weights[user_id]
        if math.floor(total + 1e-9) > math.floor(before + 1e-9):
            taken.add(user_id)
    return taken or set(order[:1])


def weights_of(known: Mapping[int, Known], rules: Rules) -> dict[int, float]:
    """Return what each of the people counts in a run they all come to, 0 to 1."""
    weights = {user_id: one.weight(rules) for user_id, one in known.items()}
    networks: dict[str, list[int]] = defaultdict(list)
    for user_id, one in known.items():
        networks[one.network].append(user_id)
    sums = {network: sum(weights[one] for one in people) for network, people in networks.items()}
    most = level(list(sums.values()), rules.network_share, rules.network_least)
    for network, people in networks.items():
        _shrink(weights, people, most / max(sums[network], most))
    newcomers = [user_id for user_id, one in known.items() if one.is_newcomer(rules)]
    count = sum(weights[one] for one in newcomers)
    allowed = max(rules.newcomers_least, rules.newcomers_share * (sum(weights.values()) - count))
    _shrink(weights, newcomers, allowed / max(count, allowed))
    return weights


def level(sums: Sequence[float], share: float, least: float) -> float:
    """Return the most that one of several groups may count: `least`, or a share of all after the bound."""
    most = sum(sums)
    while True:
        lower = max(share * sum(min(each, most) for each in sums), least)
        if lower >= most * (1 - 1e-6):
            return max(most, least)
        most = lower


def _shrink(weights: dict[int, float], people: Sequence[int], factor: float) -> None:
    for user_id in people:
        weights[user_id] *= factor


def _lot(seed: int, user_id: int) -> float:
    """Draw a number from 0 to 1 that an outsider cannot foresee."""
    digest = salted_hmac("recommender.trust", f"{seed} {user_id}", algorithm="sha256").digest()
    return int.from_bytes(digest[:6], "big") / 2**48
