"""The preview on a loopback port, and a Chromium that looks at it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
import uvicorn
from playwright.async_api import Browser, async_playwright

from privata.ui.preview import create_app
from tests.browser.chromium import ARGUMENTS, NO_CHROMIUM, find_chromium

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without a Chromium the browser tests here are skipped, which the end tells."""
    if find_chromium():
        return
    for item in items:
        if _HERE in item.path.parents and item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.skip(reason=NO_CHROMIUM))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def preview() -> AsyncIterator[str]:
    """Base URL of the running preview."""
    listener = socket.create_server(("127.0.0.1", 0))
    settings = uvicorn.Config(
        create_app(), log_level="error", lifespan="off", timeout_graceful_shutdown=0
    )
    server = uvicorn.Server(settings)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:
        await asyncio.sleep(0.01)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    server.force_exit = True
    await serving
    listener.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(preview: str) -> AsyncIterator[Browser]:
    """A headless Chromium, which closes before the preview does: it holds a live stream open."""
    assert preview
    async with async_playwright() as driver:
        made = await driver.chromium.launch(executable_path=find_chromium(), args=list(ARGUMENTS))
        yield made
        await made.close()


@pytest_asyncio.fixture(loop_scope="module")
async def fresh(browser: Browser) -> AsyncIterator[Browser]:
    """The browser without pages of other tests; what a test opens is closed after it."""
    yield browser
    for context in browser.contexts:
        await context.close()
