"""An adapter and its fake, for each of the cases."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from privata.providers.tests.conformance.case import Case, World
from privata.providers.tests.conformance.cases import CASES


@pytest.fixture(params=CASES, ids=lambda case: case.name)
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """The adapter, and the fake that it talks to over HTTP."""
    case: Case = request.param
    fake = case.fake()
    adapter = case.adapter(await fake.start())
    try:
        yield World(case, fake, adapter)
    finally:
        await adapter.close()
        await fake.stop()
