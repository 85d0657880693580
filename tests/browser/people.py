"""People of the browser tests besides the owner: signing in by the form."""

from __future__ import annotations

import time

import httpx
from playwright.async_api import Browser, Page, StorageState

from privata.accounts.factors.totp import code_at
from tests.browser.audit import complaints_of, new_context
from tests.browser.server import Credentials, Server
from tests.loopback import NO_AUTHORITIES

#: Seconds for which a kept session is used; half of the time for which an authentication counts as
#: recent.
_KEPT_S = 300


async def sign_in(page: Page, who: Credentials) -> None:
    """Sign in, and wait for whatever page comes."""
    await page.goto("/login")
    await page.get_by_label("Email", exact=True).fill(who.owner_email)
    await page.get_by_label("Password", exact=True).fill(who.owner_password)
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url(lambda url: "/login" not in url)
    complaints_of(page)  # without an organization the first page is a 403


class Sessions:
    """Cookies of people who signed in not long ago, so that no page asks them to prove it again."""

    def __init__(self, browser: Browser, server: Server) -> None:
        self._browser = browser
        self._server = server
        self._kept: dict[str, tuple[float, StorageState]] = {}

    async def of(self, who: Credentials) -> StorageState:
        """A session of this person, begun anew when the last one has aged or was ended."""
        began, kept = self._kept.get(who.owner_email, (0.0, None))
        if kept is None or time.monotonic() - began > _KEPT_S or not self._is_open(kept):
            context = await new_context(self._browser, base_url=self._server.base_url)
            began = time.monotonic()
            await sign_in(await context.new_page(), who)
            kept = await context.storage_state()
            await context.close()
            self._kept[who.owner_email] = (began, kept)
        return kept

    def _is_open(self, kept: StorageState) -> bool:
        # A person has ten sessions: tests that sign in themselves end the oldest.
        cookies = {one["name"]: one["value"] for one in kept["cookies"]}
        url = f"{self._server.base_url}/account/security"
        return httpx.get(url, cookies=cookies, timeout=30, verify=NO_AUTHORITIES).status_code == 200


def loner(server: Server, email: str) -> Credentials:
    """Somebody with an account and without an organization, as after signing up."""
    made = server.organization(f"Gone with {email}", email)
    server.execute("DELETE FROM membership WHERE organization_id = %s::uuid", made.organization_id)
    return made


async def turn_on_two_factors(page: Page) -> None:
    """Set up an authenticator app and keep the recovery codes, just after signing in."""
    await page.goto("/account/security/app")
    grouped = await page.locator(".secret > span").first.inner_text()
    secret = "".join(grouped.split())
    # The form sends itself with the sixth digit.
    await page.get_by_label("6-digit code").fill(code_at(secret, int(time.time()) // 30))
    code = await page.locator("#codes li").first.inner_text()
    await page.get_by_label("Enter one of the codes").fill(code)
    await page.get_by_role("button", name="I saved my codes").click()
    await page.wait_for_url("**/account/security")
