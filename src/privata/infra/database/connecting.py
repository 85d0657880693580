"""Connections of asyncpg, all made the same way: the address as it was meant, the session's
settings, and keep-alives, so that a peer that vanished is noticed.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping
from typing import Any, Final

import asyncpg

from privata.infra.database.address import parse_address

#: What libpq's URLs call them, and the options of a TCP socket that they set (Linux).
_OPTIONS: Final = {
    "keepalives_idle": "TCP_KEEPIDLE",
    "keepalives_interval": "TCP_KEEPINTVL",
    "keepalives_count": "TCP_KEEPCNT",
}

#: Unless the URL says otherwise: a peer that is gone is known after about a minute, seconds.
USUAL: Final = {
    "keepalives": 1,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
}


def arguments(url: str, **settings: str) -> dict[str, Any]:
    """For `asyncpg.create_pool` and `connect`; `settings` are the server's, beside the session's.

    `StartupError` for a URL that cannot be kept.
    """
    address = parse_address(url)
    keepalives = {**USUAL, **address.keepalives()}
    return {**address.asyncpg(**settings), "connection_class": _keeping_alive(keepalives)}


async def connect(
    url: str, settings: Mapping[str, str] | None = None, **more: Any
) -> asyncpg.Connection[asyncpg.Record]:
    """One connection outside of a pool; `more` are arguments of `asyncpg.connect`."""
    return await asyncpg.connect(**{**arguments(url, **(settings or {})), **more})


def _keeping_alive(chosen: Mapping[str, int]) -> type[asyncpg.Connection[asyncpg.Record]]:
    class KeepingAlive(asyncpg.Connection):
        """Sets its socket's options as soon as there is one."""

        __slots__ = ()

        def __init__(self, protocol: Any, transport: asyncio.Transport, *rest: Any) -> None:
            super().__init__(protocol, transport, *rest)
            _keep_alive(transport, chosen)

    return KeepingAlive


def _keep_alive(transport: asyncio.Transport, chosen: Mapping[str, int]) -> None:
    peer = transport.get_extra_info("socket")
    if peer is None or peer.family not in (socket.AF_INET, socket.AF_INET6):
        return
    # The loop's own object need not have all of a socket's methods; its descriptor has.
    with socket.fromfd(peer.fileno(), peer.family, socket.SOCK_STREAM) as same:
        same.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, int(chosen["keepalives"] != 0))
        for name, option in _OPTIONS.items():
            number = getattr(socket, option, None)
            if number is not None and chosen[name] > 0:
                same.setsockopt(socket.IPPROTO_TCP, number, chosen[name])
