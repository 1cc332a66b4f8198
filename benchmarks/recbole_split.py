"""What RecBole makes of MovieLens-100K: its split and its metrics of some scores, for `same_split.py`.

    python benchmarks/recbole_split.py --out out.npz --min-count 5

Runs in an environment of its own (`benchmarks/requirements-recbole.txt`) and knows nothing of Nostrade. The
data is the copy that comes with RecBole.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from recbole.config import Config
from recbole.data import create_dataset, data_preparation
from recbole.evaluator import Collector, Evaluator

FIGURES = ("hit@10", "hit@20", "mrr@10", "mrr@20", "ndcg@10", "ndcg@20")


def settings(min_count: int) -> dict[str, object]:
    """Return what both publications set, and how many people a title and titles a person need."""
    enough = f"[{min_count},inf)"
    return {
        "use_gpu": False,
        "load_col": {"inter": ["user_id", "item_id", "timestamp"]},
        "user_inter_num_interval": enough,
        "item_inter_num_interval": enough,
        "train_neg_sample_args": None,
        "eval_args": {"group_by": "user", "order": "TO", "split": {"LS": "valid_and_test"}, "mode": "full"},
        "metrics": ["Hit", "MRR", "NDCG"],
        "topk": [10, 20],
        "valid_metric": "MRR@10",
    }


def main() -> None:
    """Write the split, random scores and what RecBole's evaluator says of them."""
    command = argparse.ArgumentParser(description=__doc__)
    command.add_argument("--out", type=Path, required=True)
    command.add_argument("--min-count", type=int, required=True)
    options = command.parse_args()
    config = Config("GRU4Rec", "ml-100k", config_dict=settings(options.min_count))
    dataset = create_dataset(config)
    training, _, test = data_preparation(config, dataset)
    users, targets = (test.dataset.inter_feat[name].numpy() for name in ("user_id", "item_id"))
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(len(users), dataset.item_num)).astype(np.float32)
    scores[np.arange(len(users)), targets] += rng.uniform(0, 4, len(users)).astype(np.float32)
    scores[:, 0] = -np.inf  # padding
    collector = Collector(config)
    rows = torch.arange(len(users))
    collector.eval_batch_collect(
        torch.from_numpy(scores), test.dataset.inter_feat, rows, torch.from_numpy(targets)
    )
    found = Evaluator(config).evaluate(collector.get_data_struct())
    np.savez(
        options.out,
        people=dataset.user_num - 1,
        titles=dataset.item_num - 1,
        rows=len(training.dataset),
        users=dataset.id2token("user_id", users).astype(str),
        targets=dataset.id2token("item_id", targets).astype(np.int64),
        places=targets,
        scores=scores,
        names=FIGURES,
        figures=[found[name] for name in FIGURES],
    )


if __name__ == "__main__":
    main()
