import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest
import torch

from ml import train as command
from ml.batches import Batches
from ml.checkpoint import WEIGHTS, Checkpoint
from ml.data import Dataset, clean, describe
from ml.fine_tuning import fine_tune
from ml.fitting import Surroundings
from ml.resuming import StateError, StateFile
from ml.splits import Split
from ml.tests.conftest import TINY, tiny_config, two_tastes
from ml.training import train

SPLIT = Split(0.1, 0.2)


class Killed(Exception):  # noqa: N818  # no error
    """Stands for a kill inside of this process."""


def killed_at(step):
    def watch(now, figures):
        if now == step:
            raise Killed

    return watch


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    path = tmp_path_factory.mktemp("resuming") / "data"
    dataset = clean([two_tastes(120)], min_item_count=1)
    dataset.save(path, describe(dataset))
    return path


def arguments(data, out, *more):
    said = ["--data", data, "--out", out, "--preset", "tiny", "--device", "cpu", "--epochs", 6]
    return [str(part) for part in (*said, "--validation", 0.1, "--save-every", 3, *more)]


def test_a_run_killed_by_the_system_goes_on_to_the_same_weights(data, tmp_path):
    whole, broken, state = tmp_path / "whole", tmp_path / "broken", tmp_path / "broken.state"
    start = [sys.executable, "-m", "ml.train", *arguments(data, broken)]
    process = subprocess.Popen(start, env=os.environ | {"OMP_NUM_THREADS": "1"}, stderr=subprocess.DEVNULL)
    while not state.exists():
        assert process.poll() is None
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not broken.exists()
    for out in (broken, whole):
        assert command.main(arguments(data, out)) == 0
    assert (broken / WEIGHTS).read_bytes() == (whole / WEIGHTS).read_bytes()
    runs = [Checkpoint.load(out) for out in (broken, whole)]
    assert runs[0].version == runs[1].version
    assert runs[0].metrics["validations"] == runs[1].metrics["validations"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["broken", "whole"]


@pytest.mark.parametrize("loss", ["softmax", "bpr"])  # one draws no negatives, one draws most
@pytest.mark.parametrize("step", [4, 11, 17])  # within the first and a later epoch, after a validation
def test_wherever_it_is_killed_nothing_changes(world, tmp_path, step, loss):
    config = replace(TINY, epochs=4, split=SPLIT, validations=3, loss=loss)
    shape = tiny_config(world.n_items)
    state = StateFile(tmp_path / "it.state", every=2)
    with pytest.raises(Killed):
        train(world, shape, config, "cpu", around=Surroundings(state, killed_at(step)))
    again = train(world, shape, config, "cpu", around=Surroundings(state))
    whole = train(world, shape, config, "cpu")
    assert all(torch.equal(again.weights[name], weight) for name, weight in whole.weights.items())
    assert again.metrics["steps"] == whole.metrics["steps"]
    assert again.metrics["validations"] == whole.metrics["validations"]


@pytest.mark.parametrize("replayed", [None, 90])
def test_fine_tuning_goes_on_too_pulled_to_the_same_parent(trained, tmp_path, replayed):
    clicks = clean([two_tastes(80, seed=2)], min_item_count=1)
    old = replayed and clean([two_tastes(replayed, seed=4)], min_item_count=1)
    config = replace(TINY, epochs=2, split=Split(0.0, 0.0), anchor_strength=0.1, champion_distillation=0.3)
    state = StateFile(tmp_path / "it.state", every=4)
    around = Surroundings(state, killed_at(6))
    with pytest.raises(Killed):
        fine_tune(trained, clicks, old, config, device="cpu", around=around)
    again = fine_tune(trained, clicks, old, config, device="cpu", around=Surroundings(state))
    whole = fine_tune(trained, clicks, old, config, device="cpu")
    assert all(torch.equal(again.weights[name], weight) for name, weight in whole.weights.items())
    assert whole.metrics["steps"] == (2 * 10 if old else 2 * 5)


def test_batches_go_on_draw_by_draw(world):
    config = replace(TINY, batch_size=7)
    batches, other = (Batches(world, tiny_config(world.n_items).time_bins, config) for _ in range(2))
    endless = batches.endless()
    for _ in range(len(batches) + 5):
        next(endless)
    other.restore(json.loads(json.dumps(batches.state())))
    for _, mine, theirs in zip(range(2 * len(batches)), endless, other.endless(), strict=False):
        assert all(torch.equal(a, b) for a, b in zip(mine.inputs, theirs.inputs, strict=True))
        assert torch.equal(mine.at, theirs.at)


def refused(data, out, *more, capsys):
    assert command.main(arguments(data, out, *more)) == 1
    said = capsys.readouterr().err
    assert said.count("\n") - said.count("\r") <= 1
    return said.splitlines()[-1]


def test_the_state_of_another_run_is_refused(data, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(command, "tensorboard", lambda log_dir: _Watched(killed_at(4)))
    with pytest.raises(Killed):
        command.main(arguments(data, tmp_path / "it"))
    monkeypatch.undo()
    others = tmp_path / "others"
    dataset = clean([two_tastes(120, seed=5)], min_item_count=1)
    dataset.save(others, describe(dataset))
    message = "it.state belongs to a run with other data or settings; repeat that run's command, or remove"
    for wrong in (["--seed", 1], ["--context", "time"], ["--loss", "bpr"]):
        assert message in refused(data, tmp_path / "it", *wrong, capsys=capsys)
    assert message in refused(others, tmp_path / "it", capsys=capsys)
    assert command.main(arguments(data, tmp_path / "it")) == 0
    assert not (tmp_path / "it.state").exists()


class _Watched:
    def __init__(self, watch):
        self.watch = watch

    def __enter__(self):
        return self.watch

    def __exit__(self, *_):
        return None


def test_a_damaged_state_is_refused(world, tmp_path):
    state = StateFile(tmp_path / "it.state", every=2)
    config = replace(TINY, max_steps=8, split=Split(0.0, 0.0))
    with pytest.raises(Killed):
        train(world, tiny_config(world.n_items), config, "cpu", around=Surroundings(state, killed_at(5)))
    blob = state.path.read_bytes()
    for damaged in (b"", blob[: len(blob) // 2], b"hello"):
        state.path.write_bytes(damaged)
        with pytest.raises(StateError, match="is not the state of a run; remove it to begin anew"):
            train(world, tiny_config(world.n_items), config, "cpu", around=Surroundings(state))


def test_no_state_is_kept_where_none_is_wanted(data, tmp_path, monkeypatch):
    monkeypatch.setattr(StateFile, "save", lambda *_: pytest.fail("a state was written"))
    assert command.main([*arguments(data, tmp_path / "it"), "--save-every", "0", "--max-steps", "4"]) == 0
    assert Dataset.load(data).n_users == 120
