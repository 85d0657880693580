"""A provider's list of currencies as its adapter keeps it: our assets, and its codes for them."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping

from privata.core.errors import ProviderUnavailable
from privata.providers.currencies import Code
from privata.providers.failures import Fault, Refusal, refused, unavailable
from privata.providers.port import Asset, Deadline

log = logging.getLogger(__name__)

Load = Callable[[Deadline | None], Awaitable[Mapping[Asset, Code]]]


class Listing:
    """The list, asked for again when it is older than `seconds`; an old one is better than none."""

    def __init__(
        self,
        provider: str,
        load: Load,
        seconds: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._provider = provider
        self._load = load
        self._seconds = seconds
        self._monotonic = monotonic
        self._codes: Mapping[Asset, Code] = {}
        self._read_at: float | None = None
        self._reading = asyncio.Lock()

    async def asked(self, deadline: Deadline | None) -> tuple[Asset, ...]:
        """What the provider lists now."""
        self._codes = await self._load(deadline)
        self._read_at = self._monotonic()
        return tuple(self._codes)

    async def code(self, asset: Asset, deadline: Deadline | None) -> Code | None:
        """The provider's code for an asset; None if it does not list it."""
        if not self._fresh():
            try:
                async with asyncio.timeout(None if deadline is None else deadline.left()):
                    # Calls that come together ask once: who waited finds a fresh list.
                    async with self._reading:
                        if not self._fresh():
                            await self.asked(deadline)
            except TimeoutError:
                self._make_do(unavailable(self._provider, Fault.TIMEOUT, "currencies"))
            except ProviderUnavailable as error:
                self._make_do(error)
        return self._codes.get(asset)

    async def codes(
        self, source: Asset, target: Asset, deadline: Deadline | None
    ) -> tuple[Code, Code]:
        """The codes of a pair; refused if one of the two is not listed, or both are the same."""
        one = await self.code(source, deadline)
        other = await self.code(target, deadline)
        if one is None or other is None or one == other:
            raise refused(Refusal.PAIR)
        return one, other

    def _fresh(self) -> bool:
        age = None if self._read_at is None else self._monotonic() - self._read_at
        return age is not None and age < self._seconds

    def _make_do(self, error: ProviderUnavailable) -> None:
        if self._read_at is None:
            raise error
        log.warning("%s: the old list of currencies is used: %s", self._provider, error.message)
