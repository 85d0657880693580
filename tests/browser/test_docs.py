"""The documentation in a browser: open to all, readable, and searchable."""

from __future__ import annotations

import httpx
import pytest
from playwright.async_api import expect

from tests.browser.audit import PHONE, thin_out
from tests.browser.conftest import Audit, OpenPage
from tests.browser.server import Server


async def test_the_index_leads_to_every_guide(
    open_page: OpenPage, server: Server, sweep_page: Audit
) -> None:
    page = await open_page(anonymous=True)
    await page.goto("/docs")
    await sweep_page(page)
    links = await page.locator(".docs-card").evaluate_all("(all) => all.map((one) => one.href)")
    assert len(links) > 5
    with httpx.Client() as client:
        for link in links:
            assert client.get(link).status_code == 200, link


@pytest.mark.parametrize("slug", ["webhooks", "errors"])
async def test_a_guide(open_page: OpenPage, sweep_page: Audit, slug: str) -> None:
    page = await open_page(anonymous=True)
    await page.goto(f"/docs/{slug}")
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    await sweep_page(page)


async def test_the_reference(open_page: OpenPage, sweep_page: Audit) -> None:
    page = await open_page(anonymous=True)
    await page.goto("/docs/api#createOrder")
    section = page.locator("#createOrder")
    await expect(section.get_by_text("/partner/v1/order/create").first).to_be_visible()
    await expect(section.get_by_text("QUOTE_EXPIRED")).to_be_visible()
    # Every operation is made of the same parts, and the whole page takes axe half a minute.
    await thin_out(page)
    assert 2 <= await page.locator("section.op").count() < 40
    await sweep_page(page)


async def test_the_reference_on_a_phone(open_page: OpenPage) -> None:
    page = await open_page(anonymous=True, size=PHONE)
    await page.goto("/docs/api")
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    menu = page.get_by_text("All operations")
    await menu.click()
    await page.get_by_role("link", name="Create order POST").click()
    await expect(page.locator("#createOrder")).to_be_in_viewport()
    await expect(page.get_by_placeholder("Find an operation")).to_be_hidden()


async def test_finding_an_operation(open_page: OpenPage) -> None:
    page = await open_page(anonymous=True)
    await page.goto("/docs/api")
    await page.keyboard.press("/")
    find = page.get_by_placeholder("Find an operation")
    await expect(find).to_be_focused()
    await find.fill("rotate sec")
    shown = page.locator(".docs-nav [data-words]:visible")
    await expect(shown).to_have_count(1)
    await find.press("Enter")
    await expect(page.locator("#rotateSecret")).to_be_in_viewport()
    await find.fill("zzz")
    await expect(page.get_by_text("No matching operations.")).to_be_visible()
    await find.press("Escape")
    assert await shown.count() > 20


async def test_the_language_is_kept_everywhere(open_page: OpenPage) -> None:
    page = await open_page(anonymous=True)
    await page.goto("/docs/api#estimate")
    await page.locator("#estimate").get_by_role("tab", name="Python").click()
    other = page.locator("#createOrder").get_by_role("tab", name="Python")
    await expect(other).to_have_attribute("aria-selected", "true")
    await page.reload()
    await expect(other).to_have_attribute("aria-selected", "true")


async def test_fields_open(open_page: OpenPage) -> None:
    page = await open_page(anonymous=True)
    await page.goto("/docs/api#createOrder")
    fields = page.locator("#createOrder .field-open").first
    inner = fields.get_by_text("convert_to_stable_target", exact=True).first
    await expect(inner).to_be_hidden()
    await fields.locator("summary").first.click()
    await expect(inner).to_be_visible()


async def test_it_reads_without_scripts(open_page: OpenPage) -> None:
    page = await open_page(anonymous=True, java_script_enabled=False)
    await page.goto("/docs/api")
    section = page.locator("#createOrder")
    await expect(section.get_by_text("import httpx")).to_be_visible()
    await expect(section.get_by_text("await fetch")).to_be_visible()
    await expect(page.get_by_role("link", name="Create order").first).to_be_visible()


async def test_those_who_are_signed_in_come_from_and_go_to_the_dashboard(
    open_page: OpenPage, server: Server
) -> None:
    page = await open_page()
    await page.goto("/test/")
    await (
        page.get_by_role("navigation", name="Main", exact=True)
        .get_by_role("link", name="Docs")
        .click()
    )
    await expect(page).to_have_url(f"{server.base_url}/docs")
    await page.get_by_role("link", name="Dashboard").click()
    await expect(page).to_have_url(f"{server.base_url}/test/")


def test_what_machines_read(server: Server) -> None:
    with httpx.Client(base_url=server.base_url) as client:
        document = client.get("/docs/api/openapi.json")
        assert document.json() == client.get("/partner/v1/openapi.json").json()
        assert "public" in document.headers["Cache-Control"]
        assert client.get("/docs/api/privata.postman_collection.json").json()["item"]
        assert client.get("/docs/api/privata.bruno.zip").content.startswith(b"PK")
        listed = client.get("/llms.txt").text
        assert f"{server.base_url}/docs/webhooks.md" in listed
        assert client.get("/docs/webhooks.md").text.startswith("# Webhooks")
        for path in ("/docs/none", "/docs/none.md", "/docs/../settings", "/docs/decisions"):
            assert client.get(path).status_code == 404, path
