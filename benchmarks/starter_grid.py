"""Does a first wall of titles unlike one another teach more than the most popular ones?

    python -m benchmarks.starter_grid --data DIR --checkpoint DIR --items CSV --franchises JSON

DIRs are made by `ml.prepare` and `ml.train`. Each held-out person stands before a wall of 48 titles, one of
each franchise, and picks what is loved on their own list; the ranker is told the picks and nothing else. The
targets are the other titles they love, the same for every wall: titles of any wall are neither targets nor
ranked. `--people validation --exponents 0.2 0.5 1 2` is how the exponent was chosen.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.checkpoint import Checkpoint
from ml.data import Dataset
from ml.diverse import EXPONENT, choose_diverse
from ml.feedback import Feedback
from ml.history import History
from ml.metrics import bootstrap, ndcg, target_ranks
from ml.ranker import Ranker
from ml.rules import read_franchises
from ml.splits import Split
from ml.wording import interval_text

N_STARTERS, AMONG, PICKS, CUTOFF = 48, 300, 3, 20  # as recommender/starter_grid.py has them
MIN_TARGETS = 3
POPULAR = "the most popular titles"
Pick = Callable[[Sequence[int], np.random.Generator], list[int]]
PICKING: dict[str, Pick] = {
    "the first three loved": lambda loved, _: list(loved[:PICKS]),
    "three of the loved at random": lambda loved, rng: rng.permutation(loved)[:PICKS].tolist(),
    "all that is loved": lambda loved, _: list(loved),
}


@dataclass(frozen=True)
class Person:
    """What somebody loves of the walls, and besides."""

    loved: frozenset[int]
    targets: NDArray[np.int64]  # indices


def main() -> None:
    """Build the walls, let people pick, and print the table."""
    command = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name in ("data", "checkpoint", "items", "franchises"):
        command.add_argument(f"--{name}", type=Path, required=True)
    command.add_argument("--people", default="holdout", choices=("holdout", "validation"))
    command.add_argument("--exponents", type=float, nargs="+", default=[EXPONENT])
    options = command.parse_args()
    checkpoint, dataset = Checkpoint.load(options.checkpoint), Dataset.load(options.data)
    ranker, split = Ranker(checkpoint), Split(**checkpoint.training["split"])
    chosen = getattr(split, f"{options.people}_people")(dataset)
    walls = build(ranker, options.items, read_franchises(options.franchises), options.exponents)
    on_a_wall = frozenset().union(*walls.values())
    people = people_of(dataset.people(chosen), on_a_wall)
    masked = dataset.id_map.indices_of(sorted(on_a_wall))
    print(f"{len(people)} people who love at least {MIN_TARGETS} titles on no wall\n")
    print(f"| picked | wall | ndcg@{CUTOFF} | lead | three to pick | titles looked at |")
    print("| --- | --- | --- | --- | --- | --- |")
    for picking, pick in PICKING.items():
        before: NDArray[np.float64] | None = None
        for name, wall in walls.items():
            values = judge(ranker, people, wall, pick, masked)
            lead = "" if before is None else interval_text(bootstrap(values - before).to_dict(), "+")
            before = values if before is None else before
            figure = interval_text(bootstrap(values).to_dict())
            print(f"| {picking} | {name} | {figure} | {lead} | {effort(people, wall)} |", flush=True)


def build(
    ranker: Ranker, items: Path, franchises: dict[int, str], exponents: Sequence[float]
) -> dict[str, list[int]]:
    """Return each wall by its name, the popular one first."""
    table = pd.read_csv(items).set_index("anime_id")
    table = table[table.index.isin(ranker.item_ids) & ~table["genre"].fillna("").str.contains("Hentai")]
    members = table["members"].sort_values(ascending=False, kind="stable")
    first: dict[str, int] = {}
    for anime_id in members.index.tolist():
        first.setdefault(franchises.get(anime_id, str(anime_id)), anime_id)
    popular = members.index[:AMONG].tolist()
    weights = members.to_numpy(np.float64)[:AMONG]
    names = [franchises.get(anime_id, str(anime_id)) for anime_id in popular]
    groups = np.unique(names, return_inverse=True)[1]
    walls = {POPULAR: list(first.values())[:N_STARTERS]}
    for exponent in exponents:
        places = choose_diverse(weights, ranker.cosines(popular), groups, N_STARTERS, exponent)
        walls[f"unlike one another, exponent {exponent:g}"] = [popular[place] for place in places]
    return walls


def people_of(dataset: Dataset, on_a_wall: frozenset[int]) -> list[Person]:
    """Return the people with enough loved titles on no wall."""
    people = []
    for user in range(dataset.n_users):
        history = dataset.history(user)
        pairs = zip(history.item_ids, history.feedback, strict=True)
        loved = frozenset(item_id for item_id, feedback in pairs if feedback == Feedback.LOVE)
        targets = dataset.id_map.indices_of(sorted(loved - on_a_wall))
        if len(targets) >= MIN_TARGETS:
            people.append(Person(loved, targets))
    return people


def judge(
    ranker: Ranker, people: Sequence[Person], wall: Sequence[int], pick: Pick, masked: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return each person's NDCG after picking; one click follows the other by three seconds."""
    rng = np.random.default_rng(0)
    told = []
    for person in people:
        picks = pick([anime_id for anime_id in wall if anime_id in person.loved], rng)
        times = tuple(1.7e9 + 3.0 * place for place in range(len(picks)))
        told.append(History(tuple(picks), (int(Feedback.LOVE),) * len(picks), times))
    scores = ranker.scores(told)
    pairs = zip(scores, people, strict=True)
    return np.array([ndcg(target_ranks(row, person.targets, masked), CUTOFF) for row, person in pairs])


def effort(people: Sequence[Person], wall: Sequence[int]) -> str:
    """Say how many people find three titles to pick, and how far down the third stands for half of those."""
    places = [[place for place, anime_id in enumerate(wall, 1) if anime_id in each.loved] for each in people]
    thirds = [found[PICKS - 1] for found in places if len(found) >= PICKS]
    return f"{len(thirds) / len(people):.0%} | {np.median(thirds):.0f}"


if __name__ == "__main__":
    main()
