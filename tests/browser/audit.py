"""What every page must hold in a browser: accessible, within the policy, no sideways scroll."""

from __future__ import annotations

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
    findings = await _axe(page, _EVERYTHING)
    findings += await _sideways(page)
    await pictures.take(page)
    _judge(page, findings, allow)


async def sweep(
    page: Page,
    *,
    sizes: tuple[tuple[int, int], ...] = (DESKTOP, PHONE),
    contrasts: str = "html",
    allow: tuple[str, ...] = (),
) -> None:
    """`audit` at each of `sizes` and the contrasts of the dark theme, without loading again.

    Contrasts are looked at within `contrasts`, a selector: everywhere unless the page is enormous.

    Nothing may be wider than the window at any size. A theme changes no more than colours, and
    those are the same at every size; the small phone has the phone's page.
    """
    findings = []
    for size in (DESKTOP, PHONE, SMALL_PHONE):
        await page.set_viewport_size({"width": size[0], "height": size[1]})
        found = await _sideways(page)
        if size in sizes:
            found += await _axe(page, _EVERYTHING if contrasts == "html" else _ALL_BUT_CONTRAST)
            if contrasts != "html":
                found += await _axe(page, _CONTRAST, contrasts)
        if size == DESKTOP:
            await page.emulate_media(color_scheme="dark")
            found += await _axe(page, _CONTRAST, contrasts)
            await page.emulate_media(color_scheme="light")
        findings += [f"{size[0]} px: {text}" for text in found]
    await pictures.take(page)
    _judge(page, findings, allow)


async def _axe(page: Page, rules: dict[str, Any], within: str = "html") -> list[str]:
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(Axe().axe_script)
    # Without fetching style sheets again beforehand: the rules that read them are of orientation
    # and of films, and not among these or without anything to look at.
    results = await page.evaluate(
        """([rules, within]) => axe.run(
            within, {...rules, resultTypes: ["violations"], preload: false})""",
        [rules, within],
    )
    return [
        f"{found['id']}: {found['help']}\n    "
        + "\n    ".join(node["html"][:240] for node in found["nodes"][:3])
        for found in results["violations"]
    ]


async def _sideways(page: Page) -> list[str]:
    wide = await page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    return [f"the page is {wide} px wider than the window"] if wide > 0 else []


def _judge(page: Page, findings: list[str], allow: tuple[str, ...]) -> None:
    said = [text for text in complaints_of(page) if not any(part in text for part in allow)]
    assert not findings + said, f"{page.url}\n" + "\n".join(findings + said)
