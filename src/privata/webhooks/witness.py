"""Is the network there at all? Told apart from one receiver that is down.

A connection that nobody answers looks the same whether the receiver is dead or our own way out
is cut. So addresses that answered before are witnesses: when one of them was heard after the
attempt began, or answers now, the network is there and the failure is the receiver's. When all
of them are silent it is ours, and spends nobody's attempt. Where there is no witness yet the
failure counts as the receiver's: a lone dead endpoint must come to rest some day.

A witness is asked for a TCP connection only; nothing is sent. Its address passed the guard when
it answered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

MAX_WITNESSES: Final = 256
ASKED: Final = 3
ASK_SECONDS: Final = 2.0

Place = tuple[str, int]


async def _connect(place: Place) -> None:
    _, writer = await asyncio.open_connection(*place)
    writer.transport.abort()


class NetworkWitness:
    """Remembers who answered when. Times are those of the loop's clock, in seconds."""

    def __init__(self, connect: Callable[[Place], Awaitable[None]] = _connect) -> None:
        self._connect = connect
        self._heard: dict[Place, float] = {}
        self._asking: asyncio.Task[None] | None = None

    def heard(self, place: Place, now: float) -> None:
        """An address and port answered something, so the network was there."""
        if place not in self._heard and len(self._heard) >= MAX_WITNESSES:
            del self._heard[min(self._heard, key=self._heard.__getitem__)]
        self._heard[place] = now

    def network_was_there(self, since: float, silent: Place) -> bool:
        """Whether somebody else answered since, or there is nobody else to ask."""
        others = [at for place, at in self._heard.items() if place != silent]
        return not others or max(others) >= since

    def ask(self, silent: Place) -> None:
        """Begin to ask the witnesses last heard, unless they are being asked."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask(silent))

    async def aclose(self) -> None:
        """Stop asking."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)

    async def _ask(self, silent: Place) -> None:
        latest = sorted(self._heard, key=self._heard.__getitem__, reverse=True)
        chosen = [place for place in latest if place != silent][:ASKED]
        await asyncio.gather(*(self._ask_one(place) for place in chosen))

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
