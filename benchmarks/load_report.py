"""The tables of `benchmarks/load.py` and `soak.py`."""

# ruff: noqa: PLC0415  # the site's code can be imported only after its settings were chosen

from __future__ import annotations

import math
import statistics
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any

from benchmarks.load_site import slope

BARE_AGAIN, BARE_ANEW = "the bare feed", "a bare reaction and the bare feed"
AGAIN, ANEW = "the feed again", "a reaction and the new feed"
PAIRS = ((BARE_AGAIN, AGAIN), (BARE_ANEW, ANEW))
WARM_UP = 0.2  # share of a run whose weights do not count for a slope

Note = dict[str, Any]  # of a request: name, end, ms, failure; of an acknowledged reaction: user, said, event
Weight = tuple[float, str, int, float, float]  # when, which program, its process, RSS and PSS in MB


@dataclass(frozen=True)
class Phase:
    """One turn of the real or of the bare feed."""

    name: str
    lines: list[Note]
    seconds: float
    cpu: float

    @property
    def feeds(self) -> list[Note]:
        return [line for line in self.lines if line.get("name") == "feed" and not line["failure"]]

    @property
    def rate(self) -> float:
        return len(self.feeds) / self.seconds

    @property
    def cpu_ms(self) -> float:
        return 1000 * self.cpu / len(self.feeds)


def report_mix(lines: list[Note]) -> None:
    """Print throughput, latency by kind, and every error."""
    asked = [line for line in lines if "ms" in line]
    seconds = max(line["end"] for line in asked) - min(line["end"] for line in asked)
    failures = Counter(line["failure"] for line in asked if line["failure"])
    print(f"{len(asked):,} requests in {seconds / 60:.1f} minutes: {len(asked) / seconds:.1f} a second")
    print(f"errors: {sum(failures.values())}", *(f"  {n} x {what}" for what, n in failures.items()), sep="\n")
    print("\n| requests | n | p50 ms | p95 ms | p99 ms |\n| --- | --- | --- | --- | --- |")
    kinds: dict[str, list[float]] = defaultdict(list)
    for line in asked:
        kinds[line["name"]].append(line["ms"])
    for name, ms in [("all", [line["ms"] for line in asked]), *sorted(kinds.items())]:
        print(f"| {name} | {len(ms):,} | " + " | ".join(f"{each:.0f}" for each in percentiles(ms)) + " |")


def report_losses(lines: list[Note], last_event: int) -> int:
    """Compare what was acknowledged with what is stored, reaction by reaction; return how many differ."""
    from feedback.models import Event

    told: dict[int, list[tuple[int, int]]] = defaultdict(list)
    ids: dict[int, tuple[int, int, int]] = {}
    for line in lines:
        if "said" in line:
            anime_id, kind = line["said"]
            told[line["user"]].append((anime_id, kind))
            if line["event"] is not None:
                ids[line["event"]] = (line["user"], anime_id, kind)
    stored: dict[int, list[tuple[int, int]]] = defaultdict(list)
    columns = ("pk", "user_id", "item_id", "feedback_type")
    rows = [*Event.objects.filter(pk__gt=last_event).order_by("pk").values_list(*columns)]
    for _, user_id, item_id, kind in rows:
        stored[user_id].append((item_id, kind))
    by_id = {pk: row for pk, *row in rows}
    lost, more = (
        sum((Counter(one[user]) - Counter(other[user])).total() for user in {*told, *stored})
        for one, other in ((told, stored), (stored, told))
    )
    wrong = sum(by_id.get(pk) != [*about] for pk, about in ids.items())
    moved = sum(told[user] != stored[user] for user in told) if not lost + more else 0
    n = sum(map(len, told.values()))
    print(
        f"\n{n:,} reactions acknowledged; not stored: {lost}; stored and not acknowledged: {more};", end=" "
    )
    print(f"under another id: {wrong}; people whose order differs: {moved}")
    return lost + more + wrong + moved


def report_weights(weights: list[Weight]) -> None:
    """Print what each process weighed, and by how much an hour that rises after the warm-up."""
    first, last = (choose(at for at, *_ in weights) for choose in (min, max))
    begin = first + WARM_UP * (last - first)
    print("\n| process | weighed | RSS MB, first and last | PSS MB | RSS, MB an hour | PSS |")
    print("| --- | --- | --- | --- | --- | --- |")
    rows: dict[tuple[str, int], list[Weight]] = defaultdict(list)
    for weight in weights:
        rows[weight[1], weight[2]].append(weight)
    for (word, pid), mine in rows.items():
        ends = [f"{mine[0][column]:.0f}, {mine[-1][column]:.0f}" for column in (3, 4)]
        if len(mine) < len(weights) / len(rows) / 4:
            continue  # a trainer that ended with its run
        rises = []
        for column in (3, 4):
            points = [((row[0] - begin) / 3600, float(row[column])) for row in mine if row[0] >= begin]
            rise, half = slope(points)
            rises.append("" if math.isnan(rise) else f"{rise:+.1f} ± {half:.1f}")
        cells = (f"{word.strip('@')} {pid}", str(len(mine)), *ends, *rises)
        print("| " + " | ".join(cells) + " |")


def report_ratio(phases: list[Phase]) -> None:
    """Print what a feed costs, really and barely, and the ratios round by round."""
    failures = [line["failure"] for phase in phases for line in phase.lines if line.get("failure")]
    names = [name for pair in PAIRS for name in pair]
    print(f"\nThe feed alone, {len(phases) // len(names)} rounds; errors: {len(failures)}", *failures[:5])
    print("\n| feed | feeds a second | p50 ms | p95 ms | processor ms a feed |")
    print("| --- | --- | --- | --- | --- |")
    kinds = {name: [phase for phase in phases if phase.name == name] for name in names}
    for name, mine in kinds.items():
        middle = [percentiles([line["ms"] for line in phase.feeds])[:2] for phase in mine]
        cells = [
            f"{statistics.median(phase.rate for phase in mine):.1f}",
            *(f"{statistics.median(row[place] for row in middle):.0f}" for place in (0, 1)),
            f"{statistics.median(phase.cpu_ms for phase in mine):.1f}",
        ]
        print(f"| {name} | " + " | ".join(cells) + " |")
    for bare_name, name in PAIRS:
        pairs = [*zip(kinds[name], kinds[bare_name], strict=True)]
        for what, ratios in (
            ("processor time", [real.cpu_ms / bare.cpu_ms for real, bare in pairs]),
            ("throughput", [bare.rate / real.rate for real, bare in pairs]),
        ):
            spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
            print(f"{name}, times {bare_name} in {what}: {statistics.median(ratios):.2f} ({spread})")


def percentiles(ms: list[float]) -> tuple[float, float, float]:
    if len(ms) < 2:
        return (*ms, *ms, *ms) if ms else (math.nan, math.nan, math.nan)  # type: ignore[return-value]
    cuts = statistics.quantiles(ms, n=100, method="inclusive")
    return cuts[49], cuts[94], cuts[98]
