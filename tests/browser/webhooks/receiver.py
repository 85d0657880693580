"""The shipped receiver, and endpoints that send to it, for the pages to show."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import httpx
from playwright.async_api import Page, expect

from conftest import wait_for
from tests.browser.server import Server

#: A page may wait for the browser's stream, the throttle of two seconds and a busy machine.
LIVE_MS = 20_000

_ENDPOINT = re.compile(r"/webhooks/[0-9a-f-]{36}$")


@dataclass(frozen=True)
class Receiver:
    """The shipped receiver, in its own process."""

    base_url: str
    secrets: list[str] = field(default_factory=list)

    @property
    def hook(self) -> str:
        return f"{self.base_url}/hook"

    def behave(self, mode: str, **more: Any) -> None:
        httpx.post(f"{self.base_url}/behaviour", json={"mode": mode} | more).raise_for_status()

    def trust(self, secret: str) -> None:
        """Accept what is signed with it, besides what was accepted before."""
        self.secrets.append(secret)
        httpx.post(f"{self.base_url}/secrets", json={"secrets": self.secrets}).raise_for_status()

    def answers(self) -> bool:
        try:
            return httpx.get(f"{self.base_url}/deliveries/stats").is_success
        except httpx.TransportError:
            return False


async def settled(receiver: Receiver) -> None:
    """Wait for the receiver, and forget how it was told to misbehave."""

    async def ready() -> bool:
        return receiver.answers()

    await wait_for(ready, seconds=60)
    receiver.behave("ok")


#: The endpoint of a file's tests that only look: it stays as long as the file's receiver does.
LOOKED_AT = "Looked at"

#: All but the latest endpoints of a receiver, and the one that is looked at.
_FORGET = """
UPDATE webhook_endpoint SET status = 'disabled', deleted_at = now()
WHERE id IN (SELECT id FROM webhook_endpoint WHERE url = %s AND alias <> %s AND deleted_at IS NULL
             AND status IN ('active', 'disabled') ORDER BY created_at DESC OFFSET 5)
"""


async def add_endpoint(page: Page, server: Server, receiver: Receiver, name: str) -> str:
    """Add the receiver as an endpoint through the form; the address of the endpoint's page."""
    # Files share a server, and its organization may have 20: those of tests that are over go.
    server.execute(_FORGET, receiver.hook, LOOKED_AT)
    await page.goto(server.path("webhooks/new"))
    await page.get_by_label("Name", exact=True).fill(name)
    await page.get_by_label("URL", exact=True).fill(receiver.hook)
    await page.get_by_role("button", name="Add endpoint").click()
    dialog = page.get_by_role("dialog", name="Your signing secret")
    receiver.trust(await dialog.locator("#secret-secret").inner_text())
    await dialog.get_by_label("I have copied this").check()
    await dialog.get_by_role("button", name="Done").click()
    await page.wait_for_url(_ENDPOINT)
    return page.url


async def add_failing(page: Page, server: Server, receiver: Receiver, name: str) -> str:
    """An endpoint with deliveries that failed once and wait for their next attempt."""
    address = await add_endpoint(page, server, receiver, name)
    receiver.behave("fail", status=500)
    server.create_order()
    await page.goto(address)
    await expect(page.locator("tbody tr", has_text="Retrying").first).to_be_visible(timeout=LIVE_MS)
    return address
