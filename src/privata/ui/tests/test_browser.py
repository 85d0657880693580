"""The gallery in a real browser: accessibility, policy, widths, and what the scripts do."""

from __future__ import annotations

import asyncio
import contextlib
import re
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, ConsoleMessage, Error, Page, Route, expect

from privata.ui import sample

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

_FIRST = sample.deliveries()[0]["id"]
_SECOND = sample.deliveries()[1]["id"]
_AXE = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
    "preload": False,
}
#: A theme changes colours only, and a page has the same at every width.
_CONTRAST = _AXE | {"runOnly": {"type": "rule", "values": ["color-contrast"]}}


async def _open(browser: Browser, url: str, width: int = 1440) -> tuple[Page, list[str]]:
    """A page at `url`, and the list its console errors (policy violations too) fill."""
    phone = width < 860
    context = await browser.new_context(
        viewport={"width": width, "height": 844 if phone else 900},
        is_mobile=phone,
        has_touch=phone,
        reduced_motion="reduce",
    )
    page = await context.new_page()
    errors: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            errors.append(message.text)

    page.on("console", note)
    page.on("pageerror", lambda error: errors.append(str(error)))
    await page.goto(url)
    return page, errors


async def _findings(page: Page, options: dict[str, Any] = _AXE) -> list[str]:
    result = await Axe().run(page, options=options)
    return [
        f"{finding['id']}: {node['html'][:160]}"
        for finding in result.response["violations"]
        for node in finding["nodes"]
    ]


@pytest.mark.parametrize(
    ("theme", "width", "rules"),
    [
        ("light", 1440, _AXE),
        ("light", 390, _AXE),
        ("light", 320, _AXE),
        ("dark", 1440, _CONTRAST),
        ("dark", 390, _CONTRAST),
    ],
)
async def test_gallery_is_accessible_and_fits(
    fresh: Browser, preview: str, theme: str, width: int, rules: dict[str, Any]
) -> None:
    page, errors = await _open(fresh, f"{preview}/?theme={theme}&environment=test", width)
    assert await _findings(page, rules) == []
    assert await page.evaluate("document.documentElement.scrollWidth") == width
    await page.goto(f"{preview}/?theme={theme}&open={_FIRST}")
    await expect(page.locator("#drawer article")).to_be_visible()
    assert await _findings(page, rules) == []
    assert await page.evaluate("document.documentElement.scrollWidth") == width
    assert errors == []


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_signed_out_pages_are_accessible(fresh: Browser, preview: str, theme: str) -> None:
    page, errors = await _open(fresh, f"{preview}/sign-in?theme={theme}", 320)
    assert await _findings(page) == []
    await page.goto(f"{preview}/error/404?theme={theme}")
    assert await _findings(page) == []
    assert await page.evaluate("document.documentElement.scrollWidth") == 320
    assert errors == []


async def test_overlays_are_accessible(fresh: Browser, preview: str) -> None:
    page, errors = await _open(fresh, preview)
    await page.keyboard.press("Control+k")
    await expect(page.locator("#palette")).to_be_visible()
    assert await _findings(page) == []
    await page.keyboard.press("Escape")
    await expect(page.locator("#palette")).to_be_hidden()
    await page.keyboard.press("?")
    await expect(page.locator("#shortcuts")).to_be_visible()
    assert await _findings(page) == []
    await page.keyboard.press("Escape")
    await expect(page.locator("#shortcuts")).to_be_hidden()
    await page.get_by_role("button", name="More actions").click()
    await expect(page.locator("#endpoint-menu")).to_be_visible()
    assert await _findings(page) == []
    assert errors == []


async def test_phone_reaches_every_page(fresh: Browser, preview: str) -> None:
    page, errors = await _open(fresh, preview, 390)
    await page.get_by_role("button", name="More", exact=True).click()
    sheet = page.locator("#more-sheet")
    for group in sample.shell()["nav"]:
        for item in group["items"]:
            await expect(sheet.get_by_role("link", name=item["label"])).to_be_visible()
    await expect(sheet.get_by_role("button", name="Sign out")).to_be_visible()
    assert await _findings(page) == []
    assert errors == []


async def test_drawer_opens_walks_closes_and_gives_the_focus_back(
    fresh: Browser, preview: str
) -> None:
    page, errors = await _open(fresh, preview)
    link = page.locator(f'tbody a[data-id="{_FIRST}"]')
    await link.click()
    sheet = page.locator("#drawer article")
    await expect(sheet).to_have_attribute("data-id", _FIRST)
    assert f"open={_FIRST}" in page.url
    await expect(page.get_by_role("button", name="Retry now").last).to_be_focused()
    await page.keyboard.press("j")
    await expect(sheet).to_have_attribute("data-id", _SECOND)
    await page.get_by_role("tab", name="Request").focus()
    await page.keyboard.press("ArrowRight")
    await expect(page.get_by_role("tabpanel", name="Response")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.locator("#drawer")).not_to_be_visible()
    await expect(page.locator(f'tbody a[data-id="{_SECOND}"]')).to_be_focused()
    assert "open=" not in page.url
    assert errors == []


async def test_back_closes_the_drawer(fresh: Browser, preview: str) -> None:
    page, errors = await _open(fresh, preview)
    await page.locator(f'tbody a[data-id="{_FIRST}"]').click()
    await expect(page.locator("#drawer article")).to_be_visible()
    await page.go_back()
    await expect(page.locator("#drawer")).not_to_be_visible()
    assert errors == []


async def test_choosing_rows_shows_the_bulk_bar(fresh: Browser, preview: str) -> None:
    page, _ = await _open(fresh, preview)
    bar = page.locator(".bulk")
    await expect(bar).to_be_hidden()
    await page.get_by_role("checkbox", name=f"Choose {_FIRST}").check()
    await expect(bar).to_contain_text("1 selected")
    everything = page.get_by_role("checkbox", name="Choose all rows on this page")
    assert await everything.evaluate("box => box.indeterminate")
    await page.get_by_role("button", name="Clear selection").click()
    await expect(bar).to_be_hidden()


async def test_palette_finds_and_opens(fresh: Browser, preview: str) -> None:
    page, errors = await _open(fresh, preview)
    await page.keyboard.press("Control+k")
    await page.keyboard.type(_SECOND)
    option = page.locator("#palette").get_by_role("option", name=_SECOND)
    await expect(option).to_have_attribute("aria-selected", "true")
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"**/?open={_SECOND}")
    await page.goto(preview)
    await page.keyboard.press("Control+k")
    await page.keyboard.type("nothing-like-this")
    await expect(page.locator("#palette .nothing")).to_be_visible()
    assert errors == []


async def test_what_is_typed_before_htmx_began_is_looked_for(fresh: Browser, preview: str) -> None:
    """It begins by a timer of its own: who was quicker saw the pages, and never what he typed."""
    page, errors = await _open(fresh, f"{preview}/sign-in")
    # The script of a page runs before that timer; this one's types at once.
    await page.add_init_script(
        """
        const later = window.setTimeout;
        window.setTimeout = (work, ms, ...more) =>
          later(work, document.readyState === "interactive" && !ms ? 1500 : ms, ...more);
        """
    )
    await page.goto(preview)
    await page.keyboard.press("Control+k")
    await page.keyboard.type(_SECOND)
    option = page.locator("#palette").get_by_role("option", name=_SECOND)
    await expect(option).to_have_attribute("aria-selected", "true")
    assert errors == []


async def test_the_last_that_is_typed_is_looked_for(fresh: Browser, preview: str) -> None:
    """While an answer was waited for, one more question was kept, and the next was dropped."""
    page, errors = await _open(fresh, preview)

    async def slowly(route: Route) -> None:
        await asyncio.sleep(1.5)
        with contextlib.suppress(Error):  # it was replaced
            await route.continue_()

    await page.route(re.compile(r"/search\?"), slowly)
    await page.keyboard.press("Control+k")
    for part in (_SECOND[:2], _SECOND[2:4], _SECOND[4:6], _SECOND[6:]):
        await page.keyboard.type(part)
        await page.wait_for_timeout(200)
    await expect(page.locator("#palette").get_by_role("option")).to_have_count(1)
    await expect(page.locator("#palette").get_by_role("option")).to_contain_text(_SECOND)
    assert errors == []


async def test_live_stream_has_one_holder_and_can_be_paused(fresh: Browser, preview: str) -> None:
    page, _ = await _open(fresh, preview)
    other = await page.context.new_page()
    await other.goto(preview)
    for each in (page, other):
        await expect(each.locator(".live")).to_have_attribute("data-state", "on")
    held = await page.evaluate("navigator.locks.query().then(all => all.held.length)")
    assert held == 1
    gauge = other.get_by_role("meter", name="Open streams")
    await expect(gauge).not_to_have_attribute("aria-valuenow", "112")
    await page.close()
    await expect(other.locator(".live")).to_have_attribute("data-state", "on")
    await other.locator(".live").click()
    await expect(other.locator(".live")).to_contain_text("Paused by you")


async def test_a_broken_stream_is_said(fresh: Browser, preview: str) -> None:
    page, _ = await _open(fresh, f"{preview}/sign-in")
    await page.route(re.compile(r"/live(\?|$)"), lambda route: route.fulfill(status=401, body="no"))
    await page.goto(preview)
    await expect(page.locator(".live")).to_contain_text("Signed out")
    await expect(page.locator("#stale")).to_contain_text(
        "Live updates unavailable. Last updated at"
    )
    await expect(page.get_by_role("link", name="Sign in again")).to_be_visible()


async def test_failures_become_a_toast(fresh: Browser, preview: str) -> None:
    page, _ = await _open(fresh, preview)
    await page.route("**/toast", lambda route: route.fulfill(status=500, body="<h1>broken</h1>"))
    await page.get_by_role("button", name="Send test event").click()
    await expect(page.locator("#toasts")).to_contain_text("the server returned 500")
    await page.unroute("**/toast")
    await page.get_by_role("button", name="Send test event").click()
    await expect(page.locator("#toasts")).to_contain_text("Retry queued")


async def test_a_secret_closes_only_once_it_is_copied(fresh: Browser, preview: str) -> None:
    page, errors = await _open(fresh, preview)
    await page.evaluate(
        "document.body.append(document.getElementById('sample-once').content.cloneNode(true))"
    )
    dialog = page.locator("#once")
    await expect(dialog).to_be_visible()
    assert await _findings(page) == []
    for _ in range(3):
        await page.keyboard.press("Escape")
    await expect(dialog).to_be_visible()
    await expect(page.get_by_role("button", name="Done")).to_be_disabled()
    await page.get_by_role("checkbox", name="I have copied this").check()
    await page.get_by_role("button", name="Done").click()
    await expect(dialog).to_have_count(0)
    assert errors == []


async def test_theme_is_kept_in_a_cookie(fresh: Browser, preview: str) -> None:
    page, _ = await _open(fresh, f"{preview}/sign-in?theme=light")
    await page.get_by_role("button", name="Switch between light and dark").click()
    await page.goto(f"{preview}/sign-in")
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")


async def test_chart_is_read_with_the_arrows_and_as_a_table(fresh: Browser, preview: str) -> None:
    page, errors = await _open(fresh, preview)
    await page.locator("#orders-chart .plot").focus()
    await page.keyboard.press("ArrowLeft")
    await expect(page.locator("#orders-chart .tip")).to_contain_text("so far")
    await page.get_by_role("button", name="Show as table").click()
    await expect(page.locator("#orders-chart").get_by_role("table")).to_be_visible()
    assert await _findings(page) == []
    assert errors == []


async def test_the_token_travels_with_what_changes_something(fresh: Browser, preview: str) -> None:
    page, errors = await _open(fresh, preview)
    async with page.expect_request("**/toast") as posted:
        await page.get_by_role("button", name="Send test event").click()
    async with page.expect_request("**/drawer/*") as got:
        await page.locator(f'tbody a[data-id="{_FIRST}"]').click()
    assert (await posted.value).headers["x-csrftoken"] == "preview"
    assert "x-csrftoken" not in (await got.value).headers
    assert errors == []


async def test_works_without_scripts(fresh: Browser, preview: str) -> None:
    context = await fresh.new_context(
        java_script_enabled=False, viewport={"width": 390, "height": 844}
    )
    page = await context.new_page()
    await page.goto(preview)
    await expect(page.locator("#orders-chart").get_by_role("table")).to_be_visible()
    await expect(page.get_by_role("link", name="Search")).to_be_visible()
    await expect(page.locator(".live")).to_be_hidden()
    await page.get_by_role("button", name="More", exact=True).click()
    await expect(page.locator("#more-sheet").get_by_role("button", name="Sign out")).to_be_visible()
