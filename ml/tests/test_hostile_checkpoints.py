"""Checkpoint files that somebody made up, and disks that do not take a checkpoint."""

import hashlib
import json
import os
import pickle
import resource
import shutil
import signal
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import safetensors.torch
import torch

from ml.checkpoint import ID_MAP, MANIFEST, WEIGHTS, Checkpoint, CheckpointError
from ml.tests.conftest import rewrite


def put_weights(path, blob):
    """Put other weights in place, with a hash that fits: whoever can write one file can write the other."""
    (path / WEIGHTS).write_bytes(blob)
    rewrite(path, weights_sha256=hashlib.sha256(blob).hexdigest())


def change_config(path, **changes):
    rewrite(path, config=json.loads((path / MANIFEST).read_text())["config"] | changes)


class Trap:
    """Unpickled, it makes a folder."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


def test_a_pickle_is_never_opened(fresh, tmp_path):
    put_weights(fresh, pickle.dumps(Trap(tmp_path / "sprung")))
    with pytest.raises(CheckpointError, match="cannot be read"):
        Checkpoint.load(fresh)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("length", [2**63, 2**40, 99_999_999, 200])
def test_a_header_of_a_length_it_does_not_have_is_refused(fresh, length):
    put_weights(fresh, struct.pack("<Q", length) + b'{"a":')
    with pytest.raises(CheckpointError, match="cannot be read"):
        Checkpoint.load(fresh)


def test_tensors_that_claim_more_than_the_file_holds_are_refused(fresh):
    header = json.dumps({"bias": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}}).encode()
    put_weights(fresh, struct.pack("<Q", len(header)) + header + b"\0" * 64)
    with pytest.raises(CheckpointError, match="cannot be read"):
        Checkpoint.load(fresh)


def test_a_tensor_without_dimensions_is_refused(fresh):
    tensors = safetensors.torch.load((fresh / WEIGHTS).read_bytes())
    tensors["item_item.offsets"] = torch.tensor(1)
    put_weights(fresh, safetensors.torch.save(tensors))
    with pytest.raises(CheckpointError, match=r"do not fit its config: item_item\.offsets"):
        Checkpoint.load(fresh)


@pytest.mark.parametrize("name", [WEIGHTS, MANIFEST, ID_MAP])
def test_a_link_is_refused_wherever_it_leads(fresh, tmp_path, name):
    (fresh / name).rename(tmp_path / name)
    (fresh / name).symlink_to(tmp_path / name)
    with pytest.raises(CheckpointError, match=f"holds {name}, which is no plain file"):
        Checkpoint.load(fresh)


def test_a_pipe_is_refused_instead_of_waited_for(fresh):
    (fresh / WEIGHTS).unlink()
    os.mkfifo(fresh / WEIGHTS)
    with pytest.raises(CheckpointError, match="no plain file"):
        Checkpoint.load(fresh)


def test_a_checkpoint_may_lie_behind_a_link(fresh, tmp_path):
    (tmp_path / "link").symlink_to(fresh)
    assert Checkpoint.load(tmp_path / "link").version


@pytest.mark.parametrize("version", ["../../etc/passwd", "/etc/passwd"])
def test_a_path_for_a_version_is_refused(fresh, version):
    rewrite(fresh, version=version)
    with pytest.raises(CheckpointError, match="do not match its version"):
        Checkpoint.load(fresh)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_items": 10**12}, "has 30 ids for 1000000000000 titles"),
        ({"n_items": "30"}, "n_items must be a whole number"),
        ({"width": 10**9}, "width must be a whole number from 1 to 4096"),
        ({"width": 16.0}, "width must be a whole number"),
        ({"n_heads": 0}, "n_heads must be a whole number from 1"),
        ({"n_blocks": 10**9}, "n_blocks must be a whole number from 1 to 64"),
        ({"hidden_ratio": 10**6}, "hidden_ratio must be"),
        ({"max_length": 10**12}, "max_length must be"),
        ({"time_years": 10**9}, "time_years must be"),
        ({"dropout": 7}, "dropout must be from 0 to below 1"),
        ({"dropout": float("nan")}, "dropout must be from 0 to below 1"),
        ({"context": 3}, "cannot be read"),
    ],
)
def test_a_config_that_would_fill_the_memory_is_refused(fresh, changes, message):
    change_config(fresh, **changes)
    with pytest.raises(CheckpointError, match=message):
        Checkpoint.load(fresh)


@pytest.mark.parametrize(
    ("name", "value"),
    [("data", []), ("metrics", "high"), ("config", 1), ("mix", None), ("version", 7), ("parent", {})],
)
def test_entries_of_another_shape_are_refused(fresh, name, value):
    rewrite(fresh, **{name: value})
    with pytest.raises(CheckpointError, match=f"entries of another shape: {name}"):
        Checkpoint.load(fresh)


@pytest.mark.parametrize("name", [MANIFEST, ID_MAP])
@pytest.mark.parametrize("content", ["[" * 100_000, "\0\0\0\0", "nul", ""])
def test_json_that_is_none_is_refused(fresh, name, content):
    (fresh / name).write_text(content)
    with pytest.raises(CheckpointError, match="is not complete"):
        Checkpoint.load(fresh)


@pytest.mark.parametrize("ids", [[None] * 30, ["x"] * 30, [[1]] * 30, [1] * 30])
def test_ids_that_are_none_are_refused(fresh, ids):
    (fresh / ID_MAP).write_text(json.dumps(ids))
    with pytest.raises(CheckpointError, match="cannot be read"):
        Checkpoint.load(fresh)


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Let no file grow beyond a size, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    was = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, was)


def test_a_disk_that_takes_half_a_checkpoint_keeps_nothing(trained, tmp_path):
    with files_of_at_most(4096), pytest.raises(OSError, match=r"no room for it .* free some") as refusal:
        trained.save(tmp_path / "it")
    assert "\n" not in str(refusal.value)
    assert list(tmp_path.iterdir()) == []
    assert trained.save(tmp_path / "it").version


@pytest.fixture
def small_disk(tmp_path) -> Iterator[Path]:
    """Mount a disk of 64 KB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    command = [mount or "", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if not mount or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("a disk can only be mounted as root with the right to it")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_keeps_the_old_checkpoint_and_nothing_of_the_new(trained, small_disk):
    wide = trained.extended(tuple(range(10_000, 12_000)))  # some 200 KB
    kept = small_disk / "old"
    kept.mkdir()
    (kept / "weights").write_bytes(b"old")
    with pytest.raises(OSError, match=r"no room for it .* free some"):
        wide.save(small_disk / "new")
    assert [path.name for path in small_disk.iterdir()] == ["old"]
    assert (kept / "weights").read_bytes() == b"old"


@pytest.fixture
def read_only() -> Iterator[Path]:
    """Make a folder that others than root can reach."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


@contextmanager
def closed(folder: Path) -> Iterator[None]:
    """Take the right to write into a folder away, also from root."""
    folder.chmod(0o555)
    was = os.geteuid()
    if was == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(was)


def test_a_read_only_folder_serves_and_says_why_it_takes_nothing(trained, read_only):
    version = trained.save(read_only / "old").version
    with closed(read_only):
        assert Checkpoint.load(read_only / "old").version == version
        with pytest.raises(PermissionError, match="must not be written: make it writable"):
            trained.save(read_only / "new")
    assert [path.name for path in read_only.iterdir()] == ["old"]
