"""Which addresses count as one."""

from __future__ import annotations

import pytest

from feedback.networks import network_of


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2::3", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::3", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("::ffff:c000:207", "192.0.2.7"),
        ("2002:c000:207:1::1", "192.0.2.7"),
        ("64:ff9b::192.0.2.7", "192.0.2.7"),
        (" 192.0.2.7 ", "192.0.2.7"),
        ("192.0.2.7:4711", "192.0.2.7"),
        ("[2001:db8:1:2::3]:4711", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2::3]", "2001:db8:1:2::/64"),
    ],
)
def test_a_home_is_one_network(address: str, network: str) -> None:
    assert network_of(address) == network


@pytest.mark.parametrize("nonsense", ["", "unix:", "localhost", "1.2.3", "192.0.2.256", "_hidden", ":::1"])
def test_what_is_no_address_is_one_network_too(nonsense: str) -> None:
    assert network_of(nonsense) == "unknown"


def test_a_home_cannot_choose_another_network() -> None:
    assert len({network_of(f"2001:db8:1:2:{n:x}::{n:x}") for n in range(1000)}) == 1
