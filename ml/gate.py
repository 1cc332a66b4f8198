"""The promotion gate: may a candidate, fine-tuned from the champion, take its place?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.history import History
from ml.latency import median_times
from ml.metrics import bootstrap, coverage
from ml.panels import CUTOFF, BrokenScoresError, Panel, Sides
from ml.ranker import Ranker
from ml.results import CRITERION
from ml.scoring import Scorer
from ml.verdicts import EVIDENCE, Check, Verdict, continuing
from ml.wording import interval_text

__all__ = ["Check", "Panel", "Rules", "Verdict", "judge"]

TIMED = 24  # histories that both rank against the clock
ATTEMPTS = 3  # a slow ranker is slow every time, a noisy machine is not


@dataclass(frozen=True)
class Rules:
    """What a candidate must not do worse than. Losses are held against the bad end of a 95 % interval."""

    tolerance: float = 0.01  # NDCG@20 that everybody taken together may have lost,
    mean_tolerance: float = 0.0  # or has lost on average: small losses night after night would add up
    panel_tolerance: float = 0.01  # and that one panel may be shown to have lost
    fewest_people: int = 20  # of a panel, for its figures to count
    few_people: int = 7  # where no panel counts, of all panels together, for a gain to be shown at all,
    few_chance: float = 0.01  # and the chance up to which as large a gain of so few is no luck
    coverage_kept: float = 0.75  # share of the different titles in the champion's lists; few people vary
    dislikes_tolerance: float = 0.02  # by which the share of disliked titles that are shown may rise
    latency_factor: float = 2.0  # of the champion's time for one list,
    latency_floor: float = 0.005  # unless it is less than this, in seconds of one processor,
    latency_ceiling: float = 1.0  # and in no case more than this


RULES = Rules()


def judge(
    candidate: Ranker,
    champion: Ranker,
    panels: Sequence[Panel],
    references: Mapping[str, Scorer],
    rules: Rules = RULES,
) -> Verdict:
    """Compare a candidate with the champion on the panels; the references are measured and only reported.

    Person by person, NDCG@20 is averaged over the panel's lengths and the champion's is subtracted. Figures:
    {"panels": {name: {"people": n, "counted": bool, "ndcg@20": {ranker: interval}, "loved ndcg@20": …,
    "difference": {metric: interval}}}, "coverage@20": {ranker: share}, "disliked@20": interval or None,
    "rank seconds": {ranker: median}}, none for a candidate whose titles or scores are broken. The same
    arguments give the same verdict, but for the times, which decide only where they are far apart.
    """
    checks = [_titles(candidate, champion)]
    if not checks[0].passed:
        return Verdict.of(checks, "", {})
    try:
        sides = Sides.of(candidate, champion, panels)
    except BrokenScoresError as error:
        return Verdict.of([*checks, Check("scores", False, str(error))], "", {})
    compared = {panel.name: sides.compared(place, references) for place, panel in enumerate(sides.panels)}
    for figures in compared.values():
        figures["counted"] = figures["people"] >= rules.fewest_people
    shown, coverages = _coverage(sides, rules)
    dislikes, risen = _dislikes(sides, rules)
    latency, seconds = _latency(candidate, champion, sides.panels, rules)
    evidence, whole = _evidence(sides, rules), _on_the_whole(sides, rules)
    decisive = whole if len(_decisive(sides, rules)) else evidence
    checks += [Check("scores", True, "Every score is a finite number."), evidence]
    checks += [*_rankings(compared, rules), whole, shown, dislikes, latency]
    measured = {"coverage@20": coverages, "disliked@20": risen, "rank seconds": seconds}
    praise = _praise(compared) or f"Promoted: {continuing(decisive.sentence)}"
    return Verdict.of(checks, praise, {"panels": compared, **measured})


def _titles(candidate: Ranker, champion: Ranker) -> Check:
    """Check that old titles keep their places; new ones come after them."""
    old, new = champion.item_ids, candidate.item_ids
    if new[: len(old)] == old:
        return Check(
            "titles", True, f"It knows the champion's {len(old)} titles and {len(new) - len(old)} new."
        )
    lost = len(set(old) - set(new))
    what = f"lacks {lost} of the champion's titles" if lost else "has the champion's titles in another order"
    return Check(
        "titles", False, f"The candidate {what}; its weights cannot be those of a fine-tuned champion."
    )


def _evidence(sides: Sides, rules: Rules) -> Check:
    """Check that there are people enough to go by; a few must show a gain that chance hardly ever gives."""
    people = sum(len(panel.cases) for panel in sides.panels)
    if counted := len(_decisive(sides, rules)):
        return Check(EVIDENCE, True, f"{counted} people to compare on.")
    missing = rules.fewest_people - people
    found = f"Compared on {people} {'person' if people == 1 else 'people'}"
    if people < rules.few_people:
        wanted = f"at least {rules.few_people} must show a gain"
        return Check(EVIDENCE, False, f"{found}: {wanted}; with {missing} more it need only be no worse.")
    gains = sides.gains(0)
    chance = chance_of(gains)
    sentence = (
        f"{found}, NDCG@20 changes by {_signed(bootstrap(gains).to_dict())}, by luck alone {_often(chance)};"
        f" of so few {_often(rules.few_chance)} is allowed; with {missing} more it need only be no worse."
    )
    return Check(EVIDENCE, chance <= rules.few_chance, sentence)


def _decisive(sides: Sides, rules: Rules) -> NDArray[np.float64]:
    """Return the gains (U',) of the panels that count, else of all together where they are enough."""
    gains = sides.gains(rules.fewest_people)
    if not len(gains) and len(together := sides.gains(0)) >= rules.fewest_people:
        return together
    return gains


def chance_of(gains: NDArray[np.float64]) -> float:
    """Return how likely so large a mean is where each person's gain (U,) might as well be a loss.

    The exact sign-flip test (Fisher, 1935), one-sided. Unlike a bootstrap of so few it does not promise more
    than they can show: of fewer than seven people never less than 1 %. Costs 2^U sums; U of some twenty.
    """
    sums = np.zeros(1)
    for gain in gains:
        sums = np.concatenate([sums + gain, sums - gain])
    return float((sums >= gains.sum() - 1e-12).mean())


def _often(chance: float) -> str:
    return f"{100 * chance:.1f} times in 100" if chance >= 0.001 else "less than once in 1,000"


def _rankings(compared: Mapping[str, Any], rules: Rules) -> list[Check]:
    """Check, panel by panel, that NDCG@20 was not shown to fall further than is tolerated."""
    checks = []
    for name, figures in compared.items():
        interval, people = figures["difference"][CRITERION], f"{figures['people']} {name}"
        if not figures["counted"]:
            passed, found = True, f"{people} are too few to go by; NDCG@20 {_signed(interval)}."
        elif interval["high"] < 0 and -interval["mean"] > rules.panel_tolerance:
            fall = interval_text(
                {"mean": -interval["mean"], "low": -interval["high"], "high": -interval["low"]}
            )
            passed = False
            found = f"On {people} NDCG@20 falls by {fall}; {rules.panel_tolerance:.3f} is allowed."
        else:
            passed, found = True, f"NDCG@20 {_signed(interval)} on {people}."
        checks.append(Check(f"ranking for {name}", passed, found))
    return checks


def _on_the_whole(sides: Sides, rules: Rules) -> Check:
    """Check everybody of the panels that count, taken together: the mean, and how far it may be off."""
    gains = _decisive(sides, rules)
    if not len(gains):
        return Check("on the whole", True, "Nobody is left to take together.")
    interval = bootstrap(gains).to_dict()
    found = f"Over all {len(gains)} people NDCG@20 changes by {_signed(interval)}"
    if interval["mean"] < -rules.mean_tolerance:
        return Check("on the whole", False, f"{found}; it must not fall.")
    if interval["low"] <= -rules.tolerance:
        possible = f"a fall of {-interval['low']:.3f} is possible, {rules.tolerance:.3f} is allowed"
        return Check("on the whole", False, f"{found}: {possible}.")
    return Check("on the whole", True, f"{found}.")


def _coverage(sides: Sides, rules: Rules) -> tuple[Check, dict[str, float]]:
    """Check that the lists do not become the same few titles for everybody."""
    if not sides.panels:
        return Check("coverage", True, "There are no lists to compare."), {}
    n_items = len(sides.id_map)
    ours, theirs = (
        coverage(np.concatenate([one.shown.ravel() for one in each]), n_items)
        for each in (sides.ours, sides.theirs)
    )
    shown, before = round(ours * n_items), round(theirs * n_items)
    found = f"The top {CUTOFF} lists show {shown} different titles, the champion's {before}"
    passed = shown >= rules.coverage_kept * before
    sentence = f"{found}." if passed else f"{found}; {rules.coverage_kept:.0%} of that are needed."
    return Check("coverage", passed, sentence), {"candidate": ours, "champion": theirs}


def _dislikes(sides: Sides, rules: Rules) -> tuple[Check, dict[str, float] | None]:
    """Check that titles which people are going to dislike are not shown more often."""
    rises = sides.dislikes_risen()
    if len(rises) < rules.fewest_people:
        few = f"Only {len(rises)} people have a title held out that they dislike, too few to go by."
        return Check("dislikes", True, few), None
    interval = bootstrap(rises).to_dict()
    sentence = (
        f"The share of disliked titles that the top {CUTOFF} of {len(rises)} people shows changes by "
        f"{_signed(interval)}; a rise of {rules.dislikes_tolerance:.3f} is allowed."
    )
    return Check("dislikes", interval["high"] <= rules.dislikes_tolerance, sentence), interval


def _latency(
    candidate: Ranker, champion: Ranker, panels: Sequence[Panel], rules: Rules
) -> tuple[Check, dict[str, float]]:
    """Check that a list takes about as long as before; a failure must repeat itself to count."""
    people = [case.known for panel in panels for case in panel.cases]
    histories = people[:: -(-len(people) // TIMED)] if people else [History()]
    for _ in range(ATTEMPTS):
        mine, other = median_times(candidate, champion, histories)
        quick = mine <= max(rules.latency_factor * other, rules.latency_floor)
        if quick and mine <= rules.latency_ceiling:
            break
    found = f"A list takes {1000 * mine:.1f} ms of processor time, the champion's {1000 * other:.1f} ms"
    if not quick:
        found += f"; {rules.latency_factor:g} times that is allowed"
    elif mine > rules.latency_ceiling:
        found += f"; {1000 * rules.latency_ceiling:.0f} ms are allowed"
    passed = quick and mine <= rules.latency_ceiling
    return Check("latency", passed, f"{found}."), {"candidate": mine, "champion": other}


def _praise(compared: Mapping[str, Any]) -> str:
    """Say what a promotion rests on; nothing where no panel counts."""
    counted = [
        f"{_signed(figures['difference'][CRITERION])} on {figures['people']} {name}"
        for name, figures in compared.items()
        if figures["counted"]
    ]
    return f"Promoted: NDCG@20 {', '.join(counted)}." if counted else ""


def _signed(interval: Mapping[str, float]) -> str:
    return interval_text(interval, "+")
