"""How well a title nobody has rated finds its people: titles are hidden from training, then added by content.

    python -m benchmarks.cold --data DIR [--preset tiny] [--share 0.1]

DIR is made by `python -m ml.prepare --items …`. Held-out people are told apart from the hidden titles; the
hidden titles of their lists are the targets, ranked among all hidden titles.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ml import cold
from ml.checkpoint import Checkpoint
from ml.config import PRESETS, SASREC_ALONE, SASRecConfig
from ml.content import ContentMatrix, ContentOnly, ItemContent
from ml.data import Dataset
from ml.history import History
from ml.id_maps import IdMap
from ml.leave_out import only_events
from ml.metrics import bootstrap
from ml.ranker import Ranker
from ml.splits import Split
from ml.training import train
from ml.wording import interval_text

CUTOFF = 20


def main() -> None:
    """Train without the hidden titles, add them by content and print where they rank."""
    command = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    command.add_argument("--data", type=Path, required=True)
    command.add_argument("--preset", default="tiny", choices=sorted(PRESETS))
    command.add_argument("--share", type=float, default=0.1, help="of the titles, hidden from training")
    command.add_argument("--people", default="holdout", choices=("holdout", "validation"))
    options = command.parse_args()
    dataset = Dataset.load(options.data)
    assert dataset.content is not None, "prepare the data with --items"
    hidden = np.random.default_rng(0).permutation(dataset.n_items)[: int(options.share * dataset.n_items)] + 1
    warm = without(dataset, hidden)
    preset = PRESETS[options.preset]
    trained = train(warm, SASRecConfig(n_items=warm.n_items, **preset.model), preset.training, "cpu")
    split = Split(**trained.training["split"])
    people = (
        split.holdout_people(dataset) if options.people == "holdout" else split.validation_people(dataset)
    )
    cases = [case for user in np.flatnonzero(people) if (case := split_up(dataset, int(user), hidden))[1]]
    ids = tuple(dataset.id_map.id_of(int(i)) for i in hidden)
    chance = f"{CUTOFF / len(ids):.3f} and 0.5"
    print(f"{len(ids)} of {dataset.n_items} titles hidden; {len(cases)} people have some; chance is {chance}")
    print("| cold titles placed by | recall@20 | mean percentile |\n| --- | --- | --- |")
    for name, scores in rankers(trained, ids, dataset.content, warm, [history for history, _ in cases]):
        recall, place = zip(
            *(judge(row, ids, wanted) for row, (_, wanted) in zip(scores, cases, strict=True)), strict=True
        )
        print(f"| {name} | {words(recall)} | {words(place)} |")


def words(values: tuple[float, ...]) -> str:
    """Say a mean with its interval."""
    return interval_text(bootstrap(np.array(values)).to_dict())


def without(dataset: Dataset, hidden: NDArray[np.int64]) -> Dataset:
    """Take titles out of the data and of its id map."""
    left = only_events(dataset, ~np.isin(dataset.items, hidden))
    gone = set(hidden.tolist())
    kept = [index for index in range(1, dataset.n_items + 1) if index not in gone]
    table = np.zeros(dataset.n_items + 1, dtype=np.int32)
    table[kept] = np.arange(1, len(kept) + 1)
    return replace(left, id_map=IdMap(dataset.id_map.id_of(i) for i in kept), items=table[left.items])


def split_up(dataset: Dataset, user: int, hidden: NDArray[np.int64]) -> tuple[History, set[int]]:
    """Return what is known of a person, and the hidden titles of the list."""
    history = dataset.history(user)
    cold_ids = np.isin(dataset.id_map.indices_of(history.item_ids), hidden)
    return history.take(np.flatnonzero(~cold_ids).tolist()), set(
        np.array(history.item_ids)[cold_ids].tolist()
    )


def rankers(
    trained: Checkpoint, ids: tuple[int, ...], content: ItemContent, warm: Dataset, histories: list[History]
) -> list[tuple[str, NDArray[np.float32]]]:
    """Score the hidden titles in several ways, each (people, titles)."""
    placed = cold.extended(trained, ids, content)
    both = {"the average (extended without content)": trained.extended(ids), "content": placed}
    found = [
        (f"{name}, {kind}", Ranker(replace(checkpoint, mix=mix)))
        for name, checkpoint in both.items()
        for kind, mix in (("SASRec alone", SASREC_ALONE), ("the ranker", trained.mix))
    ]
    scored = [(name, r.scores(histories)[:, r.id_map.indices_of(ids)]) for name, r in found]
    alone = ContentOnly(ContentMatrix(content), IdMap(ids)).scores(histories)[:, 1:]
    genre = np.tile(genre_popularity(content, warm, ids), (len(histories), 1))
    return [("popularity of its genres", genre), ("content only, no model", alone), *scored]


def genre_popularity(content: ItemContent, warm: Dataset, ids: tuple[int, ...]) -> NDArray[np.float32]:
    """Return the mean number of people of the known titles of each hidden title's genres, (titles,)."""
    marks = np.zeros((len(content.item_ids), len(content.maps["genre"])))
    rows = np.repeat(np.arange(len(marks)), np.diff(content.offsets))
    is_genre = content.features < marks.shape[1]  # the first block
    marks[rows[is_genre], content.features[is_genre]] = 1
    counts = warm.item_counts()[warm.id_map.indices_of(content.item_ids.tolist())]
    means = (marks * counts[:, None]).sum(0) / np.maximum((marks * (counts > 0)[:, None]).sum(0), 1)
    places = IdMap(content.item_ids.tolist()).indices_of(ids) - 1
    return np.asarray(marks[places] @ means / np.maximum(marks[places].sum(1), 1), dtype=np.float32)


def judge(scores: NDArray[np.float32], ids: tuple[int, ...], wanted: set[int]) -> tuple[float, float]:
    """Return recall@20 and the mean percentile (1 = first) of the wanted titles; ties count half."""
    is_wanted = np.isin(ids, list(wanted))
    others = scores[~is_wanted]
    better = (others[None] > scores[is_wanted, None]).sum(1) + (others[None] == scores[is_wanted, None]).sum(
        1
    ) / 2
    rank = np.array([(scores > s).sum() + ((scores == s).sum() - 1) / 2 for s in scores[is_wanted]])
    within = np.clip(CUTOFF - rank, 0, 1)
    return float(within.sum() / min(CUTOFF, len(rank))), float(1 - (better / max(len(others), 1)).mean())


if __name__ == "__main__":
    main()
