"""Compare the losses, each at the better of two learning rates and trained until validation stops rising.

    python -m benchmarks.losses --data DIR --out FILE.json

DIR is made by `python -m ml.prepare`. A sixth of the people who are not held out teaches a small SASRec
(width 64) without the item-item term; the validation people judge it and choose the rate, so the figures are
a little flattered, all alike. A killed run goes on after the last loss in FILE.
"""

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from ml.config import SASRecConfig, TrainingConfig
from ml.data import Dataset
from ml.fitting import Validation
from ml.splits import Split, user_fractions
from ml.training import MIX_DRAWS, new_sasrec, run, validation_cases

RATES = (3e-4, 1e-3)
TEACHERS = (0.10, 0.25)  # the fractions of people, by the hash of their id, who teach
SETTINGS = TrainingConfig(epochs=40, validations=20, patience=3, split=Split(0.0, 0.05))
LOSSES: dict[str, dict[str, Any]] = {
    "full softmax": {},
    "sampled softmax, 256 drawn evenly": {"loss": "sampled_softmax"},
    "sampled softmax, 256 by popularity^0.5, logQ": {"loss": "sampled_softmax", "negative_popularity": 0.5},
    "BCE, 1 negative (SASRec's own)": {"loss": "bce", "negatives_per_target": 1},
    "BCE, 256 negatives": {"loss": "bce"},
    "gBCE, 256 negatives, t 0.75": {"loss": "gbce"},
    "BPR": {"loss": "bpr"},
}


def main() -> None:
    """Train every loss at every rate and print the better one of each."""
    command = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    command.add_argument("--data", type=Path, required=True)
    command.add_argument("--out", type=Path, required=True, help="JSON with every validation")
    options = command.parse_args()
    dataset = Dataset.load(options.data)
    done: dict[str, dict[str, Any]] = json.loads(options.out.read_text()) if options.out.exists() else {}
    for name, changes in LOSSES.items():
        for rate in RATES:
            if f"{name} @ {rate:g}" not in done:
                config = replace(SETTINGS, learning_rate=rate, **changes)
                done[f"{name} @ {rate:g}"] = trained(dataset, config)
                options.out.write_text(json.dumps(done, indent=1) + "\n")
    print(table(done))


def trained(dataset: Dataset, config: TrainingConfig) -> dict[str, Any]:
    """Train one loss and return its validations and processor seconds."""
    fractions = user_fractions(dataset.user_ids)
    teaches = (fractions >= TEACHERS[0]) & (fractions < TEACHERS[1])
    people = dataset.people(teaches | config.split.validation_people(dataset))
    judge = Validation(validation_cases(dataset, config, MIX_DRAWS))
    began = time.process_time()
    start = new_sasrec(people, SASRecConfig(n_items=people.n_items, width=64, n_heads=2), config)
    validations = run(start, people, config, "cpu", validation=judge).metrics["validations"]
    return {"validations": validations, "seconds": time.process_time() - began}


def table(done: dict[str, dict[str, Any]]) -> str:
    """Lay out the better rate of each loss."""
    lines = ["| loss | rate | best NDCG@20, mean | 3 | 10 | 30 | all | first check | steps | processor s |"]
    lines.append("|" + " --- |" * 10)
    for name in LOSSES:
        runs = {rate: done[f"{name} @ {rate:g}"] for rate in RATES}
        best = {
            rate: max(row["validations"], key=lambda found: found["ndcg@20"]) for rate, row in runs.items()
        }
        rate = max(RATES, key=lambda rate: best[rate]["ndcg@20"])
        told = " | ".join(f"{best[rate][length]:.3f}" for length in ("3", "10", "30", "all"))
        first, last = runs[rate]["validations"][0], runs[rate]["validations"][-1]
        end = " (the last)" if best[rate]["step"] == last["step"] else ""
        lines.append(
            f"| {name} | {rate:g} | {best[rate]['ndcg@20']:.4f} | {told} | {first['ndcg@20']:.4f} | "
            f"{best[rate]['step']:.0f}{end} | {runs[rate]['seconds']:.0f} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
