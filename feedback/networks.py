"""Whose network an address belongs to: what limits count, and what trust is weighed by."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from django.conf import settings
from django.http import HttpRequest

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


def client_address(request: HttpRequest) -> str:
    """Return the address a request comes from; behind a proxy, as the proxy saw it.

    What a client itself writes into `X-Forwarded-For` stands before that, and counts for nothing.
    """
    seen_by_proxy = settings.ALLAUTH_TRUSTED_PROXY_COUNT and request.headers.get("X-Forwarded-For")
    return (seen_by_proxy.rpartition(",")[2] if seen_by_proxy else request.META.get("REMOTE_ADDR")) or ""


def client_network(request: HttpRequest) -> str:
    """Return the network a request comes from."""
    return network_of(client_address(request))
