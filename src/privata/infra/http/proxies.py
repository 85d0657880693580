"""Whose address a request comes from, when proxies stand in between: pure.

`X-Forwarded-For` is written by anybody: each proxy appends whom it saw, so only what trusted
proxies appended can be believed. The list is read from its right end, as long as the one who
wrote an entry is trusted.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from functools import lru_cache

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

#: More proxies than this do not stand in a row; the rest of a longer list is not read.
MOST_HOPS = 16

#: An IPv6 customer gets at least a /64, so single addresses below it say nothing.
IPV6_PREFIX = 64


def parse_address(text: str) -> Address | None:
    """The address of an entry; a port is left out, IPv4 in its IPv6-mapped form is IPv4."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address.scope_id is not None:
            return None
    return address


def client_address(
    peer: str | None, forwarded: Sequence[str], trusted: Sequence[Network]
) -> str | None:
    """The nearest address that is no trusted proxy of ours; None for a peer without one.

    `forwarded` are the values of `X-Forwarded-For` in the order they arrived. An entry that is no
    address ends the walk: what a trusted proxy did not understand is not believed.
    """
    if peer is None:
        return None
    here = parse_address(peer)
    if here is None:
        return None
    for entry in _from_the_right(forwarded):
        if not _within(here, trusted):
            break
        seen = parse_address(entry)
        if seen is None:
            break
        here = seen
    return str(here)


def source_of(address: str | None) -> str:
    """What is counted as one source: an IPv4 address, or an IPv6 network of 64 bits."""
    if address is None:
        return "0.0.0.0"  # noqa: S104  # nothing is bound: the name of those without an address
    return _source(address)


def parse_networks(blocks: Iterable[str]) -> tuple[Network, ...]:
    """Networks of CIDR blocks; `ValueError` for what is none."""
    return tuple(ipaddress.ip_network(block) for block in blocks)


def address_in(address: str | None, networks: Sequence[Network]) -> bool:
    """Whether the address lies in one of the networks."""
    parsed = None if address is None else parse_address(address)
    return parsed is not None and _within(parsed, networks)


@lru_cache(maxsize=4096)
def _source(address: str) -> str:
    parsed = parse_address(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((parsed, IPV6_PREFIX), strict=False).network_address)
    return str(parsed or "0.0.0.0")  # noqa: S104


def _from_the_right(forwarded: Sequence[str]) -> list[str]:
    entries: list[str] = []
    for value in reversed(forwarded):
        entries += reversed(value.rsplit(",", MOST_HOPS)[-MOST_HOPS:])
    return entries[:MOST_HOPS]


def _within(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)
