"""Several real exchanges for a test: fakes that speak over HTTP, each enabled under a name.

All of them speak ChangeNOW's format, whatever their name: what differs between formats is tested
with each adapter, and here it is about which one is chosen.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, cast

import pytest

from privata.infra.context import AppContext
from privata.providers.adapters import ADAPTERS
from privata.providers.changenow.adapter import ChangeNow
from privata.providers.changenow.fake import FakeChangeNow
from privata.providers.fakes.exchange import FakeExchange
from privata.providers.port import Credentials
from privata.routing import setting
from privata.routing.refreshing import refresh_due

KEY = "key-of-the-operator"


class Market:
    """The exchanges of a test."""

    def __init__(self, ctx: AppContext, patch: pytest.MonkeyPatch) -> None:
        self.ctx = ctx
        self.fakes: dict[str, FakeChangeNow] = {}
        self.others: dict[str, FakeExchange] = {}
        self._patch = patch

    async def open(self, name: str, spread: str = "0.01", **more: Any) -> FakeChangeNow:
        """One more exchange that keeps `spread` of each swap, with its list read."""
        fake = self.fakes[name] = FakeChangeNow(spread=Decimal(spread), **more)
        url = await fake.start()
        adapter = type(name, (ChangeNow,), {"name": name})
        self._patch.setitem(cast("dict[str, Any]", ADAPTERS), name, adapter)
        await setting.set_credentials(self.ctx, name, Credentials(key=KEY))
        await setting.enable(self.ctx, name, changes_url=True, base_url=url)
        await refresh_due(self.ctx)
        fake.seen.clear()
        return fake

    async def enter(self, name: str, make: Callable[..., Any]) -> None:
        """A provider that is made by `make`, whatever it speaks, with its list read."""
        self._patch.setitem(cast("dict[str, Any]", ADAPTERS), name, make)
        await setting.set_credentials(self.ctx, name, Credentials(key=KEY))
        await setting.enable(self.ctx, name)
        await refresh_due(self.ctx)

    async def close(self) -> None:
        """Stop them all."""
        for fake in (*self.fakes.values(), *self.others.values()):
            await fake.stop()
