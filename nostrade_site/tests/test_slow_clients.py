"""Two hundred clients hold on to the whole site, each in its slow way: everybody else is served."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Iterator

import pytest

from nostrade_site.tests.site import Site, eventually, free_port
from nostrade_site.tests.slow_clients import KINDS, SlowClients, large_file, probe

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="the site finds its processes in /proc"),
]
SECONDS = 1.0  # for `/healthz`; typically, since one answer may be late on a machine that has other work


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = Site(tmp_path_factory.mktemp("slow") / "var", free_port()).start().wait_until_ready()
    yield site
    site.stop()


@pytest.mark.parametrize(
    "kinds", [*([kind] for kind in KINDS), list(KINDS)], ids=lambda kinds: "+".join(kinds)
)
def test_two_hundred_slow_clients_hold_up_nobody(site: Site, kinds: list[str]) -> None:
    with SlowClients(site.port, large_file(site.folder / "static"), kinds=tuple(kinds)) as slow:
        assert eventually(lambda: slow.connected > 150)
        healthz = []
        for _ in range(11):
            status, seconds = probe(site.port)
            assert status == 200
            healthz.append(seconds)
            time.sleep(0.1)
        assert statistics.median(healthz) < SECONDS, healthz
        assert probe(site.port, "/")[0] == 200
