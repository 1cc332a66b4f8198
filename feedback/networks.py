"""Whose network an address belongs to: what limits count, and what trust is weighed by."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: the last four bytes are the IPv4 address
HOST = 64  # bits that a home chooses itself: what its provider gives it is at least a /64
UNKNOWN = "unknown"


def network_of(address: str) -> str:
    """Return the network that counts as one: an IPv4 address, or the /64 of an IPv6 address.

    An IPv4 address written as IPv6 (mapped, 6to4, NAT64) counts as itself. A port, brackets and a zone are
    left out. Whatever is no address is `unknown`, which is one network: nonsense buys no room.
    """
    try:
        found = ip_address(_bare(address))
    except ValueError:
        return UNKNOWN
    if isinstance(found, IPv4Address):
        return str(found)
    return str(_embedded(found) or IPv6Network((int(found) >> HOST << HOST, 128 - HOST)))


def _bare(address: str) -> str:
    """Return an address without what proxies and sockets write around it: `[2001:db8::1%eth0]:443`."""
    address = address.strip()
    if address.startswith("["):
        address = address[1:].partition("]")[0]
    elif address.count(":") == 1:
        address = address.partition(":")[0]
    return address.partition("%")[0]


def _embedded(address: IPv6Address) -> IPv4Address | None:
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour
