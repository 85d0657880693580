"""In which order the hosts of a URL are tried: the one that worked last comes first.

So a host that hangs costs its timeout once, and not each new connection.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Sequence
from typing import Final

from privata.infra.database.address import DatabaseAddress

Host = tuple[str, str]

_ORDERS: Final[dict[tuple[Host, ...], list[Host]]] = {}
_lock: Final = threading.Lock()


def in_order(address: DatabaseAddress) -> Sequence[Host]:
    """The hosts (or directories of sockets) and ports, the most promising first."""
    with _lock:
        order = list(_ORDERS.get(address.hosts, address.hosts))
    if address.any_order:
        random.shuffle(order)
    return order


def prefer(address: DatabaseAddress, host: Host) -> None:
    """This one works: begin with it."""
    _move(address, host, 0)


def avoid(address: DatabaseAddress, host: Host) -> None:
    """This one does not: try all others before it."""
    _move(address, host, len(address.hosts))


def _move(address: DatabaseAddress, host: Host, place: int) -> None:
    if len(address.hosts) == 1:
        return
    with _lock:
        order = _ORDERS.setdefault(address.hosts, list(address.hosts))
        order.remove(host)
        order.insert(place, host)
