"""The page of providers: the grid, its switches and markups, the last one, outages, and who may."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from privata.infra.sealing import Sealer
from privata.infra.settings import Settings
from privata.providers.port import Credentials
from privata.routing.adapters import sealed_credentials
from tests.browser.audit import PHONE
from tests.browser.conftest import Audit, OpenPage
from tests.browser.people import sign_in
from tests.browser.server import Server
from tests.browser.stock import Stock

LIVE = "/live/providers/"


@pytest.fixture
def exchanges(server: Server) -> Iterator[None]:
    """Three live providers that nobody calls: ChangeNOW is down, Exolix was, FixedFloat is new."""
    settings = Settings(_env_file=None, home=Path(server.environment["PRIVATA_HOME"]))
    sealer = Sealer(settings.key_material())
    for name, known in (("changenow", True), ("exolix", True), ("fixedfloat", False)):
        server.execute(
            "INSERT INTO provider (name, enabled, credentials, base_url, refresh_at, listed,"
            " listed_at) VALUES (%s, true, %s, 'http://127.0.0.1:9', now() + interval '1 day',"
            " '[]', CASE WHEN %s THEN now() END)",
            name,
            sealed_credentials(sealer, name, Credentials(key="none", secret="none")),
            known,
        )
    server.execute(
        "INSERT INTO provider_outage (id, provider_id, fault, began_at, ended_at) VALUES"
        " (gen_random_uuid(), 'changenow', 'timeout', now() - interval '10 minutes', NULL),"
        " (gen_random_uuid(), 'exolix', 'server_error', now() - interval '5 hours',"
        " now() - interval '3 hours')"
    )
    server.execute("UPDATE provider_outage SET seen_at = now() + interval '1 day', told_at = now()")
    yield
    for table in ("provider_outage", "provider", "partner_provider", "partner_markup"):
        server.execute(f"DELETE FROM {table}")


async def open_grid(page: Page) -> None:
    """The grid, once the server has read of all three: for a while it believes what it read."""
    pills = page.locator(".provider .pill", has_text="efunds")
    while True:
        await page.goto(LIVE)
        if await pills.count() == 3:
            return


async def test_the_grid_shows_what_there_is(
    signed_in_page: Page, exchanges: None, sweep_page: Audit
) -> None:
    page = signed_in_page
    await open_grid(page)
    await expect(page.get_by_role("link", name="Providers")).to_have_attribute(
        "aria-current", "page"
    )
    cards = page.locator(".provider")
    assert [await one.get_attribute("id") for one in await cards.all()] == [
        *("provider-changenow", "provider-exolix", "provider-fixedfloat")
    ]
    await expect(cards.nth(0)).to_contain_text("It does not respond in time.")
    await expect(cards.nth(1)).to_contain_text("last outage")
    await expect(cards.nth(2)).to_contain_text("It was just enabled")
    await expect(cards.nth(1)).to_contain_text("Refunds by ticket")
    await sweep_page(page)


async def test_a_provider_is_turned_off_and_on_and_marked_up(
    signed_in_page: Page, exchanges: None, server: Server, audit_page: Audit
) -> None:
    page = signed_in_page
    await open_grid(page)
    exolix = page.get_by_role("switch", name="Use exolix")
    await exolix.click()
    await expect(exolix).to_have_attribute("aria-checked", "false")
    await expect(page.get_by_text("2 of 3 on")).to_be_visible()
    await page.get_by_label("Default markup, %").fill("0.5")
    await page.get_by_role("button", name="Save default markup").click()
    await expect(page.get_by_text("Default markup: 0.5 %")).to_be_visible()
    await expect(page.locator("#provider-exolix")).to_contain_text("collects no markup")
    own = page.locator("#id_markup-fixedfloat")
    await own.fill("3.5")
    await page.get_by_role("button", name="Save markup for fixedfloat").click()
    await expect(page.locator("#id_markup-fixedfloat-error-1")).to_contain_text("from 0 to 3")
    await expect(own).to_have_value("3.5")
    await audit_page(page, allow=("422",))
    await own.fill("1,25")
    await page.get_by_role("button", name="Save markup for fixedfloat").click()
    await expect(own).to_have_value("1.25")
    await page.get_by_role("switch", name="Use exolix").click()
    await expect(exolix).to_have_attribute("aria-checked", "true")
    assert server.execute(
        "SELECT provider, enabled, markup_bps FROM partner_provider ORDER BY provider"
    ) == [
        ("exolix", True, None),
        ("fixedfloat", True, 125),
    ]
    assert server.execute("SELECT environment, markup_bps FROM partner_markup") == [("live", 50)]


async def test_the_last_one_asks_first_and_works_without_scripts(
    open_page: OpenPage, server: Server, shelf: Stock
) -> None:
    page = await open_page(java_script_enabled=False)
    try:
        await page.goto(server.path("providers/"))
        await page.get_by_role("switch", name="Use simulator").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Turn off simulator?")
        await expect(page.get_by_text("NO_PROVIDERS_AVAILABLE")).to_be_visible()
        await page.get_by_role("link", name="Cancel").click()
        switch = page.get_by_role("switch", name="Use simulator")
        await expect(switch).to_have_attribute("aria-checked", "true")
        await switch.click()
        await page.get_by_role("button", name="Turn off").click()
        await page.wait_for_url(server.path("providers/"))
        await expect(page.get_by_text("No provider is on")).to_be_visible()
        await page.get_by_role("switch", name="Use simulator").click()
        await expect(page.get_by_text("1 of 1 on")).to_be_visible()
    finally:
        server.execute("DELETE FROM partner_provider")


async def test_test_orders_run_on_the_simulator_and_the_page_says_so(
    signed_in_page: Page, server: Server, shelf: Stock, sweep_page: Audit
) -> None:
    page = signed_in_page
    await page.goto(server.path("providers/"))
    await expect(page.get_by_text("Test orders run on the simulator")).to_be_visible()
    await expect(page.locator(".figs").get_by_role("link")).to_contain_text("orders at simulator")
    await sweep_page(page)
    await page.goto(server.path("providers/simulator/off"))
    await sweep_page(page)
    await page.goto(server.path("providers/"))
    await page.get_by_role("link", name="View live providers").click()
    await expect(page.get_by_role("heading", name="No providers yet")).to_be_visible()
    await sweep_page(page)


async def test_home_names_the_provider_that_is_down(
    signed_in_page: Page, exchanges: None, server: Server
) -> None:
    page = signed_in_page
    answer = await page.goto("/live/fragments/attention")
    assert answer is not None
    assert answer.ok
    await page.get_by_role("link", name="Provider changenow is not responding").click()
    await page.wait_for_url("**/live/providers/#provider-changenow")


async def test_who_may_not_change_them_reads_them(
    open_page: OpenPage, exchanges: None, server: Server, sweep_page: Audit
) -> None:
    partner = server.organization("Juniper Swap", "owner@juniper.example")
    server.execute(
        "UPDATE membership SET role = 'developer' WHERE organization_id = %s::uuid",
        partner.organization_id,
    )
    page = await open_page(anonymous=True, size=PHONE)
    await sign_in(page, partner)
    await open_grid(page)
    await expect(page.locator("#provider-fixedfloat")).to_contain_text("default")
    await expect(page.locator("#provider-exolix")).to_contain_text("collects no markup")
    await expect(page.get_by_text("Owners and admins can change")).to_be_visible()
    await expect(page.get_by_role("switch")).to_have_count(0)
    await sweep_page(page)
