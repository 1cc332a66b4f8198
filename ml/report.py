"""The results of a comparison as one Markdown table."""

from collections.abc import Mapping
from typing import Any

COLUMNS = ("ndcg@20", "recall@20", "hit_rate@10", "loved ndcg@20", "loved recall@20", "loved hit_rate@10")


def markdown(report: Mapping[str, Any]) -> str:
    """Lay out the results of `ml.compare.compare` in one table, the best first at each history length."""
    titles = ("told", "ranker", *COLUMNS, "coverage@20", "ndcg@20 less the best baseline's")
    lines = [
        f"Fold-in on {report['people']} people unseen in training, all {report['items']} titles ranked, "
        "means with 95 % bootstrap intervals over people.",
        "",
        f"| {' | '.join(titles)} |",
        f"|{' --- |' * len(titles)}",
    ]
    for label, scorers in report["known"].items():
        paired = report["paired"][label]
        for name in sorted(scorers, key=lambda name: -scorers[name][COLUMNS[0]]["mean"]):
            figures = scorers[name]
            cells = [_cell(figures.get(column)) for column in COLUMNS]
            lead = "(the best)" if name == report["best_baseline"][label] else _cell(paired[name], sign="+")
            lines.append(
                f"| {' | '.join((label, name, *cells, format(figures['coverage@20'], '.3f'), lead))} |"
            )
    return "\n".join([*lines, "", *_settings(report["tuning"])]) + "\n"


def _settings(tuning: Mapping[str, Any]) -> list[str]:
    """Say which settings were chosen on the validation people, out of how many."""
    lines = []
    for name, tuned in tuning.items():
        if tuned["tried"]:
            chosen = ", ".join(f"{setting} {value:g}" for setting, value in tuned["chosen"].items())
            tried = f"the best of {len(tuned['tried'])} on the validation people"
            lines.append(f"- {name}: {chosen}; {tried}, {tuned['seconds']:.0f} s")
    return lines


def _cell(interval: Mapping[str, float] | None, sign: str = "") -> str:
    """Show a mean and its interval."""
    if interval is None:
        return "-"
    return f"{interval['mean']:{sign}.3f} [{interval['low']:{sign}.3f}, {interval['high']:{sign}.3f}]"
