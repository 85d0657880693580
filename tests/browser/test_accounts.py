"""Signing up and in, second factors and passkeys, in a browser with an authenticator."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from conftest import Cluster
from privata.accounts.factors.totp import code_at
from tests.browser.audit import DESKTOP, audit, complaints_of, new_context, sweep
from tests.browser.server import Server, running_server
from tests.visitors import PASSWORD, Mailbox, age_authentication, code_in, link_in

#: What the browser says about answers that the page is meant to get.
REFUSED = ("422", "429", "403")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("accounts")


@pytest.fixture(scope="module")
def strict(cluster: Cluster, home: Path) -> Iterator[Server]:
    """A program that asks new browsers for a code."""
    with running_server(cluster, home, PRIVATA_NEW_DEVICE_CODE="true") as running:
        yield running


@pytest.fixture(scope="module")
def mailbox(strict: Server, home: Path) -> Mailbox:
    return Mailbox(strict, home / "mail")


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser, strict: Server) -> AsyncIterator[Page]:
    """A page on localhost: browsers know no passkeys for an IP address."""
    base_url = strict.base_url.replace("127.0.0.1", "localhost")
    context = await new_context(browser, size=DESKTOP, base_url=base_url)
    yield await context.new_page()
    await context.close()


async def with_authenticator(page: Page) -> Callable[[bool], Awaitable[None]]:
    """A platform authenticator, as a laptop with a fingerprint reader has; the answer says
    whether a finger lies on it. While one does, the sign-in's own offer is taken at once."""
    session = await page.context.new_cdp_session(page)
    await session.send("WebAuthn.enable")
    made = await session.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )

    async def finger(there: bool) -> None:
        await session.send(
            "WebAuthn.setAutomaticPresenceSimulation",
            {"authenticatorId": made["authenticatorId"], "enabled": there},
        )

    return finger


async def sign_up(page: Page, mailbox: Mailbox, address: str) -> None:
    await page.goto("/sign-up")
    await page.get_by_label("Business email").fill(address)
    await page.get_by_label("Password", exact=True).fill(PASSWORD)
    await page.get_by_role("button", name="Continue").click()
    await page.wait_for_url("**/sign-up/code")
    code = code_in(mailbox.wait(address))
    # Six digits send the form by themselves.
    await page.get_by_label("6-digit code").press_sequentially(f"{code[:3]} {code[3:]}")
    await expect(page.get_by_role("heading", level=1)).to_have_text(
        "You are not in an organization"
    )
    complaints_of(page)  # the 403 of that page


async def test_signing_up(page: Page, mailbox: Mailbox) -> None:
    await page.goto("/sign-up")
    await sweep(page)
    await page.get_by_label("Business email").fill("ada@wallet.example")
    await page.get_by_label("Password", exact=True).fill("short")
    await page.get_by_role("button", name="Continue").click()
    await expect(page.get_by_text("This password is too short")).to_be_visible()
    await expect(page.get_by_label("Password", exact=True)).to_be_focused()
    await sweep(page, allow=REFUSED)
    await sign_up(page, mailbox, "ada@wallet.example")
    await page.goto("/account/security")
    await sweep(page)
    await page.goto("/account/sessions")
    await expect(page.get_by_text("This session")).to_be_visible()
    await sweep(page)


async def test_a_wrong_code_keeps_the_focus(page: Page, mailbox: Mailbox) -> None:
    await page.goto("/sign-up")
    await page.get_by_label("Business email").fill("kim@wallet.example")
    await page.get_by_label("Password", exact=True).fill(PASSWORD)
    await page.get_by_role("button", name="Continue").click()
    await page.wait_for_url("**/sign-up/code")
    await sweep(page)
    field = page.get_by_label("6-digit code")
    await expect(field).to_be_focused()
    await field.press_sequentially("000 000")
    await expect(page.get_by_role("alert")).to_contain_text("Incorrect code")
    await expect(page.get_by_label("6-digit code")).to_be_focused()
    await audit(page)


async def test_an_authenticator_app_and_recovery_codes(page: Page, mailbox: Mailbox) -> None:
    await sign_up(page, mailbox, "bea@wallet.example")
    await page.goto("/account/security")
    await page.get_by_role("link", name="Set up an authenticator app").click()
    await expect(page.get_by_role("img", name=re.compile("QR code"))).to_be_visible()
    await sweep(page)
    secret = await page.locator("[data-copy]").first.get_attribute("data-copy")
    assert secret is not None
    await page.get_by_label("6-digit code").fill(code_at(secret, int(time.time()) // 30))
    await page.wait_for_url("**/account/security/recovery")
    codes = await page.locator("#codes li").all_inner_texts()
    assert len(codes) == 10
    await sweep(page)
    async with page.expect_download() as download:
        await page.get_by_role("link", name="Download").click()
    saved = await (await download.value).path()
    assert codes[9] in saved.read_text()
    await page.get_by_label("Enter one of the codes").fill("nonsense")
    await page.get_by_role("button", name="I saved my codes").click()
    await expect(page.get_by_role("alert")).to_contain_text("not in the list")
    await page.get_by_label("Enter one of the codes").fill(codes[0])
    await page.get_by_role("button", name="I saved my codes").click()
    await expect(page.get_by_text("9 of 10 left")).to_be_visible()
    await sweep(page)

    await page.goto("/logout")
    await audit(page)
    await page.get_by_role("button", name="Sign out").click()
    await page.get_by_label("Email").fill("bea@wallet.example")
    await page.get_by_label("Password", exact=True).fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url("**/login/second-factor")
    await sweep(page)
    await page.get_by_role("link", name="Use a recovery code instead").click()
    await audit(page)
    await page.get_by_label("Recovery code").fill(codes[1])
    await page.get_by_role("button", name="Sign in", exact=True).click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(
        "You are not in an organization"
    )


async def test_passkeys(page: Page, mailbox: Mailbox, strict: Server) -> None:
    finger = await with_authenticator(page)
    await sign_up(page, mailbox, "cyd@wallet.example")
    await page.goto("/account/security")
    await page.get_by_role("link", name="Add a passkey").click()
    await sweep(page)
    await page.get_by_label("Name", exact=True).fill("My laptop")
    await page.get_by_role("button", name="Create passkey").click()
    await page.wait_for_url("**/account/security/recovery")
    codes = await page.locator("#codes li").all_inner_texts()
    await page.get_by_label("Enter one of the codes").fill(codes[0])
    await page.get_by_role("button", name="I saved my codes").click()
    await expect(page.get_by_text("My laptop")).to_be_visible()
    await page.get_by_role("link", name="Rename passkey My laptop").click()
    await audit(page)
    await page.get_by_label("Name", exact=True).fill("Work laptop")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Work laptop")).to_be_visible()
    # The same authenticator is not taken twice.
    await page.get_by_role("link", name="Add a passkey").click()
    await page.get_by_role("button", name="Create passkey").click()
    await expect(page.get_by_text("already has a passkey for your account")).to_be_visible()

    # As second factor.
    await finger(False)
    await page.goto("/logout")
    await page.get_by_role("button", name="Sign out").click()
    await _password(page, "cyd@wallet.example")
    await page.wait_for_url("**/login/second-factor")
    await finger(True)
    await page.get_by_role("button", name="Use a passkey").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(
        "You are not in an organization"
    )

    # As step-up in the middle of something.
    complaints_of(page)  # the 403 of the page without an organization
    await finger(False)
    ((factor,),) = strict.execute(
        "SELECT a.id FROM mfa_authenticator AS a JOIN app_user AS u ON u.id = a.user_id"
        " WHERE a.type = 'webauthn' AND u.email = 'cyd@wallet.example'"
    )
    cookies = {cookie["name"]: cookie["value"] for cookie in await page.context.cookies()}
    age_authentication(strict, cookies["privata"])
    await page.goto(f"/account/security/factors/{factor}/remove")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Confirm your identity")
    await sweep(page)
    await finger(True)
    await page.get_by_role("button", name="Use a passkey").click()
    await expect(page.get_by_text("turns two-factor sign-in off")).to_be_visible()
    await audit(page)
    await page.get_by_role("button", name="Turn off two-factor sign-in").click()
    await expect(page.get_by_text("Resistant to phishing")).to_be_visible()


async def test_a_passkey_signs_in_without_a_password(page: Page, mailbox: Mailbox) -> None:
    await with_authenticator(page)
    await sign_up(page, mailbox, "dan@wallet.example")
    await page.goto("/account/security/passkeys/add")
    await page.get_by_role("button", name="Create passkey").click()
    await page.wait_for_url("**/account/security/recovery")
    await page.goto("/logout")
    await page.get_by_role("button", name="Sign out").click()
    # The field offers the passkey by itself; the authenticator of the test takes it at once.
    await page.wait_for_url(re.compile(r"/test/$"))
    await expect(page.get_by_role("heading", level=1)).to_have_text(
        "You are not in an organization"
    )
    await page.goto("/account/security")
    await expect(page.get_by_text("last used")).to_be_visible()


async def test_a_new_browser_and_a_forgotten_password(
    page: Page, browser: Browser, mailbox: Mailbox, strict: Server
) -> None:
    await sign_up(page, mailbox, "eve@wallet.example")
    base_url = strict.base_url.replace("127.0.0.1", "localhost")
    context = await new_context(browser, base_url=base_url, java_script_enabled=False)
    other = await context.new_page()
    await _password(other, "eve@wallet.example")
    await other.wait_for_url("**/login/new-device")
    await other.get_by_label("6-digit code").fill(code_in(mailbox.wait("eve@wallet.example", 2)))
    await other.get_by_role("button", name="Sign in", exact=True).click()
    await expect(other.get_by_role("heading", level=1)).to_have_text(
        "You are not in an organization"
    )
    await other.goto("/logout")
    await other.get_by_role("button", name="Sign out").click()
    await other.get_by_role("link", name="Forgot password?").click()
    await other.get_by_label("Email").fill("eve@wallet.example")
    await other.get_by_role("button", name="Email me a link").click()
    await expect(other.get_by_role("heading", level=1)).to_have_text("Check your email")
    await other.goto(link_in(mailbox.wait("eve@wallet.example", 4)))
    await other.get_by_label("New password", exact=True).fill("velvet-comet-19x")
    await other.get_by_role("button", name="Set password").click()
    await expect(other.get_by_text("Password changed")).to_be_visible()
    await context.close()
    # With the new password set, the first browser is signed out.
    await page.goto("/account/security")
    assert "/login" in page.url


async def test_the_other_pages_hold_the_rules(page: Page, mailbox: Mailbox) -> None:
    for path in ("/reset", "/reset/sent"):
        await page.goto(path)
        await sweep(page)
    await page.goto("/reset/no-such-link")
    await sweep(page, allow=("410",))
    await sign_up(page, mailbox, "fay@wallet.example")
    await page.goto("/account/security/password")
    await sweep(page)
    await page.get_by_label("Current password", exact=True).fill("wrong")
    await page.get_by_label("New password", exact=True).fill("short")
    await page.get_by_role("button", name="Change password").click()
    await expect(page.get_by_text("Incorrect current password")).to_be_visible()
    await audit(page, allow=REFUSED)


async def test_a_new_browser_is_asked(browser: Browser, strict: Server, mailbox: Mailbox) -> None:
    context = await new_context(browser, base_url=strict.base_url)
    page = await context.new_page()
    await _password(page, strict.credentials.owner_email, strict.credentials.owner_password)
    await page.wait_for_url("**/login/new-device")
    await sweep(page)
    address = strict.credentials.owner_email
    await page.get_by_label("6-digit code").fill(code_in(mailbox.wait(address)))
    await page.wait_for_url("**/test/")
    # Within an organization the account pages stand in its frame.
    await page.goto("/account/security")
    await sweep(page)
    await page.goto("/account/sessions")
    await sweep(page)
    await context.close()


async def _password(page: Page, address: str, password: str = PASSWORD) -> None:
    await page.goto("/login")
    await page.get_by_label("Email").fill(address)
    await page.get_by_label("Password", exact=True).fill(password)
    await page.get_by_role("button", name="Sign in", exact=True).click()
