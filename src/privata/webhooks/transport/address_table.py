"""Which IP addresses are the public internet: one table, no I/O.

Source: the IANA IPv4 and IPv6 Special-Purpose Address Registries, plus the metadata addresses
of the clouds that lie outside them. The standard library's `is_global` and `is_private` are not
used: they let multicast, NAT64 and 6to4 pass and change between Python versions.

IPv4 is public unless a row refuses it. IPv6 is public only inside 2000::/3, the one block IANA
has given out, and there again unless a row refuses it. So every way to write an IPv4 address
into an IPv6 one (mapped, compatible, 6to4, NAT64, Teredo) is refused whatever it embeds.
"""

from __future__ import annotations

from bisect import bisect_right
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Final

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


class Reason(StrEnum):
    """Why an address is not public; for our own log, never for a partner."""

    THIS_NETWORK = "this_network"
    PRIVATE = "private"
    SHARED = "shared"
    LOOPBACK = "loopback"
    METADATA = "metadata"
    LINK_LOCAL = "link_local"
    SPECIAL_PURPOSE = "special_purpose"
    DOCUMENTATION = "documentation"
    BENCHMARK = "benchmark"
    MULTICAST = "multicast"
    RESERVED = "reserved"
    UNSPECIFIED = "unspecified"
    IPV4_MAPPED = "ipv4_mapped"
    IPV4_COMPATIBLE = "ipv4_compatible"
    NAT64 = "nat64"
    TEREDO = "teredo"
    SIX_TO_FOUR = "6to4"
    UNIQUE_LOCAL = "unique_local"
    SITE_LOCAL = "site_local"
    NOT_GLOBAL_UNICAST = "not_global_unicast"
    OWN_ADDRESS = "own_address"
    NOT_LOOPBACK = "not_loopback"


IPV4_REFUSED: Final[tuple[tuple[str, Reason], ...]] = (
    ("0.0.0.0/8", Reason.THIS_NETWORK),  # RFC 791
    ("10.0.0.0/8", Reason.PRIVATE),  # RFC 1918
    ("100.64.0.0/10", Reason.SHARED),  # RFC 6598, carrier-grade NAT; Alibaba's metadata is inside
    ("127.0.0.0/8", Reason.LOOPBACK),  # RFC 1122
    ("168.63.129.16/32", Reason.METADATA),  # Azure's wire server, a public-looking address
    ("169.254.0.0/16", Reason.LINK_LOCAL),  # RFC 3927; most clouds' metadata is inside
    ("172.16.0.0/12", Reason.PRIVATE),  # RFC 1918
    ("192.0.0.0/24", Reason.SPECIAL_PURPOSE),  # RFC 6890; Oracle's metadata is inside
    ("192.0.2.0/24", Reason.DOCUMENTATION),  # RFC 5737
    ("192.88.99.0/24", Reason.SIX_TO_FOUR),  # RFC 7526, the old relay anycast
    ("192.168.0.0/16", Reason.PRIVATE),  # RFC 1918
    ("198.18.0.0/15", Reason.BENCHMARK),  # RFC 2544
    ("198.51.100.0/24", Reason.DOCUMENTATION),  # RFC 5737
    ("203.0.113.0/24", Reason.DOCUMENTATION),  # RFC 5737
    ("224.0.0.0/4", Reason.MULTICAST),  # RFC 1112
    ("240.0.0.0/4", Reason.RESERVED),  # RFC 1112; broadcast is inside
)

IPV6_ALLOWED: Final = "2000::/3"

IPV6_REFUSED: Final[tuple[tuple[str, Reason], ...]] = (
    ("2001::/32", Reason.TEREDO),  # RFC 4380, a part of the next row with its own name
    ("2001::/23", Reason.SPECIAL_PURPOSE),  # RFC 2928
    ("2001:db8::/32", Reason.DOCUMENTATION),  # RFC 3849
    ("2002::/16", Reason.SIX_TO_FOUR),  # RFC 3056
    ("3fff::/20", Reason.DOCUMENTATION),  # RFC 9637
)

# Names for what lies outside 2000::/3, so that the log says more than "not global".
_IPV6_OUTSIDE: Final[tuple[tuple[str, Reason], ...]] = (
    ("::/128", Reason.UNSPECIFIED),
    ("::1/128", Reason.LOOPBACK),
    ("::/96", Reason.IPV4_COMPATIBLE),
    ("::ffff:0:0/96", Reason.IPV4_MAPPED),
    ("64:ff9b::/96", Reason.NAT64),  # RFC 6052
    ("64:ff9b:1::/48", Reason.NAT64),  # RFC 8215
    ("fc00::/7", Reason.UNIQUE_LOCAL),  # RFC 4193; the IPv6 metadata addresses are inside
    ("fe80::/10", Reason.LINK_LOCAL),  # RFC 4291
    ("fec0::/10", Reason.SITE_LOCAL),  # RFC 3879
    ("ff00::/8", Reason.MULTICAST),  # RFC 4291
)

_Range = tuple[int, int, Reason]


def _ranges(rows: tuple[tuple[str, Reason], ...]) -> list[_Range]:
    networks = ((ip_network(text), reason) for text, reason in rows)
    return [(int(n.network_address), int(n.broadcast_address), reason) for n, reason in networks]


_V4: Final = sorted(_ranges(IPV4_REFUSED))
_V4_STARTS: Final = [first for first, _last, _reason in _V4]
_V6: Final = _ranges(IPV6_REFUSED)
_V6_OUTSIDE: Final = _ranges(_IPV6_OUTSIDE)
_V6_FIRST, _V6_LAST = int(IPv6Network(IPV6_ALLOWED)[0]), int(IPv6Network(IPV6_ALLOWED)[-1])


def refusal(address: Address) -> Reason | None:
    """Why this address is refused, or None when it is public internet."""
    number = int(address)
    if address.version == 4:
        # The IPv4 rows do not overlap, so only the last one starting at or below can match.
        at = bisect_right(_V4_STARTS, number) - 1
        if at >= 0 and number <= _V4[at][1]:
            return _V4[at][2]
        return None
    if _V6_FIRST <= number <= _V6_LAST:
        return _first_match(_V6, number)
    return _first_match(_V6_OUTSIDE, number) or Reason.NOT_GLOBAL_UNICAST


def _first_match(rows: list[_Range], number: int) -> Reason | None:
    for first, last, reason in rows:
        if first <= number <= last:
            return reason
    return None
