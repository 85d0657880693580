"""The streams page: the gauge, the lists, closing one, and live."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from playwright.async_api import Locator, Page, expect

from privata.streams.tests.reader import reading
from tests.browser.audit import audit, complaints_of
from tests.browser.conftest import Audit, OpenPage
from tests.browser.server import Server

LIVE_MS = 15_000

OPEN = "streams/"


def meter(page: Page, count: int, most: int = 50) -> Locator:
    """The gauge when it shows so many."""
    return page.locator(
        f'[role="meter"][aria-label="Open streams"][aria-valuenow="{count}"]'
        f'[aria-valuemax="{most}"]'
    )


async def follow(up: AsyncExitStack, server: Server, order_id: str, streams: int = 1) -> None:
    for _ in range(streams):
        one = await up.enter_async_context(
            reading(server.base_url, order_id, server.credentials.test_key)
        )
        assert one.status == 200
        assert await one.next() is not None


async def test_streams_appear_and_go_by_themselves(
    signed_in_page: Page, server: Server, sweep_page: Audit
) -> None:
    page = signed_in_page
    await page.goto(server.path(OPEN))
    await expect(page.get_by_role("link", name="Streams")).to_have_attribute("aria-current", "page")
    await expect(page.get_by_text("No open streams")).to_be_visible()
    order_id = await asyncio.to_thread(server.create_order, sandbox_scenario="stuck")
    async with AsyncExitStack() as up:
        await follow(up, server, order_id, 2)
        rows = page.locator("tr[id^=stream-]")
        await expect(rows).to_have_count(2, timeout=LIVE_MS)
        await expect(meter(page, 2)).to_be_visible()
        await expect(rows.first).to_contain_text("127.0.xxx.xxx")
        await expect(rows.first).to_contain_text("fresh")
        await expect(rows.first).to_contain_text(server.credentials.test_key[:16])
        await sweep_page(page)
    await expect(rows).to_have_count(0, timeout=LIVE_MS)
    await expect(page.locator("tr[id^=closed-]").first).to_contain_text("Client left")
    await sweep_page(page)


async def test_the_gauge_warns_when_it_is_nearly_full_and_full(
    signed_in_page: Page, server: Server
) -> None:
    page = signed_in_page
    order_id = await asyncio.to_thread(server.create_order, sandbox_scenario="stuck")
    await page.goto(server.path(OPEN))
    async with AsyncExitStack() as up:
        for count, tone, words in (
            (39, "", "11 streams available"),
            (40, "warn", "10 streams left"),
            (50, "bad", "No streams available"),
        ):
            shown = await page.locator("tr[id^=stream-]").count()
            await follow(up, server, order_id, count - shown)
            await expect(meter(page, count)).to_be_visible(timeout=LIVE_MS)
            await expect(page.locator(".gauge")).to_have_attribute("data-tone", tone)
            await expect(page.get_by_text(words)).to_be_visible()
            await audit(page)
        async with reading(server.base_url, order_id, server.credentials.test_key) as refused:
            assert refused.status == 429
            assert b"limit of 50 open streams in test" in await refused.body()
            assert int(refused.headers["retry-after"]) > 0
    await expect(meter(page, 0)).to_be_visible(timeout=LIVE_MS)


async def test_one_is_closed_by_hand(
    signed_in_page: Page, server: Server, sweep_page: Audit
) -> None:
    page = signed_in_page
    order_id = await asyncio.to_thread(server.create_order, sandbox_scenario="stuck")
    async with reading(server.base_url, order_id, server.credentials.test_key) as one:
        assert await one.next() is not None
        await page.goto(server.path(OPEN))
        await page.get_by_role("link", name=f"Close the stream of {order_id}").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Close this stream?")
        await sweep_page(page)
        await page.get_by_role("button", name="Close stream").click()
        await page.wait_for_url(server.path(OPEN))
        while (await one.next()) is not None:
            pass
        assert one.ended, "cleanly"
    await expect(page.locator("tr[id^=closed-]").first).to_contain_text(
        "Closed here", timeout=LIVE_MS
    )
    assert complaints_of(page) == []
    # Who comes too late is told so in words.
    gone = page.url + "999999/close"
    answer = await page.goto(gone)
    assert answer is not None
    assert answer.status == 404
    complaints_of(page)


async def test_the_call_to_watch_names_an_order_that_moves(
    signed_in_page: Page, server: Server
) -> None:
    page = signed_in_page
    order_id = await asyncio.to_thread(server.create_order, sandbox_scenario="stuck")
    await page.goto(server.path(OPEN))
    call = page.locator("#watch-curl")
    await expect(call).to_contain_text("curl -N")
    await expect(call).to_contain_text(f"/partner/v1/order/{order_id}/stream")


async def test_the_page_works_without_scripts(open_page: OpenPage, server: Server) -> None:
    page = await open_page(java_script_enabled=False)
    order_id = await asyncio.to_thread(server.create_order, sandbox_scenario="stuck")
    async with reading(server.base_url, order_id, server.credentials.test_key) as one:
        assert await one.next() is not None
        await page.goto(server.path(OPEN))
        await page.get_by_role("link", name=f"Close the stream of {order_id}").click()
        await page.get_by_role("button", name="Close stream").click()
        await page.wait_for_url(server.path(OPEN))
        assert await one.next() is None
