"""The pages of API keys: made, shown once, changed, rotated, revoked."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, StorageState, expect

from tests.browser.audit import PHONE, audit, complaints_of, new_context, sweep
from tests.browser.people import Sessions, sign_in
from tests.browser.server import Credentials, Server

#: Generous: the machine may be busy with other tests.
LIVE_MS = 30_000

_DETAIL = re.compile(r"/keys/[0-9a-f-]{36}$")


@pytest.fixture(scope="module")
def partner(server: Server) -> Credentials:
    """An organization of this module alone: it may make 20 keys in an hour."""
    return server.organization("Dorado Pay", f"keys-{uuid4().hex[:8]}@dorado.example")


@pytest_asyncio.fixture(loop_scope="session")
async def session(sessions: Sessions, partner: Credentials) -> StorageState:
    return await sessions.of(partner)


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser, server: Server, session: StorageState) -> AsyncIterator[Page]:
    context = await new_context(browser, base_url=server.base_url, storage_state=session)
    yield await context.new_page()
    await context.close()


async def create(page: Page, name: str, *, environment: str = "test", **chosen: str) -> str:
    """Make a key through the form; its secret, with the dialog still open."""
    await page.goto(f"/{environment}/keys/new")
    await page.get_by_label("Name", exact=True).fill(name)
    if "expiry" in chosen:
        await page.get_by_label("Expires").select_option(chosen["expiry"])
    if "date" in chosen:
        await page.get_by_label("Date (UTC)").fill(chosen["date"])
    if "addresses" in chosen:
        await page.get_by_label("Allowed IP addresses").fill(chosen["addresses"])
    await page.get_by_role("button", name="Create key").click()
    secret = await page.get_by_role("dialog").locator("#secret-secret").inner_text()
    assert secret.startswith(f"pk_{environment}_")
    return secret


async def copied(page: Page) -> str:
    """Tick and close the dialog; the address of the key's page."""
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("I have copied this key").check()
    await dialog.get_by_role("button", name="Done").click()
    await page.wait_for_url(_DETAIL)
    return page.url


async def test_a_key_is_shown_once_and_works(page: Page, server: Server) -> None:
    secret = await create(page, "Shown once")
    dialog = page.get_by_role("dialog", name="Your new test key")
    await expect(dialog.locator("pre")).to_contain_text(f"X-API-Key: {secret}")
    await expect(dialog.get_by_role("button", name="Done")).to_be_disabled()
    for _ in range(2):
        await page.keyboard.press("Escape")
    await page.mouse.click(5, 5)
    await expect(dialog).to_be_visible()
    env_line = dialog.locator("button[data-copy^='PRIVATA_API_KEY=']")
    await expect(env_line).to_have_attribute("data-copy", f"PRIVATA_API_KEY={secret}")
    await sweep(page)
    answer = await page.request.get(
        "/partner/v1/estimate?from=BTC&to=ETH&amount=0.1", headers={"X-API-Key": secret}
    )
    assert answer.status == 200
    assert secret not in page.url
    there = page.url
    again = await page.goto(there)
    assert again is not None
    assert _DETAIL.search(page.url), "coming back leads to the key, without its secret"
    assert secret not in await page.content()
    await page.goto(f"/test/search?q={secret[:16]}")
    assert page.url == there.removesuffix("/created"), "the palette finds a key by its prefix"
    assert again.headers["cache-control"] == "no-store"
    await expect(page.get_by_text(f"{secret[:16]}…{secret[-4:]}").first).to_be_visible()
    assert complaints_of(page) == []


async def test_a_refused_form_names_its_fields_and_loses_nothing(page: Page) -> None:
    await page.goto("/test/keys/new")
    await page.get_by_label("Name", exact=True).fill("Refused")
    await page.locator('input[value="ramp:embed"]').check()
    await page.get_by_label("Expires").select_option("date")
    await page.get_by_label("Date (UTC)").fill("2020-01-01")
    await page.get_by_label("Allowed IP addresses").fill("203.0.113.7/24\n10.0.0.0/8\nnonsense")
    await page.get_by_role("button", name="Create key").click()
    summary = page.get_by_role("alert")
    await expect(summary).to_be_focused()
    await expect(summary).to_contain_text("cannot be combined")
    await expect(summary).to_contain_text("after today")
    await expect(summary).to_contain_text(
        "Invalid IP range format: 203.0.113.7/24 is not the start of a range"
    )
    await expect(summary).to_contain_text("nonsense")
    await expect(page.get_by_label("Name", exact=True)).to_have_value("Refused")
    await expect(page.locator('input[value="ramp:embed"]')).to_be_checked()
    await expect(page.get_by_label("Date (UTC)")).to_have_value("2020-01-01")
    await expect(page.get_by_label("Allowed IP addresses")).to_have_value(
        "203.0.113.7/24\n10.0.0.0/8\nnonsense"
    )
    await sweep(page, allow=("422",))


async def test_a_key_is_changed_and_its_old_values_are_gone(page: Page) -> None:
    await create(page, "Before")
    await copied(page)
    await page.get_by_label("Name", exact=True).fill("After")
    await page.locator('input[value="webhook:admin"]').check()
    await page.get_by_label("Expires").select_option("never")
    await expect(page.get_by_text("A key without an expiry date works until")).to_be_visible()
    await page.get_by_label("Allowed IP addresses").fill("203.0.113.7, 2001:DB8::/48")
    await page.get_by_role("button", name="Save changes").click()
    await expect(page.get_by_role("heading", name="After")).to_be_visible()
    await expect(page.get_by_label("Allowed IP addresses")).to_have_value(
        "203.0.113.7/32\n2001:db8::/48"
    )
    assert await page.locator('input[value="ramp:embed"]').count() == 0
    await page.goto("/test/keys/")
    row = page.locator("tr", has_text="After")
    await expect(row).to_contain_text("webhook:admin")
    await expect(row).to_contain_text("Never")
    await sweep(page)


async def test_a_rotation_shows_who_still_uses_the_old_key(page: Page, server: Server) -> None:
    old = await create(page, "Rotated")
    detail = await copied(page)
    await page.get_by_role("link", name="Rotate").click()
    await audit(page)
    await page.get_by_role("button", name="Create new key").click()
    new = await page.get_by_role("dialog").locator("#secret-secret").inner_text()
    assert new != old
    await expect(page.get_by_role("dialog")).to_contain_text("The old key also works until")
    await copied(page)
    card = page.get_by_role("region", name="Rotation in progress")
    await expect(card).to_contain_text("Old key not used since the rotation")
    await expect(page.get_by_role("link", name="Rotate")).to_have_count(0)
    await page.goto(f"{detail}/rotate")
    await expect(page.get_by_text("Rotation in progress")).to_be_visible()
    path = "/partner/v1/estimate?from=BTC&to=ETH&amount=0.1"
    assert (await page.request.get(path, headers={"X-API-Key": old})).status == 200
    await page.goto("/test/keys/")
    half = page.locator("tr.half", has_text=old[:16])
    await expect(half).to_contain_text("Old key still used")
    await expect(half).to_contain_text("from 127.0.0.1")
    await sweep(page)
    await page.goto(detail)
    await expect(card).to_contain_text("from 127.0.0.1")
    await sweep(page)
    # The window ends: the page learns of it by its own countdown or at its next look.
    server.execute(
        "UPDATE api_key_secret SET dead_at = now() WHERE prefix = %s AND dead_at IS NOT NULL",
        old[:16],
    )
    await expect(card).to_have_count(0, timeout=LIVE_MS)
    await expect(page.get_by_role("link", name="Rotate")).to_be_visible()
    assert (await page.request.get(path, headers={"X-API-Key": old})).status == 401
    assert complaints_of(page) == []


async def test_the_old_key_is_ended_at_once(page: Page) -> None:
    old = await create(page, "Leaked")
    detail = await copied(page)
    await page.goto(f"{detail}/rotate")
    await page.get_by_role("button", name="Create new key").click()
    await copied(page)
    await page.get_by_role("button", name="End old key now").click()
    await expect(page.get_by_text("The old key has ended")).to_be_visible()
    path = "/partner/v1/currencies"
    assert (await page.request.get(path, headers={"X-API-Key": old})).status == 401


async def test_a_key_in_use_is_revoked_by_its_name(page: Page) -> None:
    secret = await create(page, "In use")
    detail = await copied(page)
    path = "/partner/v1/estimate?from=BTC&to=ETH&amount=0.1"
    assert (await page.request.get(path, headers={"X-API-Key": secret})).status == 200
    await page.goto(detail)
    await page.get_by_role("link", name="Revoke").click()
    await page.get_by_label("Enter the key name").fill("in use")
    await page.get_by_role("button", name="Revoke key").click()
    await expect(page.get_by_role("alert")).to_contain_text("Enter the exact name: In use")
    await sweep(page, allow=("422",))
    await page.get_by_label("Enter the key name").fill("In use")
    await page.get_by_role("button", name="Revoke key").click()
    await expect(page.get_by_text("Key revoked")).to_be_visible()
    assert (await page.request.get(path, headers={"X-API-Key": secret})).status == 401
    ended = page.locator("#ended-keys")
    await expect(ended.get_by_text("In use")).to_be_hidden()
    await ended.locator("summary").click()
    await expect(ended.locator("tr", has_text="In use")).to_contain_text("Revoked")
    await sweep(page)
    await page.goto(detail)
    await expect(page.get_by_role("button", name="Save changes")).to_have_count(0)
    await sweep(page)


async def test_the_list_follows_what_others_do(page: Page, server: Server) -> None:
    secret = await create(page, "Followed")
    detail = await copied(page)
    await create(page, "Gone")
    gone = await copied(page)
    await page.goto(f"{gone}/revoke")
    await page.get_by_role("button", name="Revoke key").click()
    await page.wait_for_url("**/test/keys/")
    await page.locator("#ended-keys summary").click()
    other = await page.context.new_page()
    await other.goto(f"{detail}/rotate")
    await other.get_by_role("button", name="Create new key").click()
    await expect(page.locator("tr.half", has_text=secret[:16])).to_be_visible(timeout=LIVE_MS)
    # Another person's tick is not in the way of whoever looks, nor is an open fold closed.
    await expect(page.locator("#ended-keys tr", has_text="Gone")).to_be_visible()
    await other.goto(f"{detail}/revoke")
    await other.get_by_role("button", name="Revoke key").click()
    row = page.locator("#ended-keys tr", has_text="Followed")
    await expect(row).to_be_visible(timeout=LIVE_MS)
    await expect(page.locator("#api-keys tr", has_text="Followed")).to_have_count(0)
    assert complaints_of(page) == []


async def test_the_twenty_first_key_of_an_hour_says_when(
    page: Page, server: Server, partner: Credentials
) -> None:
    server.execute(
        "INSERT INTO api_key (id, organization_id, environment, name, scopes, created_by)"
        " SELECT gen_random_uuid(), %s, 'test', 'Many', '{orders:rw}', 'tests'"
        " FROM generate_series(1, 20)",
        partner.organization_id,
    )
    try:
        await page.goto("/test/keys/new")
        await page.get_by_label("Name", exact=True).fill("One too many")
        await page.get_by_role("button", name="Create key").click()
        alert = page.get_by_role("alert")
        await expect(alert).to_contain_text("the limit of 20 new keys per hour")
        await expect(page.get_by_label("Name", exact=True)).to_have_value("One too many")
    finally:
        server.execute(
            "DELETE FROM api_key WHERE organization_id = %s AND name = 'Many'",
            partner.organization_id,
        )


async def test_the_last_live_key_warns_first(page: Page, partner: Credentials) -> None:
    await page.goto("/live/keys/")
    await page.get_by_role("link", name="First live key").click()
    await page.get_by_role("link", name="Revoke").click()
    await expect(page.get_by_text("This is your last active live key")).to_be_visible()
    await page.get_by_role("button", name="Revoke key").click()
    await expect(page.get_by_role("alert")).to_contain_text(
        "Confirm that this is your last live key"
    )
    await sweep(page, allow=("422",))
    answer = await page.request.get(
        "/partner/v1/currencies", headers={"X-API-Key": partner.live_key}
    )
    assert answer.status == 200


async def test_a_key_that_ends_soon_has_a_banner(page: Page) -> None:
    day = (datetime.now(UTC).date() + timedelta(days=3)).isoformat()
    await create(page, "Short-lived", expiry="date", date=day)
    await copied(page)
    await expect(page.get_by_text(re.compile("Expires in 2d|Expires in 3d"))).to_be_visible()
    await page.goto("/test/keys/")
    await expect(page.get_by_text("Short-lived expires in")).to_be_visible()
    await sweep(page)


async def test_live_keys_say_what_unlocks_them(
    page: Page, server: Server, partner: Credentials
) -> None:
    change = "UPDATE organization SET status = %s WHERE id = %s"
    server.execute(change, "pending_review", partner.organization_id)
    try:
        await page.goto("/live/keys/")
        await expect(page.get_by_text("Live keys are locked")).to_be_visible()
        await expect(page.get_by_role("link", name="Create key")).to_have_count(0)
        await sweep(page)
        await page.goto("/live/keys/new")
        assert page.url.endswith("/live/keys/")
        await page.get_by_role("link", name="Go to test keys").click()
        await expect(page.get_by_role("link", name="Create key")).to_be_visible()
    finally:
        server.execute(change, "approved", partner.organization_id)


async def test_everything_works_without_scripts(
    browser: Browser, server: Server, session: StorageState
) -> None:
    context = await new_context(
        browser,
        size=PHONE,
        base_url=server.base_url,
        storage_state=session,
        java_script_enabled=False,
    )
    page = await context.new_page()
    await page.goto("/test/keys/new")
    await page.get_by_label("Name", exact=True).fill("No scripts")
    await page.get_by_role("button", name="Create key").click()
    await page.wait_for_url("**/created")
    secret = await page.locator("#secret-secret").inner_text()
    assert secret.startswith("pk_test_")
    done = page.get_by_role("button", name="Done")
    await done.click()
    await expect(page).to_have_url(re.compile("/created$"))  # the tick is required
    await page.get_by_role("checkbox", name="I have copied this key").check()
    await done.click()
    await page.wait_for_url(re.compile(r"/keys/[0-9a-f-]{36}\??$"))
    await page.get_by_role("link", name="Revoke").click()
    await page.get_by_role("button", name="Revoke key").click()
    await page.wait_for_url("**/test/keys/")
    await page.locator("#ended-keys summary").click()
    await expect(page.locator("#ended-keys tr", has_text="No scripts")).to_be_visible()
    await context.close()


async def test_roles_see_what_the_table_gives_them(
    browser: Browser, page: Page, server: Server, partner: Credentials
) -> None:
    await page.goto("/test/keys/")
    link = await page.locator("a.rowlink").first.get_attribute("href")
    other = server.organization("Corvus Keys", f"keys-{uuid4().hex[:8]}@corvus.example")
    context = await new_context(browser, base_url=server.base_url)
    their = await context.new_page()
    await sign_in(their, other)
    tails = ("", "/state", "/rotate", "/revoke", "/created")
    for tail in tails:
        answer = await their.goto(f"{link}{tail}")
        assert answer is not None
        assert answer.status == 404, tail
    complaints_of(their)
    join = "UPDATE membership SET role = %s, organization_id = %s WHERE organization_id = ANY (%s)"
    theirs = [other.organization_id, partner.organization_id]
    user = "(SELECT id FROM app_user WHERE email = %s)"
    server.execute(
        f"{join} AND user_id = {user}",
        "readonly",
        partner.organization_id,
        theirs,
        other.owner_email,
    )
    for path in ("/test/keys/", str(link)):
        answer = await their.goto(path)
        assert answer is not None
        assert answer.status == 200
        for name in ("Create key", "Rotate", "Revoke", "Save changes", "End now"):
            await expect(their.locator("main").get_by_text(name, exact=True)).to_have_count(0)
        await audit(their)
    token = await their.locator('meta[name="csrf-token"]').get_attribute("content")
    for tail in ("/rotate", "/revoke", "/change", "/end-old"):
        sent = await their.request.post(
            f"{link}{tail}", headers={"X-CSRFToken": str(token)}, form={"name": "x"}
        )
        assert sent.status == 403, tail
    for path in ("/test/keys/new", f"{link}/created"):
        answer = await their.goto(path)
        assert answer is not None
        assert answer.status == 403, path
    server.execute(
        f"{join} AND user_id = {user}",
        "finance",
        partner.organization_id,
        theirs,
        other.owner_email,
    )
    answer = await their.goto("/test/keys/")
    assert answer is not None
    assert answer.status == 403
    await their.goto("/test/")
    await expect(their.get_by_role("link", name="API keys")).to_have_count(0)
    await context.close()
