"""The address table: every row at its edges, every embedding, and agreement with the rule text."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privata.webhooks.transport.address_table import IPV4_REFUSED, IPV6_REFUSED, Reason, refusal

V4 = st.integers(0, 2**32 - 1).map(IPv4Address)
V6 = st.integers(0, 2**128 - 1).map(IPv6Address)
REFUSED_V4 = st.sampled_from([IPv4Network(text) for text, _ in IPV4_REFUSED]).flatmap(
    lambda net: st.integers(int(net[0]), int(net[-1])).map(IPv4Address)
)


def _embeddings(v4: IPv4Address) -> dict[str, IPv6Address]:
    number = int(v4)
    prefix = {
        "mapped": int(IPv6Address("::ffff:0:0")),
        "compatible": 0,
        "nat64": int(IPv6Address("64:ff9b::")),
        "nat64_local": int(IPv6Address("64:ff9b:1::")),
    }
    found = {name: IPv6Address(base | number) for name, base in prefix.items()}
    found["nat64_local_48"] = IPv6Address(
        int(IPv6Address("64:ff9b:1::")) | (number >> 16) << 64 | (number & 0xFFFF) << 40
    )
    found["6to4"] = IPv6Address(int(IPv6Address("2002::")) | number << 80 | 1)
    found["teredo_client"] = IPv6Address(int(IPv6Address("2001::")) | number ^ 0xFFFFFFFF)
    found["teredo_server"] = IPv6Address(int(IPv6Address("2001::")) | number << 64)
    return found


@given(REFUSED_V4)
def test_every_embedding_of_a_refused_address_is_refused(v4: IPv4Address) -> None:
    assert refusal(v4) is not None
    assert {name: refusal(v6) for name, v6 in _embeddings(v4).items() if not refusal(v6)} == {}


@given(V4)
def test_every_embedding_of_any_address_is_refused(v4: IPv4Address) -> None:
    assert all(refusal(v6) is not None for v6 in _embeddings(v4).values())


@given(V4)
def test_ipv4_agrees_with_a_plain_scan(v4: IPv4Address) -> None:
    inside = [reason for text, reason in IPV4_REFUSED if v4 in IPv4Network(text)]
    assert refusal(v4) == (inside[0] if inside else None)


@given(V6)
def test_ipv6_is_public_only_inside_its_block(v6: IPv6Address) -> None:
    inside = v6 in IPv6Network("2000::/3")
    refused = any(v6 in IPv6Network(text) for text, _ in IPV6_REFUSED)
    assert (refusal(v6) is None) == (inside and not refused)


@pytest.mark.parametrize(("text", "reason"), [*IPV4_REFUSED, *IPV6_REFUSED])
def test_rows_hold_to_their_edges(text: str, reason: Reason) -> None:
    network = ip_network(text)
    assert refusal(network[0]) in {reason, Reason.TEREDO}
    assert refusal(network[-1]) == reason


PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.0",
    "168.63.129.15",
    "168.63.129.17",
    "169.253.255.255",
    "169.255.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "191.255.255.255",
    "192.0.1.0",
    "192.0.3.0",
    "192.88.98.255",
    "192.88.100.0",
    "192.167.255.255",
    "192.169.0.0",
    "198.17.255.255",
    "198.20.0.0",
    "198.51.99.255",
    "198.51.101.0",
    "203.0.112.255",
    "203.0.114.0",
    "223.255.255.255",
    "2000::",
    "2001:200::",
    "2606:4700:4700::1111",
    "2a00:1450:4001::1",
    "2003::",
    "3ffe:ffff::",
    "3fff:1000::",
    "3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
]

REFUSED = {
    "0.0.0.0": "this_network",
    "10.1.2.3": "private",
    "100.100.100.200": "shared",
    "127.0.0.1": "loopback",
    "168.63.129.16": "metadata",
    "169.254.169.254": "link_local",
    "192.0.0.192": "special_purpose",
    "224.0.0.1": "multicast",
    "255.255.255.255": "reserved",
    "::": "unspecified",
    "::1": "loopback",
    "::127.0.0.1": "ipv4_compatible",
    "::ffff:169.254.169.254": "ipv4_mapped",
    "64:ff9b::7f00:1": "nat64",
    "64:ff9b:1::a00:1": "nat64",
    "100::1": "not_global_unicast",
    "2001::1": "teredo",
    "2001:20::1": "special_purpose",
    "2001:db8::1": "documentation",
    "2002:7f00:1::": "6to4",
    "3fff::1": "documentation",
    "5f00::1": "not_global_unicast",
    "fc00::1": "unique_local",
    "fd00:ec2::254": "unique_local",
    "fe80::1": "link_local",
    "fec0::1": "site_local",
    "ff02::1": "multicast",
}


@pytest.mark.parametrize("text", PUBLIC)
def test_public(text: str) -> None:
    assert refusal(ip_address(text)) is None


@pytest.mark.parametrize(("text", "reason"), REFUSED.items())
def test_refused_with_its_name(text: str, reason: str) -> None:
    assert refusal(ip_address(text)) == reason
