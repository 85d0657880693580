"""The adapters of this process: one for each provider and version of what the operator set."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from typing import Final

import msgspec

from privata.core.errors import ProviderError
from privata.infra.sealing import Sealer, UnsealError
from privata.providers.port import Credentials, Deadline
from privata.providers.registry import LiveProvider, live_provider
from privata.routing.rows import ProviderRow

log = logging.getLogger(__name__)

#: How long an adapter that was replaced may end its calls, seconds: longer than any deadline.
RETIRED_S: Final = 60.0

#: How long the first reading of a list may take, seconds. It is no part of a quote: a list that is
#: too large for a quote's deadline would otherwise never be read.
WARM_S: Final = 30.0


def credentials_context(name: str) -> str:
    """What sealed credentials are bound to."""
    return f"provider_credentials:{name}"


def sealed_credentials(sealer: Sealer, name: str, credentials: Credentials) -> bytes:
    """Credentials as they lie in the database."""
    return sealer.seal(msgspec.json.encode(credentials), credentials_context(name))


@dataclass(frozen=True, slots=True)
class _Made:
    version: int
    provider: LiveProvider


class Adapters:
    """Makes adapters when they are needed, and closes those that are needed no more."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer
        self._made: dict[str, _Made] = {}
        self._retired: list[tuple[float, LiveProvider]] = []
        self._warming: set[asyncio.Task[None]] = set()
        self._closed: set[tuple[str, int]] = set()

    def of(self, row: ProviderRow) -> LiveProvider | None:
        """The adapter for a provider as it is set now; None where it cannot be made here."""
        made = self._made.get(row.name)
        if made is not None and made.version == row.version:
            return made.provider
        if made is not None:
            self._retired.append((time.monotonic() + RETIRED_S, self._made.pop(row.name).provider))
        provider = self._make(row)
        if provider is not None:
            self._made[row.name] = _Made(row.version, provider)
            task = asyncio.create_task(_warm(provider))
            self._warming.add(task)
            task.add_done_callback(self._warming.discard)
        return provider

    def _make(self, row: ProviderRow) -> LiveProvider | None:
        try:
            opened = self._sealer.unseal(row.credentials, credentials_context(row.name))
            credentials = msgspec.json.decode(opened, type=Credentials)
            return live_provider(row.name, credentials, row.base_url)
        except (UnsealError, msgspec.DecodeError, KeyError, ValueError) as error:
            # Its text is ours, but for a base URL; so only the kind is told, and only once.
            if (row.name, row.version) not in self._closed:
                self._closed.add((row.name, row.version))
                why = type(error).__name__
                log.warning("provider %s cannot be used here: %s", row.name, why)
            return None

    async def close_retired(self) -> None:
        """Close what was replaced long enough ago."""
        now = time.monotonic()
        for one in [one for one in self._retired if one[0] <= now]:
            self._retired.remove(one)
            await one[1].close()

    async def close(self) -> None:
        """Close everything."""
        for task in tuple(self._warming):
            task.cancel()
        await asyncio.gather(*self._warming, return_exceptions=True)
        for provider in [
            *(one for _, one in self._retired),
            *(m.provider for m in self._made.values()),
        ]:
            await provider.close()
        self._retired.clear()
        self._made.clear()


async def _warm(provider: LiveProvider) -> None:
    """Let the adapter read its list, which its quotes need."""
    try:
        await provider.currencies(deadline=Deadline.after(WARM_S))
    except ProviderError as error:
        log.info("provider %s: its list is not read yet: %s", provider.name, error.message)
