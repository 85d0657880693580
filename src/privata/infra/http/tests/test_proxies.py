"""Whose address is believed, with and without proxies, and against those who write headers."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privata.infra.http.proxies import (
    MOST_HOPS,
    client_address,
    parse_address,
    parse_networks,
    source_of,
)

TRUSTED = parse_networks(["10.0.0.0/8", "fd00::/8"])


@pytest.mark.parametrize(
    ("peer", "forwarded", "believed"),
    [
        ("203.0.113.7", [], "203.0.113.7"),
        ("203.0.113.7", ["198.51.100.1"], "203.0.113.7"),  # nobody we trust wrote that
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["1.1.1.1, 198.51.100.1"], "198.51.100.1"),  # the left one is the caller's
        ("10.0.0.1", ["198.51.100.1, 10.0.0.2"], "198.51.100.1"),
        ("10.0.0.1", ["1.1.1.1", "198.51.100.1, 10.0.0.2"], "198.51.100.1"),
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("10.0.0.1", ["198.51.100.1:4711"], "198.51.100.1"),
        ("10.0.0.1", ["[2001:db8::1]:4711"], "2001:db8::1"),
        ("10.0.0.1", ["2001:db8::1"], "2001:db8::1"),
        ("fd00::1", ["::ffff:198.51.100.1"], "198.51.100.1"),
        ("::ffff:10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["unknown"], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1, nonsense"], "10.0.0.1"),
        ("10.0.0.1", [""], "10.0.0.1"),
        (None, ["198.51.100.1"], None),
        ("not an address", ["198.51.100.1"], None),
    ],
)
def test_the_believed_address(peer: str | None, forwarded: list[str], believed: str | None) -> None:
    assert client_address(peer, forwarded, TRUSTED) == believed


@given(
    forged=st.lists(st.text(max_size=40), max_size=40),
    caller=st.ip_addresses(v=4).filter(lambda ip: ip not in ipaddress.ip_network("10.0.0.0/8")),
)
def test_nothing_a_caller_writes_changes_its_address(
    forged: list[str], caller: ipaddress.IPv4Address
) -> None:
    """The proxy appends whom it saw; everything left of that is the caller's invention."""
    written = [*forged, f"{','.join(forged)}, {caller}"]
    assert client_address("10.0.0.1", written, TRUSTED) == str(caller)


@given(st.lists(st.text(max_size=30), max_size=30), st.text(max_size=30))
def test_any_header_gives_an_address_or_none(forwarded: list[str], peer: str) -> None:
    believed = client_address(peer, forwarded, TRUSTED)
    assert believed is None or parse_address(believed) is not None


def test_a_long_row_of_proxies_ends_the_walk() -> None:
    endless = ", ".join(["10.0.0.9"] * 10_000)
    assert client_address("10.0.0.1", ["198.51.100.1, " + endless], TRUSTED) == "10.0.0.9"
    assert MOST_HOPS < 100


@pytest.mark.parametrize(
    ("address", "source"),
    [
        ("198.51.100.1", "198.51.100.1"),
        ("::ffff:198.51.100.1", "198.51.100.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2::1", "2001:db8:1:2::"),
        (None, "0.0.0.0"),
    ],
)
def test_an_ipv6_customer_is_one_source(address: str | None, source: str) -> None:
    assert source_of(address) == source
