"""What stops the site before it starts."""

import socket

import pytest

from nostrade_site import preflight
from nostrade_site.supervisor import SiteError


def test_it_works(tmp_path):
    preflight.check_disk(tmp_path, needed=1)
    preflight.check_address("127.0.0.1", 0)
    preflight.lock(tmp_path).close()


def test_it_rejects_a_taken_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(SiteError, match=rf"port {port} is taken: .* PORT={port + 1} make run"):
            preflight.check_address("127.0.0.1", port)


def test_it_rejects_a_port_that_does_not_exist():
    with pytest.raises(SiteError, match="PORT=70000 does not exist"):
        preflight.check_address("127.0.0.1", 70000)


def test_it_rejects_an_address_of_another_machine():
    with pytest.raises(SiteError, match=r"cannot listen on 192\.0\.2\.1 port 8000"):
        preflight.check_address("192.0.2.1", 8000)


def test_it_rejects_a_second_site_on_the_same_folder(tmp_path):
    with preflight.lock(tmp_path), pytest.raises(SiteError, match="the site already runs on"):
        preflight.lock(tmp_path)


def test_it_rejects_a_full_disk(tmp_path):
    with pytest.raises(SiteError, match=r"has \d+ MB free and the site needs 1000000000 MB"):
        preflight.check_disk(tmp_path, needed=10**9)
