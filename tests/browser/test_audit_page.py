"""The audit log in a browser: what was done, by whom, what it changed, and the verification."""

from __future__ import annotations

import json

import pytest
import pytest_asyncio
from playwright.async_api import Page, StorageState, expect

from tests.browser.conftest import Audit, OpenPage
from tests.browser.people import Sessions
from tests.browser.server import Credentials, Server


@pytest.fixture(scope="module")
def partner(server: Server) -> Credentials:
    """An organization whose log holds what this module does and nothing else."""
    return server.organization("Ledger Wallet", "owner@ledger.example")


@pytest_asyncio.fixture(loop_scope="session")
async def signed_in(sessions: Sessions, partner: Credentials) -> StorageState:
    return await sessions.of(partner)


async def test_the_log_holds_the_rules_everywhere(
    signed_in_page: Page, sweep_page: Audit, audit_page: Audit
) -> None:
    page = signed_in_page
    await page.goto("/test/audit/")
    await expect(page.get_by_role("link", name="organization.created")).to_be_visible()
    await sweep_page(page)
    await page.set_viewport_size({"width": 1440, "height": 900})
    await page.get_by_role("link", name="organization.created").click()
    await expect(page.get_by_role("heading", name="What changed")).to_be_visible()
    await expect(page.get_by_role("rowheader", name="Owner")).to_be_visible()
    await sweep_page(page)
    await page.goto(page.url)
    await expect(page.get_by_role("heading", name="What changed")).to_be_visible()
    await page.goto("/test/audit/1")
    await sweep_page(page)
    await page.goto("/test/audit/verify")
    await audit_page(page)


async def test_filters_narrow_and_are_kept_in_the_address(signed_in_page: Page) -> None:
    page = signed_in_page
    await page.goto("/test/audit/")
    await page.get_by_role("button", name="Action", exact=True).click()
    await page.get_by_role("link", name="api_key.created", exact=True).first.click()
    await page.wait_for_url("**/test/audit/?action=api_key.created")
    rows = page.locator("tbody tr")
    await expect(rows).to_have_count(2)
    await page.get_by_role("searchbox", name="Who").fill("nobody@nowhere.example")
    await page.get_by_role("searchbox", name="Who").press("Enter")
    await expect(page.get_by_role("heading", name="No matching entries")).to_be_visible()
    await page.get_by_role("link", name="Clear filters").click()
    await expect(page.get_by_role("link", name="organization.created")).to_be_visible()


async def test_the_chain_is_verified_in_place(signed_in_page: Page) -> None:
    page = signed_in_page
    await page.goto("/test/audit/")
    await page.get_by_role("link", name="Verify chain").click()
    await expect(page.get_by_text("The chain is intact")).to_be_visible()
    assert page.url.endswith("/test/audit/")


async def test_an_export_is_a_file_and_an_entry(signed_in_page: Page) -> None:
    page = signed_in_page
    await page.goto("/test/audit/?action=api_key.created")
    await page.get_by_role("button", name="Export").click()
    async with page.expect_download() as waiting:
        await page.get_by_role("button", name="JSON lines").click()
    download = await waiting.value
    assert download.suggested_filename == "audit.ndjson"
    lines = (await download.path()).read_text().splitlines()
    assert {json.loads(line)["action"] for line in lines} == {"api_key.created"}
    await page.goto("/test/audit/?action=audit.exported")
    await expect(page.get_by_role("link", name="audit.exported").first).to_be_visible()


async def test_another_organizations_entries_do_not_exist(
    signed_in_page: Page, server: Server
) -> None:
    page = signed_in_page
    stranger = server.organization("Other Wallet", "owner@other.example")
    await page.goto("/test/audit/?actor=other.example")
    await expect(page.get_by_role("heading", name="No matching entries")).to_be_visible()
    await page.goto(f"/test/audit/?target={stranger.organization_id}")
    await expect(page.get_by_role("heading", name="No matching entries")).to_be_visible()
    answer = await page.goto("/test/audit/999999")
    assert answer is not None
    assert answer.status == 404


async def test_it_works_without_scripts(open_page: OpenPage) -> None:
    page = await open_page(java_script_enabled=False)
    await page.goto("/test/audit/")
    await page.get_by_role("link", name="organization.created").click()
    await expect(page.get_by_role("heading", name="What changed")).to_be_visible()
    await page.goto("/test/audit/")
    await page.get_by_role("link", name="Verify chain").click()
    await expect(page.get_by_text("The chain is intact")).to_be_visible()
