"""Which addresses are our own: events must not be sent to ourselves, by whatever name.

Three sources: the operator's list (`PRIVATA_OUTBOUND_OWN_ADDRESSES`, judged by the guard), what our
public name resolves to, and what this machine's interfaces have. The last is asked of the kernel:
a UDP socket can be bound to an address only where the address is. That sends nothing and needs no
list that could be old.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable, Sequence
from functools import lru_cache, partial
from typing import Final

from privata.webhooks.transport.address_table import Address
from privata.webhooks.transport.guard import Policy
from privata.webhooks.transport.routes import ANCHORS, FAMILIES

log = logging.getLogger(__name__)

#: Seconds that what our own names resolve to is kept, and kept when a look-up gave nothing.
KEPT_SECONDS: Final = 300.0
AGAIN_SECONDS: Final = 60.0

#: Seconds that a delivery waits for such a look-up before it goes on with what is known.
PATIENCE_SECONDS: Final = 1.0

Ask = Callable[[str], Awaitable[Sequence[Address]]]


class OwnNames:
    """The addresses behind our public names. `clock` is monotonic, in seconds."""

    def __init__(self, ask: Ask, clock: Callable[[], float]) -> None:
        self._ask = ask
        self._clock = clock
        self._found: dict[str, frozenset[Address]] = {}
        self._until: dict[str, float] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self.addresses: frozenset[Address] = frozenset()

    def known(self, names: frozenset[str]) -> bool:
        """Whether none of these has to be looked up now."""
        now = self._clock()
        return all(self._until.get(name, now) > now for name in names)

    async def learn(self, names: frozenset[str]) -> None:
        """Look up those that are not known; goes on without an answer that takes too long."""
        now = self._clock()
        for name in names:
            if self._until.get(name, now) <= now and name not in self._running:
                task = self._running[name] = asyncio.create_task(self._look_up(name))
                task.add_done_callback(partial(self._ended, name))
        if self._running:
            await asyncio.wait(list(self._running.values()), timeout=PATIENCE_SECONDS)
        for name in self._running:
            self._until[name] = self._clock() + AGAIN_SECONDS

    async def aclose(self) -> None:
        """End running look-ups."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ended(self, name: str, _: asyncio.Task[None]) -> None:
        self._running.pop(name, None)

    async def _look_up(self, name: str) -> None:
        try:
            found = await self._ask(name)
        except (OSError, ValueError) as error:
            # What was known stays known: forgetting it would open what was closed.
            log.debug("our own name %s cannot be looked up: %r", name, error)
            self._until[name] = self._clock() + AGAIN_SECONDS
            return
        self._found[name] = frozenset(one for one in found if not one.is_loopback)
        self._until[name] = self._clock() + KEPT_SECONDS
        self.addresses = frozenset().union(*self._found.values())


def is_here(address: Address, policy: Policy) -> bool:
    """Whether an interface of this machine has this address, and the operator did not allow it.

    Loopback is the table's business. Only the very address allows it: a range that the operator
    allowed may hold this machine by chance.
    """
    if address.is_loopback or any(
        network.num_addresses == 1 and address in network for network in policy.allowed_cidrs
    ):
        return False
    return _binding_tells(address.version) and _binds(str(address), address.version)


@lru_cache(maxsize=2)
def _binding_tells(version: int) -> bool:
    """False where any address can be bound (`net.ipv4.ip_nonlocal_bind`), as on some balancers."""
    if not _binds(ANCHORS[version][0], version):
        return True
    log.warning(
        "IPv%d sockets can be bound to foreign addresses here (ip_nonlocal_bind), so this machine's"
        " own ones are not recognised; name them in PRIVATA_OUTBOUND_OWN_ADDRESSES",
        version,
    )
    return False


def _binds(address: str, version: int) -> bool:
    try:
        with socket.socket(FAMILIES[version], socket.SOCK_DGRAM) as asking:
            asking.bind((address, 0))
    except OSError:
        return False
    return True
