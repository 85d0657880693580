"""Does this machine have a way to an address, or to anything public of its family?

The routing table is asked by connecting a UDP socket: that looks up a route and a source address
and sends nothing. So a host without IPv6, or with its only interface down, is told apart from a
receiver that is away, at no cost and without asking anybody.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping, Sequence
from typing import Final

#: Public addresses whose route stands for that of their family. Nothing is ever sent to them.
#: Source: the root servers a, k and m (iana.org/domains/root/servers), which do not move.
ANCHORS: Final[Mapping[int, Sequence[str]]] = {
    4: ("198.41.0.4", "193.0.14.129", "202.12.27.33"),
    6: ("2001:503:ba3e::2:30", "2001:7fd::1", "2001:dc3::35"),
}

FAMILIES: Final = {4: socket.AF_INET, 6: socket.AF_INET6}

#: Any port will do; this one is `discard`.
_PORT: Final = 9


def family_of(address: str) -> int:
    """4 or 6."""
    return 6 if ":" in address else 4


def look_up_route(address: str) -> None:
    """Raises the `OSError` with which the kernel says that there is no way to this address."""
    with socket.socket(FAMILIES[family_of(address)], socket.SOCK_DGRAM) as asking:
        asking.setblocking(False)
        asking.connect((address, _PORT))


class Routes:
    """What the routing table says now; nothing is remembered. `look_up` may be replaced."""

    def __init__(
        self,
        look_up: Callable[[str], None] = look_up_route,
        anchors: Mapping[int, Sequence[str]] = ANCHORS,
    ) -> None:
        self._look_up = look_up
        self._anchors = anchors

    def to(self, address: str) -> bool:
        """Whether there is a route to this address."""
        try:
            self._look_up(address)
        except OSError:
            return False
        return True

    def of_family(self, version: int) -> bool:
        """Whether there is a route to anything public of this family (4 or 6)."""
        return any(self.to(anchor) for anchor in self._anchors[version])
