"""The steps of onboarding, as a person takes them."""

from __future__ import annotations

from playwright.async_api import Page


async def company(page: Page, name: str) -> None:
    """The first step."""
    await page.get_by_label("Legal name").fill(name)
    await page.get_by_label("Registered in").select_option("CH")
    await page.get_by_text("Wallet", exact=True).click()
    await page.get_by_label("Website").fill("bell.example")
    await page.get_by_role("button", name="Save and continue").click()
    await page.wait_for_url("**/onboarding/volume")


async def volume(page: Page) -> None:
    """The second."""
    await page.get_by_label("Expected orders per month").select_option("under_1000")
    await page.get_by_text("API and webhooks", exact=True).click()
    await page.get_by_role("button", name="Save and continue").click()
    await page.wait_for_url("**/onboarding/jurisdictions")


async def jurisdictions(page: Page, *countries: str) -> None:
    """The third: where the end users are."""
    for country in countries:
        await page.get_by_label(country, exact=True).check()
    await page.get_by_label("We identify our customers").check()
    await page.get_by_role("button", name="Save and continue").click()
