"""A wallet at a running server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from functools import cache

import pytest

from privata.api.changenow_openapi import document
from tests.conftest import Partner
from tests.contracts.recorder import Contract
from tests.journeys.partner.changenow.client import ChangeNow
from tests.loopback import NO_AUTHORITIES

#: Makes a wallet with this key, in this header.
Wallets = Callable[..., ChangeNow]


@cache
def contract() -> Contract:
    """Every answer that a wallet gets is held against the document of this API."""
    return Contract(document("http://127.0.0.1:8000"))


@pytest.fixture
async def wallets(api_url: str) -> AsyncIterator[Wallets]:
    made: list[ChangeNow] = []

    def wallet(key: str | None, **more: str) -> ChangeNow:
        made.append(ChangeNow(api_url, key, verify=NO_AUTHORITIES, watch=contract().hook, **more))
        return made[-1]

    yield wallet
    for one in made:
        await one.http.aclose()


@pytest.fixture
def wallet(partner: Partner, wallets: Wallets) -> ChangeNow:
    """With a test key."""
    return wallets(partner.test_key)
