"""What a night of fine-tuning gains on new people and loses on old ones, by how many new people there are.

    python -m benchmarks.fine_tuning --ratings rating.csv --updates list_updates.csv [--people 1 10 100 500]

The parent is the starter. News are people of dated list updates, half of them about titles that the starter
does not know; gains are measured on other people of that file, the newest fifth of whose events are the
targets. Old people are those of the ratings that the starter never saw. With --learning-rate,
--champion-distillation, --anchor-strength, --epochs, --replay-share and --term-support instead of the
recipe's, to tune it.
"""

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from ml.checkpoint import Checkpoint
from ml.config import FINE_TUNING, TrainingConfig
from ml.data import Dataset, clean
from ml.feedback import Feedback, bucket_ratings
from ml.fine_tuning import fine_tune, with_titles
from ml.protocols import KNOWN, Case, fold_in, measure
from ml.ranker import Ranker
from ml.ratings import read_ratings
from ml.replay import sampled_histories
from ml.scoring import Scorer
from ml.splits import Split, user_fractions

STARTER = Path(__file__).parent.parent / "ml" / "starter"
SAMPLED, JUDGES, TESTED = 2_000, 0.25, 300  # people sampled; share of new people who judge, and how many
MIN_EVENTS = 5  # of a new person
SETTINGS = {
    "learning_rate": float,
    "champion_distillation": float,
    "anchor_strength": float,
    "epochs": int,
    "replay_share": float,
    "term_support": int,
}


def main() -> None:
    """Fine-tune once for every number of people and kind of replay, and print the table."""
    options = parser().parse_args()
    torch.set_num_threads(1)
    given = {name: getattr(options, name) for name in SETTINGS if getattr(options, name) is not None}
    config = replace(FINE_TUNING, **given, split=Split(0.0, 0.0))
    parent = Checkpoint.load(STARTER)
    ratings = clean([read_ratings(options.ratings)], keep_items=parent.id_map.ids)
    news, judges = new_people(options.updates)
    unseen = fold_in(ratings.people(FINE_TUNING.split.holdout_people(ratings)))
    kinds = {
        "ratings": lambda: ratings.people(FINE_TUNING.split.training_people(ratings)),
        "sampled": lambda: sampled_histories(parent, SAMPLED, seed=0),
    }
    replays = {kind: kinds[kind]() for kind in options.replay}
    print(f"{len(judges)} judges of news, {len(unseen)} old people; {given or 'the recipe'}")
    for line in rows(parent, news, replays, config, options.people, judges, unseen):
        print(line, flush=True)


def parser() -> argparse.ArgumentParser:
    """Define the command line."""
    command = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    command.add_argument("--ratings", type=Path, required=True)
    command.add_argument("--updates", type=Path, required=True)
    command.add_argument("--people", type=int, nargs="+", default=[1, 10, 100, 500])
    command.add_argument(
        "--replay", nargs="+", choices=("ratings", "sampled"), default=["ratings", "sampled"]
    )
    for name, kind in SETTINGS.items():
        command.add_argument(f"--{name.replace('_', '-')}", type=kind)
    return command


def new_people(path: Path) -> tuple[Dataset, list[Case]]:
    """Read list updates, without plans: people to learn from, and cases of others to judge by."""
    table = pd.read_csv(path)
    table = table[table["status"] != "Plan to Watch"]
    said = bucket_ratings(table["score"].to_numpy(np.float64))
    said[(table["status"] == "Dropped") & (said == Feedback.WATCHED)] = Feedback.DISLIKE
    seconds = (pd.to_datetime(table["timestamp"], utc=True) - pd.Timestamp(0, tz="UTC")).dt.total_seconds()
    events = pd.DataFrame({"user_id": table["user_id"].astype(str).astype("category")}).assign(
        item_id=table["anime_id"], feedback=said, timestamp=seconds
    )
    everybody = clean([events], min_user_count=MIN_EVENTS)
    judging = user_fractions(everybody.user_ids) < JUDGES
    return everybody.people(~judging), fold_in(everybody.people(judging))[:TESTED]


def rows(
    parent: Checkpoint,
    news: Dataset,
    replays: dict[str, Dataset],
    config: TrainingConfig,
    sizes: Sequence[int],
    judges: list[Case],
    unseen: list[Case],
) -> Iterator[str]:
    """Yield the lines of the table."""
    start = with_titles(parent, news.id_map.ids, None)
    before = figures(Ranker(start), judges, unseen)
    yield "| new people | replay | steps | NDCG@20 of new people | old people | processor s |"
    yield "| --- | --- | --- | --- | --- | --- |"
    yield f"| none | | 0 | {before[0].mean():.4f} | {before[1].mean():.4f} | |"
    for size in sizes:
        some = news.people(np.arange(news.n_users) < size)
        for kind, replay in replays.items():
            began = time.process_time()
            child = fine_tune(parent, some, replay, config, device="cpu")
            taken = time.process_time() - began
            cells = [
                f"{mine.mean():.4f} ({difference(mine - old)})"
                for mine, old in zip(figures(Ranker(child), judges, unseen), before, strict=True)
            ]
            yield f"| {size} | {kind} | {child.metrics['steps']} | {' | '.join(cells)} | {taken:.0f} |"


def figures(ranker: Scorer, judges: list[Case], unseen: list[Case]) -> tuple[np.ndarray, np.ndarray]:
    """Return each new person's NDCG@20 with all known, and each old one's over the protocol's lengths."""
    old = [measure(ranker, unseen, n, (20,))["ndcg@20"] for n in KNOWN]
    return measure(ranker, judges, None, (20,))["ndcg@20"], np.mean(old, axis=0)


def difference(values: np.ndarray) -> str:
    """Write a mean difference with its standard error over people."""
    return f"{values.mean():+.4f} ± {values.std() / len(values) ** 0.5:.4f}"


if __name__ == "__main__":
    main()
