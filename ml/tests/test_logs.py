import sys
import types

import pytest

from ml import train as command
from ml.data import clean, describe
from ml.tests.conftest import two_tastes


@pytest.fixture
def arguments(tmp_path):
    dataset = clean([two_tastes()], min_item_count=1)
    dataset.save(tmp_path / "data", describe(dataset))
    said = ["--data", tmp_path / "data", "--out", tmp_path / "it", "--preset", "tiny", "--max-steps", "4"]
    return [str(part) for part in (*said, "--validation", "0.3", "--log-dir", tmp_path / "logs")]


def test_every_step_and_validation_is_logged(arguments, monkeypatch, tmp_path):
    written = {}

    class SummaryWriter:
        def __init__(self, log_dir):
            assert log_dir == tmp_path / "logs"

        def __enter__(self):
            return self

        def __exit__(self, *_):
            written["closed"] = True

        def add_scalar(self, name, value, step):
            written.setdefault(name, {})[step] = value

    stub = types.ModuleType("torch.utils.tensorboard")
    stub.SummaryWriter = SummaryWriter
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", stub)
    assert command.main(arguments) == 0
    assert sorted(written.pop("train/loss")) == sorted(written.pop("train/tokens/s")) == [1, 2, 3, 4]
    assert sorted(written.pop("validation/ndcg@20")) == sorted(written["validation/all"])
    assert written["closed"]


def test_the_package_really_writes_them(arguments, tmp_path):
    pytest.importorskip("tensorboard", reason="TensorBoard is optional; pip install tensorboard")
    assert command.main(arguments) == 0
    assert list((tmp_path / "logs").glob("events.out.tfevents.*"))


def test_without_the_package_one_sentence_says_what_to_install(arguments, monkeypatch, tmp_path, capsys):
    monkeypatch.delitem(sys.modules, "torch.utils.tensorboard", raising=False)
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    assert command.main(arguments) == 1
    assert (
        capsys.readouterr().err == "--log-dir needs TensorBoard: pip install tensorboard, or leave it out.\n"
    )
    assert not (tmp_path / "it").exists()
