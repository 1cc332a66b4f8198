"""Checkpoints exchanged between hosts: a folder, and a server that speaks S3."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ml.checkpoint import CheckpointError
from ml.tests.test_hostile_checkpoints import files_of_at_most
from recommender import serving, storage
from recommender.models import Checkpoint, NotServable
from recommender.tests.fixtures import Promote

BUCKET = "models"


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """Run a server that speaks S3; its address."""
    server = pytest.importorskip("moto.server", reason="moto is not installed (requirements-dev.txt)")
    boto3 = pytest.importorskip("boto3")
    running = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    address = f"http://{host}:{port}"
    client = boto3.client("s3", endpoint_url=address, region_name="us-east-1", **KEYS)
    client.create_bucket(Bucket=BUCKET)
    yield address
    running.stop()


KEYS = {"aws_access_key_id": "nobody", "aws_secret_access_key": "nothing"}


@pytest.fixture(params=["file", "s3"])
def shared(request: pytest.FixtureRequest, settings, tmp_path: Path, monkeypatch) -> str:
    """Name a storage in the settings."""
    if request.param == "file":
        settings.CHECKPOINT_STORAGE = f"file://{tmp_path}/storage/models"
    else:
        monkeypatch.setenv("AWS_ENDPOINT_URL", request.getfixturevalue("s3"))
        for name, value in KEYS.items():
            monkeypatch.setenv(name.upper(), value)
        settings.CHECKPOINT_STORAGE = f"s3://{BUCKET}/{tmp_path.name}"
    return str(settings.CHECKPOINT_STORAGE)


def files(path: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in path.iterdir()}


def lose(checkpoint: Checkpoint) -> dict[str, bytes]:
    """Remove the directory, as on a host that never had it; return its files."""
    had = files(checkpoint.path)
    shutil.rmtree(checkpoint.path)
    return had


def test_another_host_serves_what_was_promoted(shared: str, live: Checkpoint) -> None:
    had = lose(live)
    ranker = serving.get_ranker()
    assert ranker is not None
    assert ranker.version == "first"
    assert files(live.path) == had
    assert [path.name for path in live.path.parent.iterdir()] == ["first"]


def test_a_publication_that_broke_off_is_completed(shared: str, live: Checkpoint) -> None:
    remote, folder = storage._open("first")
    remote.rm(f"{folder}/{storage.MANIFEST}")
    remote.pipe_file(f"{folder}/weights.safetensors", b"half")
    storage.publish(live.path)
    had = lose(live)
    names = {Path(name).name for name in storage._open("first")[0].ls(folder, detail=False)}
    assert names == had.keys()
    storage.fetch(live.path)
    assert files(live.path) == had


def test_a_disk_that_takes_half_a_download_keeps_nothing(shared: str, live: Checkpoint, settings) -> None:
    lose(live)
    with files_of_at_most(4096), pytest.raises(NotServable, match=r"cannot be fetched .* free space"):
        live.load()
    assert list(Path(settings.CHECKPOINT_DIR).iterdir()) == []
    assert live.load().knows(1)


def test_publishing_again_changes_nothing(shared: str, live: Checkpoint) -> None:
    storage.publish(live.path)
    had = lose(live)
    storage.fetch(live.path)
    storage.fetch(live.path)
    assert files(live.path) == had


def test_roll_back_fetches_the_earlier_version(shared: str, live: Checkpoint, promote: Promote) -> None:
    second = promote("second")
    lose(live)
    assert second.roll_back() == live
    assert live.path.is_dir()


def test_what_was_published_in_part_is_not_fetched(shared: str, live: Checkpoint, settings) -> None:
    remote, folder = storage._open("first")
    remote.rm(f"{folder}/{storage.MANIFEST}")
    lose(live)
    with pytest.raises(NotServable, match=r"first cannot be fetched .*: publish it from the host"):
        live.load()
    assert list(Path(settings.CHECKPOINT_DIR).iterdir()) == []


def test_a_damaged_download_is_never_loaded(shared: str, live: Checkpoint, settings) -> None:
    remote, folder = storage._open("first")
    weights = f"{folder}/weights.safetensors"
    remote.pipe_file(weights, remote.cat_file(weights)[:-100])
    lose(live)
    with pytest.raises(CheckpointError, match=r"first has weights that do not match their sha256"):
        storage.fetch(live.path)
    assert list(Path(settings.CHECKPOINT_DIR).iterdir()) == []
    assert serving.get_ranker() is None
    assert "do not match their sha256" in serving.status().problem
    assert str(settings.CHECKPOINT_DIR) not in serving.status().problem


def test_processes_may_fetch_at_once(shared: str, live: Checkpoint) -> None:
    had = lose(live)
    errors: list[BaseException] = []

    def fetch() -> None:
        try:
            storage.fetch(live.path)
        except BaseException as error:  # noqa: BLE001  # reported below
            errors.append(error)

    threads = [threading.Thread(target=fetch) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert files(live.path) == had
    assert [path.name for path in live.path.parent.iterdir()] == ["first"]


def test_names_from_the_storage_do_not_lead_elsewhere(shared: str, live: Checkpoint) -> None:
    remote, folder = storage._open("first")
    for name in (".hidden", "nested/file", "checkpoint.json.draft-1234"):
        remote.makedirs(f"{folder}/nested", exist_ok=True)
        remote.pipe_file(f"{folder}/{name}", b"x")
    had = lose(live)
    storage.fetch(live.path)
    assert files(live.path) == had


def test_a_storage_out_of_reach_promotes_nothing(
    live: Checkpoint, promote: Promote, settings, monkeypatch
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{unused.getsockname()[1]}")
        for name, value in KEYS.items():
            monkeypatch.setenv(name.upper(), value)
        settings.CHECKPOINT_STORAGE = f"s3://{BUCKET}/x"
        with pytest.raises(NotServable, match="check the storage's address") as refusal:
            promote("second")
    assert "\n" not in str(refusal.value)
    assert Checkpoint.objects.active() == live


def test_a_full_folder_promotes_nothing(live: Checkpoint, promote: Promote, settings, tmp_path: Path) -> None:
    (tmp_path / "storage").write_text("a file where the folder should be")
    settings.CHECKPOINT_STORAGE = f"file://{tmp_path}/storage"
    with pytest.raises(NotServable, match="second cannot be published to CHECKPOINT_STORAGE"):
        promote("second")
    assert Checkpoint.objects.active() == live


def test_an_unknown_protocol_says_what_to_do(live: Checkpoint, settings) -> None:
    settings.CHECKPOINT_STORAGE = "nonsense://somewhere"
    with pytest.raises(NotServable, match="cannot be published"):
        live.promote()


def test_without_a_storage_nothing_is_exchanged(live: Checkpoint, settings) -> None:
    assert settings.CHECKPOINT_STORAGE == ""
    lose(live)
    with pytest.raises(NotServable, match="not complete"):
        live.load()
