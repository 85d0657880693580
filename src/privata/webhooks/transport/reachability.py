"""Is the network there at all? Told apart from one receiver that is down.

A connection that nobody answers looks the same whether the receiver is dead or our own way out
is cut. So addresses that answered before are witnesses: when one of them was heard after the
attempt began, or answers now, the network is there and the failure is the receiver's. When all
of them are silent it is ours, and spends nobody's attempt. Where there is no witness yet the
failure counts as the receiver's: a lone dead endpoint must come to rest some day. IPv4 and IPv6
are two networks: a witness of the one says nothing about the other.

A witness is asked for a TCP connection only; nothing is sent. Its address passed the guard when
it answered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from privata.webhooks.transport.routes import family_of

MAX_WITNESSES: Final = 256
ASKED: Final = 3
ASK_SECONDS: Final = 2.0

#: After so many seconds without an answer the witnesses are asked. It is when TCP asks once more
#: itself (RFC 6298), so a network that comes back by then lets the connection through.
SLOW_SECONDS: Final = 1.0

#: So many seconds an answer may take that says that the network was there; a later one may be that
#: to TCP's second asking, when the network came back.
PROMPT_SECONDS: Final = 1.0

Place = tuple[str, int]

#: Places of each family that are no witness.
_NOBODY: Final[dict[int, Place]] = {4: ("0.0.0.0", 0), 6: ("::", 0)}  # noqa: S104


async def _connect(place: Place) -> None:
    _, writer = await asyncio.open_connection(*place)
    writer.transport.abort()


class NetworkWitness:
    """Remembers who answered when. Times are those of the loop's clock, in seconds."""

    def __init__(self, connect: Callable[[Place], Awaitable[None]] = _connect) -> None:
        self._connect = connect
        self._heard: dict[Place, float] = {}
        self._asking: dict[Place, asyncio.Task[None]] = {}

    def heard(self, place: Place, now: float) -> None:
        """An address and port answered something, so the network was there."""
        if place not in self._heard and len(self._heard) >= MAX_WITNESSES:
            del self._heard[min(self._heard, key=self._heard.__getitem__)]
        self._heard[place] = now

    def network_was_there(self, since: float, silent: Place) -> bool:
        """Whether somebody else answered since, or there is nobody else to ask."""
        others = [self._heard[place] for place in self._others(silent)]
        return not others or max(others) >= since

    def ask(self, silent: Place) -> set[asyncio.Task[None]]:
        """Begin to ask the witnesses last heard, but those that are being asked; the askings."""
        latest = sorted(self._others(silent), key=self._heard.__getitem__, reverse=True)
        self._asking = {place: one for place, one in self._asking.items() if not one.done()}
        for place in latest[:ASKED]:
            if place not in self._asking:
                self._asking[place] = asyncio.create_task(self._ask_one(place))
        return {self._asking[place] for place in latest[:ASKED]}

    async def answers(self, silent: Place, since: float, until: float) -> bool:
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
        """Whether the network of a family (4 or 6) answers now; without a witness, that it may."""
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

    def _others(self, silent: Place) -> list[Place]:
        """The witnesses of a place: all others that answered in its family."""
        family = family_of(silent[0])
        return [place for place in self._heard if place != silent and family_of(place[0]) == family]

    async def _ask_one(self, place: Place) -> None:
        try:
            async with asyncio.timeout(ASK_SECONDS):
                await self._connect(place)
        except ConnectionRefusedError:
            pass  # a refusal crossed the network as well
        except OSError:
            # Silence, TimeoutError included: the memory of this witness does not change.
            return
        self.heard(place, asyncio.get_running_loop().time())
