"""The embedded broker, for real."""

import os
import subprocess

import pytest
import redis

from nostrade_site import broker
from nostrade_site.tests.site import START


@pytest.fixture
def place(tmp_path_factory):
    # Short: a Unix socket's path may not be long. With a space: people's folders have them.
    folder = tmp_path_factory.mktemp("a b")
    return folder / "valkey.sock", folder


def test_it_works_and_keeps_its_data(place):
    for expected in (None, b"1"):
        with broker.running_broker(*place):
            client = redis.Redis(unix_socket_path=str(place[0]))
            assert client.get("kept") == expected
            client.set("kept", 1)


def test_it_is_private_and_never_forgets(place):
    with broker.running_broker(*place):
        client = redis.Redis(unix_socket_path=str(place[0]))
        assert place[0].stat().st_mode & 0o077 == 0
        assert place[1].stat().st_mode & 0o077 == 0
        config = client.config_get()
    assert (config["port"], config["appendonly"], config["maxmemory-policy"]) == ("0", "yes", "noeviction")


def test_an_orphan_makes_room_and_loses_nothing(place):
    orphan = subprocess.Popen(broker.command(*place))
    while not broker.answers(place[0], orphan.pid):
        assert orphan.poll() is None
    redis.Redis(unix_socket_path=str(place[0])).set("queued", "task")
    with broker.running_broker(*place):
        assert orphan.wait(START) == 0
        assert redis.Redis(unix_socket_path=str(place[0])).get("queued") == b"task"


def test_a_killed_broker_leaves_nothing_that_blocks_the_next(place):
    first = subprocess.Popen(broker.command(*place))
    while not broker.answers(place[0], first.pid):
        assert first.poll() is None
    first.kill()
    first.wait()
    with broker.running_broker(*place):
        assert redis.Redis(unix_socket_path=str(place[0])).ping()


def test_it_knows_its_own_server_from_an_orphan(place):
    with broker.running_broker(*place):
        assert not broker.answers(place[0], os.getpid())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_it_rejects_a_folder_of_another_user(place):
    os.chown(place[1], 65534, 65534)
    refused = subprocess.run(broker.command(*place), capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert "belongs to another user" in refused.stderr


def log_of_commands(place):
    [file] = (place[1] / "appendonlydir").glob("*.incr.aof")
    return file


@pytest.fixture
def filled(place):
    """The files of a broker that has kept something."""
    with broker.running_broker(*place):
        client = redis.Redis(unix_socket_path=str(place[0]))
        for number in range(100):
            client.set(f"key-{number}", "kept" * 10)
    return place


@pytest.mark.parametrize("spoil", ["middle", "manifest", "base"])
def test_damaged_files_are_set_aside_with_a_sentence(filled, capfd, spoil):
    files = filled[1] / "appendonlydir"
    if spoil == "middle":
        file = log_of_commands(filled)
        content = bytearray(file.read_bytes())
        content[len(content) // 2 : len(content) // 2 + 40] = b"\xff" * 40
        file.write_bytes(content)
    else:
        for file in files.glob("*.manifest" if spoil == "manifest" else "*.base.*"):
            file.write_bytes(b"nonsense\n")
    with broker.running_broker(*filled):
        client = redis.Redis(unix_socket_path=str(filled[0]))
        assert client.get("key-1") is None
        client.set("works", 1)
    [aside] = filled[1].glob("damaged-*")
    assert (aside / files.glob("*.manifest").__next__().name).exists()
    said = capfd.readouterr().out
    assert f"The broker's files were damaged and are now {aside} (" in said
    with broker.running_broker(*filled):
        assert redis.Redis(unix_socket_path=str(filled[0])).get("works") == b"1"
    assert list(filled[1].glob("damaged-*")) == [aside]


def test_what_a_power_cut_leaves_at_the_end_is_no_damage(filled):
    file = log_of_commands(filled)
    os.truncate(file, file.stat().st_size - 7)
    with broker.running_broker(*filled):
        assert redis.Redis(unix_socket_path=str(filled[0])).get("key-1") == b"kept" * 10
    assert not list(filled[1].glob("damaged-*"))
