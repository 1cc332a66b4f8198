"""Several processes learn what one does: their gradients, their weights, and after a kill."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from shutil import copyfile

import numpy as np
import pytest
import torch

from ml import train as command
from ml.batches import Batches
from ml.checkpoint import Checkpoint
from ml.data import Dataset, clean, describe
from ml.objective import Objective
from ml.sasrec import SASRec
from ml.shares import Share
from ml.tests.conftest import TINY, tiny_config, two_tastes

CLOSE = 1e-5  # of any weight after some dozen steps of 3e-4: sums of floats in another order, no more
UNFELT = 1e-4  # attention does not feel a bias of its keys: what AdamW makes of that is rounding alone
QUICK = ["--preset", "tiny", "--device", "cpu", "--epochs", "4", "--batch-size", "15", "--validation", "0.2"]
# Every kind of random draw (dropout, negatives, their partners), and weights that nobody looks at.
ORDERED = [*QUICK, "--loss", "bpr", "--context", "feedback", "time", "position"]


def dated(n_people=120):
    table = two_tastes(n_people)
    return table.assign(timestamp=1e9 + 1e5 * np.arange(len(table)))


def batches_of(table, config):
    dataset = clean([table], min_item_count=1)
    model_config = tiny_config(dataset.n_items, dropout=0.3, time_first=2, time_last=200)
    kin = np.tile(np.arange(1, 4), (dataset.n_items + 1, 1))
    return dataset, model_config, Batches(dataset, model_config.time_bins, config, kin)


def slopes(model_config, objective, batch):
    """Return the loss and its gradients by name, the model and the draws always the same."""
    torch.manual_seed(0)
    model = SASRec(model_config).train()
    loss = objective(model, batch)
    loss.backward()
    return {"loss": loss.detach()} | {n: p.grad for n, p in model.named_parameters() if p.grad is not None}


def shares_of(batch, world, objective):
    """Cut a batch; the total over processes is known beforehand, since all of them are here."""
    counted = []
    for rank in range(world):
        share = Share(rank, world, len(batch.at), lambda counts: counted.append(counts) or counts)
        torch.manual_seed(0)
        objective(SASRec(tiny_config(len(objective.sampler.shares))), batch.part(share))
    total = torch.stack(counted).sum(0)
    return [batch.part(Share(rank, world, len(batch.at), lambda _: total)) for rank in range(world)]


@pytest.mark.parametrize("world", [2, 3, 7])  # with five people: uneven shares, and two without anybody
@pytest.mark.parametrize("loss", ["softmax", "sampled_softmax", "gbce", "bpr", "next title"])
@pytest.mark.parametrize("table", [two_tastes(5), dated(5)], ids=["sets", "ordered"])
def test_the_mean_gradient_of_the_shares_is_that_of_the_batch(table, loss, world):
    plain = {"ordered_horizon": 1, "dislike_strength": 0.0}
    changes = plain if loss == "next title" else {"loss": loss, "dislike_strength": 0.5}
    config = replace(TINY, negatives=8, pretended_people=0.5, **changes)
    dataset, model_config, batches = batches_of(table, config)
    batch = batches.batch(np.arange(5))
    batch.weights[0, 3:] = 0.0  # one with fewer targets than the others
    objective = Objective(config, torch.from_numpy(dataset.item_counts()))
    whole = slopes(model_config, objective, batch)
    parts = [slopes(model_config, objective, part) for part in shares_of(batch, world, objective)]
    assert len({float(part["loss"]) for part in parts}) > 1
    for name, expected in whole.items():
        found = sum(part.get(name, torch.zeros_like(expected)) for part in parts) / world
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6, msg=lambda m, n=name: f"{n}: {m}")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("distributed")
    for name, table in (("sets", two_tastes(120)), ("ordered", dated())):
        dataset = clean([table], min_item_count=1)
        dataset.save(folder / name, describe(dataset))
    return folder


def test_processes_share_the_pages_of_a_dataset(data):
    dataset = Dataset.load(data / "sets")
    arrays = dataset.offsets, dataset.items, dataset.feedback, dataset.timestamps
    assert all(isinstance(array.base, np.memmap) for array in arrays)
    assert dataset.people(np.ones(dataset.n_users, dtype=bool)) is dataset


def start(data, out, *more):
    """Start two processes on this machine, as the documentation says."""
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    own = ["-m", "ml.train", "--data", str(data), "--out", str(out), *more]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    return subprocess.Popen([*torchrun, *own], env=environment, stdout=subprocess.PIPE, text=True)


def alone(data, out, *more):
    assert command.main(["--data", str(data), "--out", str(out), *more]) == 0
    return Checkpoint.load(out)


def assert_alike(one, other):
    for name, weight in one.weights.items():
        close = UNFELT if name.endswith("key_value.bias") else CLOSE
        torch.testing.assert_close(
            other.weights[name], weight, rtol=0, atol=close, msg=lambda m, n=name: f"{n}: {m}"
        )
    assert other.metrics["steps"] == one.metrics["steps"]
    for mine, theirs in zip(one.metrics["validations"], other.metrics["validations"], strict=True):
        assert theirs == pytest.approx(mine, abs=1e-3)
    assert other.mix.coherence == one.mix.coherence
    assert other.data == one.data


def test_two_processes_learn_what_one_does_from_ordered_lists(data, tmp_path):
    process = start(data / "ordered", tmp_path / "two", *ORDERED)
    said, _ = process.communicate(timeout=600)
    assert process.returncode == 0
    assert said.count("two: version") == 1
    assert_alike(alone(data / "ordered", tmp_path / "one", *ORDERED), Checkpoint.load(tmp_path / "two"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "two"]


@pytest.mark.skipif(sys.platform != "linux", reason="finds the processes that torchrun started in /proc")
def test_after_a_kill_two_processes_or_one_go_on_to_the_same_weights(data, tmp_path):
    options = [*QUICK, "--save-every", "5"]
    killed = tmp_path / "killed"
    process = start(data / "sets", killed, *options)
    kill_a_worker(process, tmp_path / "killed.state")
    process.communicate(timeout=600)
    assert process.returncode != 0
    assert not killed.exists()
    copyfile(tmp_path / "killed.state", tmp_path / "rest.state")
    process = start(data / "sets", killed, *options)
    whole = alone(data / "sets", tmp_path / "whole", *options)
    rest = alone(data / "sets", tmp_path / "rest", *options)
    process.communicate(timeout=600)
    assert process.returncode == 0
    assert_alike(whole, Checkpoint.load(killed))
    assert_alike(whole, rest)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["killed", "rest", "whole"]


def kill_a_worker(process, state):
    """Kill the second process of a run as soon as the first one has kept a state."""
    while not state.exists():
        assert process.poll() is None
        time.sleep(0.005)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    os.kill(int(children[-1]), signal.SIGKILL)
