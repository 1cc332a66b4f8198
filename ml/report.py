"""The results of a comparison as Markdown tables; as a command, write them into a page between its marks.

A page keeps a table between the lines `<!-- table: NAME -->` and `<!-- end -->`, and prose everywhere else.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ml.ratings import DataError
from ml.results import ABLATED, CRITERION, LOVED, SASREC

COLUMNS = ("ndcg@20", "recall@20", "hit_rate@10", "loved ndcg@20", "loved recall@20", "loved hit_rate@10")
KINDS = ("head ndcg@20", "middle ndcg@20", "tail ndcg@20", "new ndcg@20", "novelty@20")
WORDS = {
    "fold-in": "Fold-in on {people} people unseen in training",
    "leave-one-out": "One title of each of {people} people held out at random",
    "leave-one-out-in-time": "The last event of each of {people} people held out",
    "time-split": "Everything after a date held out, of {people} people",
}


def markdown(report: Mapping[str, Any]) -> str:
    """Lay out the figures of `ml.compare.run` in tables, the best first at each history length."""
    lines = [
        f"{WORDS[report['protocol']].format(**report)}, all {report['items']} titles ranked, "
        "means with 95 % bootstrap intervals over people.",
        "",
        *_table(("told", "ranker", *COLUMNS, "ndcg@20 less the best baseline's"), _main_rows(report)),
        "",
        "NDCG@20 of the targets among the most popular titles that make up a third of all events (head), the "
        "next third (middle) and the rest (tail); of targets from franchises new to the person, where no "
        "title of a known franchise competes (new); the mean self-information of the titles shown, in bits "
        "(novelty@20); and the share of the catalogue that anybody is shown (coverage@20).",
        "",
        *_table(("told", "ranker", *KINDS, "coverage@20"), _kind_rows(report)),
        "",
        *_ablations(report),
        *_settings(report["notes"]),
    ]
    return "\n".join(lines) + "\n"


def _ablations(report: Mapping[str, Any]) -> list[str]:
    """Draw the table of the ablations, where there are any."""
    if not any(report["ablated"].values()):
        return []
    titles = ("told", "SASRec alone", CRITERION, "less the full one's", LOVED, "less the full one's")
    return [
        "What SASRec loses without each thing it is told, every variant trained anew by the same recipe "
        "(± the spread over seeds; intervals are over people).",
        "",
        *_table(titles, _ablation_rows(report)),
        "",
    ]


def _ablation_rows(report: Mapping[str, Any]) -> Iterator[Sequence[str]]:
    """Yield the full model, then each ablation with its difference."""
    for label, ablated in report["ablated"].items():
        for name in (SASREC, *ablated):
            figures, less = report["known"][label][name], ablated.get(name, {})
            cells = ((_cell(figures.get(m)), _cell(less.get(m), sign="+")) for m in (CRITERION, LOVED))
            yield label, name.removeprefix(ABLATED), *(cell for pair in cells for cell in pair)


def _table(titles: Sequence[str], rows: Iterator[Sequence[str]]) -> list[str]:
    """Draw a table."""
    return [
        f"| {' | '.join(titles)} |",
        f"|{' --- |' * len(titles)}",
        *(f"| {' | '.join(r)} |" for r in rows),
    ]


def _main_rows(report: Mapping[str, Any]) -> Iterator[Sequence[str]]:
    """Yield the headline figures of every ranker, and its lead over the best baseline."""
    for label, name, figures in _by_rank(report):
        best = name == report["best_baseline"][label]
        lead = "(the best)" if best else _cell(report["paired"][label][name][COLUMNS[0]], sign="+")
        yield label, name, *(_cell(figures.get(column)) for column in COLUMNS), lead


def _kind_rows(report: Mapping[str, Any]) -> Iterator[Sequence[str]]:
    """Yield the figures by kind of target and of what is shown."""
    for label, name, figures in _by_rank(report):
        cells = (_cell(figures.get(column)) for column in KINDS)
        yield label, name, *cells, format(figures["coverage@20"], ".3f")


def _by_rank(report: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Yield (length, ranker, figures), the best first at each length."""
    for label, rankers in report["known"].items():
        for name in sorted(rankers, key=lambda name: -rankers[name][COLUMNS[0]]["mean"]):
            yield label, name, rankers[name]


def _settings(notes: Mapping[str, Any]) -> list[str]:
    """Say which settings were chosen on validation, out of how many."""
    lines = []
    for name, note in notes.items():
        if note.get("tried"):
            chosen = ", ".join(f"{setting} {value:g}" for setting, value in note["chosen"].items())
            tried = f"the best of {len(note['tried'])} on validation"
            lines.append(f"- {name}: {chosen}; {tried}, {note['seconds']:.0f} s")
    return lines


def _cell(interval: Mapping[str, float] | None, sign: str = "") -> str:
    """Show a mean and its interval, and the spread over seeds where there is one."""
    if interval is None:
        return "-"
    spread = f" ± {interval['spread']:.3f}" if "spread" in interval else ""
    bounds = f"[{interval['low']:{sign}.3f}, {interval['high']:{sign}.3f}]"
    return f"{interval['mean']:{sign}.3f}{spread} {bounds}"


def inserted(page: str, name: str, text: str) -> str:
    """Put a text between a page's marks of that name. Raises DataError when the page has no such marks."""
    start, end = f"<!-- table: {name} -->\n", "<!-- end -->"
    before, mark, rest = page.partition(start)
    _, close, after = rest.partition(end)
    if not mark or not close:
        raise DataError(f"The page has no lines {start.strip()} and {end}; add them where the table belongs.")
    return f"{before}{start}\n{text}\n{end}{after}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    command = argparse.ArgumentParser(prog="python -m ml.report", description=__doc__)
    command.add_argument("--results", type=Path, required=True, help="results.json of python -m ml.compare")
    command.add_argument("--page", type=Path, required=True, help="Markdown page to write into")
    command.add_argument("--table", required=True, help="name of the marks in the page")
    options = command.parse_args(arguments)
    try:
        text = markdown(json.loads(options.results.read_text(encoding="utf-8")))
        page = inserted(options.page.read_text(encoding="utf-8"), options.table, text)
        options.page.write_text(page, encoding="utf-8")
    except (DataError, OSError, ValueError, KeyError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
