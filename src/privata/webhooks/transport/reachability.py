"""Is the network there at all? Told apart from one receiver that is down.

A connection that nobody answers looks the same whether the receiver is dead or our own way out
is cut. So addresses that answered before are reference hosts: when one of them was heard after the
attempt began, or answers now, the network is there and the failure is the receiver's. When all
of them are silent it is ours, and spends nobody's attempt. Where there is no reference host yet the
failure counts as the receiver's: a lone dead endpoint must come to rest some day. IPv4 and IPv6
are two networks: a reference host of the one says nothing about the other.

A reference host is asked for a TCP connection only; nothing is sent. Its address passed the guard
when it answered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from privata.webhooks.transport.routes import family_of

MAX_REFERENCES: Final = 256
ASKED: Final = 3
ASK_SECONDS: Final = 2.0

#: After so many seconds without an answer the reference hosts are asked. It is when TCP asks once
#: more itself (RFC 6298), so a network that comes back by then lets the connection through.
SLOW_SECONDS: Final = 1.0

#: So many seconds an answer may take that says that the network was there; a later one may be that
#: to TCP's second asking, when the network came back.
PROMPT_SECONDS: Final = 1.0

SocketAddress = tuple[str, int]

#: Addresses of each family that are no reference host.
_NOBODY: Final[dict[int, SocketAddress]] = {4: ("0.0.0.0", 0), 6: ("::", 0)}  # noqa: S104


async def _connect(peer: SocketAddress) -> None:
    _, writer = await asyncio.open_connection(*peer)
    writer.transport.abort()


class ReachabilityCheck:
    """Remembers who answered when. Times are those of the loop's clock, in seconds."""

    def __init__(self, connect: Callable[[SocketAddress], Awaitable[None]] = _connect) -> None:
        self._connect = connect
        self._heard: dict[SocketAddress, float] = {}
        self._asking: dict[SocketAddress, asyncio.Task[None]] = {}

    def heard(self, peer: SocketAddress, now: float) -> None:
        """An address and port answered something, so the network was there."""
        if peer not in self._heard and len(self._heard) >= MAX_REFERENCES:
            del self._heard[min(self._heard, key=self._heard.__getitem__)]
        self._heard[peer] = now

    def network_was_there(self, since: float, silent: SocketAddress) -> bool:
        """Whether somebody else answered since, or there is nobody else to ask."""
        others = [self._heard[peer] for peer in self._others(silent)]
        return not others or max(others) >= since

    def ask(self, silent: SocketAddress) -> set[asyncio.Task[None]]:
        """Begin to ask the reference hosts last heard, but those that are being asked; the
        askings."""
        latest = sorted(self._others(silent), key=self._heard.__getitem__, reverse=True)
        self._asking = {peer: one for peer, one in self._asking.items() if not one.done()}
        for peer in latest[:ASKED]:
            if peer not in self._asking:
                self._asking[peer] = asyncio.create_task(self._ask_one(peer))
        return {self._asking[peer] for peer in latest[:ASKED]}

    async def answers(self, silent: SocketAddress, since: float, until: float) -> bool:
        """As `network_was_there`, but somebody is asked first if need be; not beyond `until`.

        For a failure that came at once: nobody need have been heard in so short a time, and the
        network is there all the same.
        """
        prompt = asyncio.get_running_loop().time() + PROMPT_SECONDS
        waiting = set() if self.network_was_there(since, silent) else self.ask(silent)
        try:
            async with asyncio.timeout_at(min(until, prompt)):
                while waiting and not self.network_was_there(since, silent):
                    _, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError:
            pass  # what was heard by now decides
        return self.network_was_there(since, silent)

    def has_heard(self, family: int) -> bool:
        """Whether anybody of a family (4 or 6) has answered yet."""
        return bool(self._others(_NOBODY[family]))

    async def is_back(self, family: int) -> bool:
        """Whether the network of a family (4 or 6) answers now; without a reference host, that it
        may."""
        silent = _NOBODY[family]
        if not self.has_heard(family):
            return True
        now = asyncio.get_running_loop().time()
        await asyncio.wait(self.ask(silent))
        return self.network_was_there(now, silent)

    async def aclose(self) -> None:
        """Stop asking."""
        asking = list(self._asking.values())
        for one in asking:
            one.cancel()
        await asyncio.gather(*asking, return_exceptions=True)

    def _others(self, silent: SocketAddress) -> list[SocketAddress]:
        """The reference hosts for a peer: all others that answered in its family."""
        family = family_of(silent[0])
        return [peer for peer in self._heard if peer != silent and family_of(peer[0]) == family]

    async def _ask_one(self, peer: SocketAddress) -> None:
        try:
            async with asyncio.timeout(ASK_SECONDS):
                await self._connect(peer)
        except ConnectionRefusedError:
            pass  # a refusal crossed the network as well
        except OSError:
            # Silence, TimeoutError included: the memory of this host does not change.
            return
        self.heard(peer, asyncio.get_running_loop().time())
