"""What every page must hold in a browser: accessible, within the policy, no sideways scroll."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Error, Page

from tests.browser import pictures

DESKTOP, PHONE, SMALL_PHONE = (1440, 900), (390, 844), (320, 640)

_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_EVERYTHING = {"runOnly": {"type": "tag", "values": _TAGS}}
_ALL_BUT_CONTRAST = _EVERYTHING | {"rules": {"color-contrast": {"enabled": False}}}
_CONTRAST = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}

_REPORT = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`CSP: ${event.effectiveDirective} blocked ${event.blockedURI}`));
"""

_LOOKING = Path(__file__).with_name("looking.js").read_text()

#: What each context's pages complained about since the last look.
_complaints: dict[BrowserContext, list[str]] = {}


async def new_context(
    browser: Browser, *, size: tuple[int, int] = DESKTOP, theme: str = "light", **options: Any
) -> BrowserContext:
    """A context in which complaints of pages are written down."""
    width, height = size
    context = await browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if theme == "dark" else "light",
        reduced_motion="reduce",
        **options,
    )
    complaints = _complaints[context] = []

    def on_console(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            complaints.append(message.text)

    def on_error(error: Error) -> None:
        complaints.append(f"uncaught: {error.message}")

    def on_page(page: Page) -> None:
        page.on("console", on_console)
        page.on("pageerror", on_error)

    def forget(closed: BrowserContext) -> None:
        _complaints.pop(closed, None)

    context.on("page", on_page)
    context.on("close", forget)
    await context.add_init_script(_REPORT)
    return context


def complaints_of(page: Page) -> list[str]:
    """Console errors and policy violations of the page's context so far; forgets them."""
    found = _complaints[page.context]
    taken = list(found)
    found.clear()
    return taken


async def audit(page: Page, *, allow: tuple[str, ...] = ()) -> None:
    """Fail on an axe finding, a console error, a policy violation or sideways scroll.

    `allow` are parts of console messages that the page is meant to cause (a 404, for example).
    """
    await _prepare(page)
    findings = await _axe(page, _EVERYTHING)
    findings += await _sideways(page)
    await pictures.take(page)
    _judge(page, findings, allow)


async def sweep(
    page: Page,
    *,
    sizes: tuple[tuple[int, int], ...] = (DESKTOP, PHONE),
    allow: tuple[str, ...] = (),
) -> None:
    """`audit` at each of `sizes` and the contrasts of the dark theme, without loading again.

    Nothing may be wider than the window at any size. A theme changes no more than colours, and
    those are the same at every size: at the second, contrasts are looked at where something shows
    that the first did not. The small phone has the phone's page.
    """
    findings = []
    await _prepare(page)
    for size in (DESKTOP, PHONE, SMALL_PHONE):
        await page.set_viewport_size({"width": size[0], "height": size[1]})
        found = await _sideways(page)
        if size in sizes:
            found += await _axe_in_both_themes(page, first=size == sizes[0])
        findings += [f"{size[0]} px: {text}" for text in found]
    await pictures.take(page)
    _judge(page, findings, allow)


async def _axe_in_both_themes(page: Page, *, first: bool) -> list[str]:
    found = await _axe(page, _EVERYTHING if first else _ALL_BUT_CONTRAST)
    if await _fresh(page, "light") and not first:
        found += await _axe_of_fresh(page)
    if await _fresh(page, "dark"):
        await page.emulate_media(color_scheme="dark")
        found += await _axe_of_fresh(page)
        await page.emulate_media(color_scheme="light")
    return found


async def thin_out(page: Page) -> None:
    """Take out of an enormous page what is like the rest, once nothing was found too wide."""
    for size in (DESKTOP, PHONE, SMALL_PHONE):
        await page.set_viewport_size({"width": size[0], "height": size[1]})
        assert not await _sideways(page)
    await _prepare(page)
    await page.evaluate("looking.thinOut()")


async def _prepare(page: Page) -> None:
    if not await page.evaluate("'looking' in window"):
        await page.evaluate(Axe().axe_script)
        await page.evaluate(_LOOKING)
    await page.evaluate("looking.begin()")


async def _axe(page: Page, rules: dict[str, Any]) -> list[str]:
    found: list[str] = await page.evaluate("(rules) => looking.at(rules)", rules)
    return found


async def _fresh(page: Page, theme: str) -> bool:
    """Whether something shows itself that this sweep has not looked at in the theme."""
    return bool(await page.evaluate("(theme) => looking.fresh(theme)", theme))


async def _axe_of_fresh(page: Page) -> list[str]:
    found: list[str] = await page.evaluate("(rules) => looking.atFresh(rules)", _CONTRAST)
    return found


async def _sideways(page: Page) -> list[str]:
    wide = await page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    return [f"the page is {wide} px wider than the window"] if wide > 0 else []


def _judge(page: Page, findings: list[str], allow: tuple[str, ...]) -> None:
    said = [text for text in complaints_of(page) if not any(part in text for part in allow)]
    assert not findings + said, f"{page.url}\n" + "\n".join(findings + said)
