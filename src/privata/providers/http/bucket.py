"""The rate of our calls to one provider: a token bucket of this process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

from privata.providers.failures import Fault, unavailable
from privata.providers.port import Deadline

_MINUTE_S: Final = 60.0

#: The longest pause that a provider's `Retry-After` may cause, seconds.
MOST_PAUSE_S: Final = 300.0


class Bucket:
    """`per_minute` units, `burst` of them at once; a call may cost several.

    Who takes more than there is takes it in advance and waits, so calls go out in their order. A
    call whose turn would come after its deadline does not wait for nothing: it fails at once.
    """

    def __init__(
        self,
        provider: str,
        per_minute: float,
        burst: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._provider = provider
        self._rate = per_minute / _MINUTE_S
        self._burst = burst
        self._monotonic = monotonic
        self._units = burst
        self._counted_at = monotonic()
        self._closed_until = 0.0

    async def take(self, weight: float, deadline: Deadline) -> None:
        """Wait for the turn of a call."""
        wait = self.reserve(weight, deadline.left())
        if wait:
            await asyncio.sleep(wait)

    def reserve(self, weight: float, left: float) -> float:
        """Take the units, and say how many seconds to wait, at most `left`; or raise."""
        now = self._monotonic()
        self._units = min(self._burst, self._units + (now - self._counted_at) * self._rate)
        self._counted_at = now
        wait = max(0.0, (weight - self._units) / self._rate, self._closed_until - now)
        if wait > left:
            closed = self._closed_until > now
            fault = Fault.RATE_LIMITED if closed else Fault.OUR_RATE
            raise unavailable(self._provider, fault, retry_after_s=wait)
        self._units -= weight
        return wait

    def pause(self, seconds: float) -> None:
        """Let no call out for so long: the provider asked for it."""
        until = self._monotonic() + min(seconds, MOST_PAUSE_S)
        self._closed_until = max(self._closed_until, until)
