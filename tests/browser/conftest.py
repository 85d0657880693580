"""A running Privata and a Chromium that looks at it.

All browser tests share one event loop, one server and one browser; each has its own context.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, StorageState, async_playwright

from conftest import Cluster
from tests.browser.audit import DESKTOP, audit, new_context, sweep
from tests.browser.chromium import ARGUMENTS, NO_CHROMIUM, find_chromium
from tests.browser.people import Sessions
from tests.browser.server import Server, running_server
from tests.browser.stock import Stock, stock

_HERE = Path(__file__).parent

OpenPage = Callable[..., Awaitable[Page]]
Audit = Callable[..., Awaitable[None]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder; without a Chromium they are skipped, which the end tells."""
    ours = [item for item in items if _HERE in item.path.parents]
    missing = None if not ours or find_chromium() else pytest.mark.skip(reason=NO_CHROMIUM)
    for item in ours:
        item.add_marker(pytest.mark.browser)
        if missing is not None:
            item.add_marker(missing)
        if pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.fixture(scope="session")
def server(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The program with one approved organization, its owner and its keys."""
    with running_server(cluster, tmp_path_factory.mktemp("browser")) as running:
        yield running


@pytest.fixture(scope="session")
def shelf(server: Server) -> Stock:
    """An order in each state, which stays there."""
    return stock(server)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as driver:
        made = await driver.chromium.launch(executable_path=find_chromium(), args=list(ARGUMENTS))
        yield made
        await made.close()


@pytest.fixture(scope="session")
def sessions(browser: Browser, server: Server) -> Sessions:
    return Sessions(browser, server)


@pytest_asyncio.fixture(loop_scope="session")
async def signed_in(sessions: Sessions, server: Server) -> StorageState:
    """The cookies of the owner's session."""
    return await sessions.of(server.credentials)


@pytest_asyncio.fixture(loop_scope="session")
async def open_page(
    browser: Browser, server: Server, signed_in: StorageState
) -> AsyncIterator[OpenPage]:
    """Opens pages: `await open_page(size=PHONE, theme="dark", anonymous=True)`."""
    contexts = []

    async def opened(
        *,
        size: tuple[int, int] = DESKTOP,
        theme: str = "light",
        anonymous: bool = False,
        **more: Any,
    ) -> Page:
        if not anonymous:
            more["storage_state"] = signed_in
        context = await new_context(
            browser, size=size, theme=theme, base_url=server.base_url, **more
        )
        contexts.append(context)
        return await context.new_page()

    yield opened
    for context in contexts:
        await context.close()


@pytest_asyncio.fixture(loop_scope="session")
async def signed_in_page(open_page: OpenPage) -> Page:
    """A desktop page of the signed-in owner."""
    return await open_page()


@pytest.fixture
def audit_page() -> Audit:
    """`await audit_page(page)`: axe, content policy, console and sideways scroll."""
    return audit


@pytest.fixture
def sweep_page() -> Audit:
    """`await sweep_page(page)`: the same at every size and in both themes."""
    return sweep
