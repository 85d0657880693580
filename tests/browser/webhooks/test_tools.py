"""The webhook tools in a browser: test events, rotation, replay, recovery, bulk, settings."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Page, expect

from privata.webhooks.tests.deliveries import GIVE_UP
from tests.browser.audit import audit, complaints_of
from tests.browser.server import Server
from tests.browser.webhooks.receiver import LIVE_MS, Receiver, add_endpoint, add_failing


def id_of(address: str) -> str:
    return address.rpartition("/")[2]


async def menu(page: Page, name: str) -> None:
    await page.get_by_role("button", name="More actions").click()
    await page.get_by_role("link", name=name).click()


async def give_up(page: Page, server: Server, receiver: Receiver, name: str) -> str:
    """An endpoint whose deliveries were given up, as after a day of failures."""
    address = await add_failing(page, server, receiver, name)
    server.execute(
        GIVE_UP.format(where="endpoint_id = %s AND attempts > 0", attempts=8),
        id_of(address),
    )
    return address


async def test_a_url_is_judged_while_it_is_typed(
    signed_in_page: Page, server: Server, receiver: Receiver
) -> None:
    page = signed_in_page
    await page.goto(server.path("webhooks/new?channel=ops"))
    url = page.get_by_label("URL", exact=True)
    check = page.locator("#url-check")
    for refused in ("http://example.com/x", "https://10.0.0.1/hook"):
        await url.fill(refused)
        await expect(check.locator(".error")).to_be_visible(timeout=LIVE_MS)
    await audit(page)
    await url.fill(receiver.hook)
    await expect(check.locator(".good")).to_be_visible(timeout=LIVE_MS)
    await audit(page)
    await url.fill("")
    await expect(check.locator(".good")).to_have_count(0)


async def test_a_test_event_shows_its_outcome_in_place(
    signed_in_page: Page, server: Server, receiver: Receiver
) -> None:
    page = signed_in_page
    await add_endpoint(page, server, receiver, "Tested")
    await page.get_by_role("button", name="Send test event").click()
    outcome = page.locator("#test-outcome")
    await expect(outcome).to_contain_text("delivered on the first attempt", timeout=LIVE_MS)
    await audit(page)
    receiver.behave("fail", status=503)
    await page.get_by_role("button", name="Send test event").click()
    await expect(outcome).to_contain_text("Your server returned 503", timeout=LIVE_MS)
    await audit(page)
    await outcome.get_by_role("link", name="View delivery").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("webhook.test")
    assert complaints_of(page) == []


async def test_a_secret_is_rotated_and_the_old_one_ended(
    signed_in_page: Page, server: Server, receiver: Receiver
) -> None:
    page = signed_in_page
    address = await add_endpoint(page, server, receiver, "Rotated")
    await menu(page, "Rotate secret")
    await expect(page.get_by_role("radio", name=re.compile("^5 minutes"))).to_be_checked()
    await audit(page)
    await page.get_by_role("button", name="Create new secret").click()
    dialog = page.get_by_role("dialog", name="Your new signing secret")
    new = await dialog.locator("#secret-secret").inner_text()
    assert new.startswith("whsec_test_")
    await audit(page)
    await dialog.get_by_label("I have copied this").check()
    await dialog.get_by_role("button", name="Done").click()
    await expect(page.locator("count-down")).to_contain_text(re.compile("[45]m"))
    assert new not in await page.content()
    await audit(page)
    await page.goto(f"{address}/secret/rotate")
    await expect(page.get_by_text("Rotation in progress")).to_be_visible()
    await audit(page)
    await page.goto(f"{address}/secret")
    await page.get_by_role("button", name="End old secret now").click()
    await page.get_by_role("dialog").get_by_role("button", name="End secret").click()
    await expect(page.locator("count-down")).to_have_count(0)
    await expect(page.get_by_role("link", name="Rotate secret").first).to_be_attached()


async def test_a_replay_is_a_new_delivery_of_the_same_event(
    signed_in_page: Page, server: Server, receiver: Receiver
) -> None:
    page = signed_in_page
    address = await add_endpoint(page, server, receiver, "Replayed")
    server.create_order()
    await page.goto(address)
    row = page.locator("#log-table tbody tr", has_text="Delivered").first
    await expect(row).to_be_visible(timeout=LIVE_MS)
    await row.get_by_role("link").click()
    sheet = page.locator("#drawer article")
    await sheet.locator("#delivery-actions").get_by_role("link", name="Replay").click()
    dialog = page.get_by_role("dialog", name="Replay this event?")
    await expect(dialog).to_contain_text("10 replays left")
    await audit(page)
    await dialog.get_by_role("button", name="Cancel").click()
    await expect(dialog).to_be_hidden()
    await expect(sheet).to_be_visible()
    await sheet.locator("#delivery-actions").get_by_role("link", name="Replay").click()
    await dialog.get_by_role("button", name="Replay", exact=True).click()
    await expect(page.get_by_text("Replay of the event in")).to_be_visible()
    await expect(page.locator(".notice").first).to_contain_text("Delivered", timeout=LIVE_MS)
    await audit(page)


async def test_what_was_missed_is_recovered(
    signed_in_page: Page, server: Server, receiver: Receiver
) -> None:
    page = signed_in_page
    address = await give_up(page, server, receiver, "Recovered")
    receiver.behave("ok")
    await page.goto(f"{address}/recover")
    await expect(page.locator("#estimate")).to_contain_text("missed since")
    await page.get_by_label("The last hour").check()
    await audit(page)
    await page.locator("#estimate").get_by_role("button").click()
    await page.wait_for_url(address)
    rows = page.locator("#log-table tbody tr", has_text="(replay)")

    async def arrived() -> None:
        await page.reload()
        await expect(rows.filter(has_text="Delivered").first).to_be_visible(timeout=4000)

    for _ in range(4):
        try:
            await arrived()
        except AssertionError:
            continue
        break
    # The first has arrived; the others may be on their way.
    missed = page.locator("#log-table tbody tr")
    for _ in range(20):
        await page.goto(f"{address}?status=undelivered")
        if await missed.count() == 0:
            break
        await page.wait_for_timeout(500)
    await expect(missed).to_have_count(0)
    await page.goto(f"{address}/recover")
    await expect(page.get_by_role("heading", name="Past recoveries")).to_be_visible()
    await audit(page)


async def test_a_recovery_can_be_cancelled(
    signed_in_page: Page, server: Server, receiver: Receiver
) -> None:
    page = signed_in_page
    address = await add_endpoint(page, server, receiver, "Cancelled")
    server.execute(
        "INSERT INTO webhook_recovery (id, organization_id, environment, endpoint_id, since, "
        "total, created_by, next_at) SELECT gen_random_uuid(), organization_id, environment, id, "
        "now() - interval '1 hour', 40, 'ada@acme.example', now() + interval '1 hour' "
        "FROM webhook_endpoint WHERE id = %s",
        id_of(address),
    )
    await page.goto(address)
    await expect(page.get_by_text("Recovering events missed")).to_be_visible()
    await audit(page)
    await page.get_by_role("button", name="Cancel", exact=True).click()
    await expect(page.get_by_text("Recovering events missed")).to_have_count(0)
    assert complaints_of(page) == []


async def test_rows_are_chosen_and_retried(
    signed_in_page: Page, server: Server, receiver: Receiver
) -> None:
    page = signed_in_page
    address = await give_up(page, server, receiver, "Chosen")
    receiver.behave("ok")
    await page.goto(f"{address}?status=failed")
    await page.locator("#log-table tbody input[type=checkbox]").first.check()
    bar = page.get_by_role("region", name="Bulk actions")
    await expect(bar).to_contain_text("1 selected")
    await audit(page)
    await bar.get_by_role("link", name="Retry all matching").click()
    await expect(page.get_by_text("Can be retried")).to_be_visible()
    await audit(page)
    await page.get_by_role("link", name="Cancel").click()
    await page.locator("#log-table tbody input[type=checkbox]").first.check()
    await bar.get_by_role("button", name="Retry now").click()
    await expect(page.locator("#toasts")).to_contain_text("Retrying 1 delivery")
    await page.goto(address)
    await expect(page.locator("tbody tr", has_text="Delivered").first).to_be_visible(
        timeout=LIVE_MS
    )
    await page.goto(f"{server.path('webhooks/deliveries/retry-matching')}?status=delivered")
    await expect(page.get_by_role("link", name="Back")).to_be_visible()


async def test_how_an_endpoint_is_sent_to_is_its_own(
    signed_in_page: Page, server: Server, receiver: Receiver
) -> None:
    page = signed_in_page
    address = await add_endpoint(page, server, receiver, "Tuned")
    await page.goto(f"{address}/settings")
    retries = page.get_by_label("Retries after the first attempt")
    await retries.fill("soon")
    await page.get_by_role("button", name="Save changes").click()
    await expect(page.locator("#id_schedule-error-1")).to_contain_text("is not a time")
    await audit(page, allow=("422",))
    await retries.fill("5m, 1m")
    await page.get_by_role("button", name="Save changes").click()
    await expect(page.locator("#id_schedule-error-1")).to_be_visible()
    await retries.fill("30s, 2m, 1h")
    await page.get_by_label("Strict ordering").check()
    await page.get_by_label("Maximum deliveries per second").fill("5")
    await page.get_by_text("Selected events").click()
    await page.get_by_label("order.* (all, including future types)").check()
    await page.get_by_role("button", name="Save changes").click()
    await expect(page.locator("#toasts")).to_contain_text("Changes saved")
    await expect(retries).to_have_value("30s, 2m, 1h")
    await expect(page.get_by_label("Strict ordering")).to_be_checked()
    await expect(page.get_by_label("order.* (all, including future types)")).to_be_checked()
    complaints_of(page)
    await audit(page)


async def test_a_pasted_header_is_taken_apart(
    signed_in_page: Page, server: Server, receiver: Receiver
) -> None:
    page = signed_in_page
    await add_failing(page, server, receiver, "Debugged")
    await page.locator("tbody tr", has_text="Retrying").first.get_by_role("link").click()
    sheet = page.locator("#drawer article")
    await sheet.get_by_role("tab", name="Signature").click()
    await sheet.get_by_label("Paste the header").fill(f"t=1700000000,v1={'A' * 43}=")
    await sheet.get_by_role("button", name="Check signature").click()
    findings = sheet.locator("#findings")
    await expect(findings).to_contain_text("This header is not valid")
    await expect(findings).to_contain_text("Does not match this attempt")
    await expect(findings).to_contain_text("matches none of this endpoint's secrets")
    await audit(page)


_PAUSES = {
    "failures": (
        "paused_reason = 'failures', failures = array_fill(now(), ARRAY[50])",
        "50 attempts failed within 6 hours",
    ),
    "gone": ("paused_reason = 'gone'", "410 Gone"),
    "manual": ("paused_reason = 'manual', paused_by = 'ada@acme.example'", "ada@acme.example"),
    "probe": ("paused_reason = 'gone', probed_at = now()", "The probe failed"),
}


@pytest.mark.parametrize("reason", _PAUSES)
async def test_every_reason_of_a_pause_has_its_banner(
    signed_in_page: Page, server: Server, receiver: Receiver, reason: str
) -> None:
    page = signed_in_page
    address = await add_endpoint(page, server, receiver, f"Paused {reason}")
    changes, sentence = _PAUSES[reason]
    server.execute(
        f"UPDATE webhook_endpoint SET status = 'paused', paused_at = now(), {changes}, "
        "last_error = 'http_error 503: Your server says it is unavailable.' WHERE id = %s",
        id_of(address),
    )
    server.create_order()
    await page.goto(address)
    await expect(page.locator(".banner")).to_contain_text(sentence)
    await page.get_by_text("How pausing and resuming work").click()
    await expect(page.locator(".banner")).to_contain_text("50 attempts fail within 6 hours")
    await audit(page)


async def test_resuming_shows_how_far_it_is(
    signed_in_page: Page, server: Server, receiver: Receiver
) -> None:
    page = signed_in_page
    address = await add_endpoint(page, server, receiver, "Resuming")
    receiver.behave("hang")
    server.execute(
        "UPDATE webhook_endpoint SET status = 'paused', paused_at = now(), "
        "paused_reason = 'manual' WHERE id = %s",
        id_of(address),
    )
    server.create_order()
    order = server.create_order()
    await page.goto(address)
    await page.get_by_role("button", name="Resume and send").click()
    banner = page.locator(".banner")
    await expect(banner).to_contain_text("Resuming: sending a probe", timeout=LIVE_MS)
    await expect(page.locator("tbody tr", has_text="Held").first).to_be_visible(timeout=LIVE_MS)
    await audit(page)
    await expect(banner).to_contain_text("The probe failed", timeout=LIVE_MS)
    receiver.behave("ok")
    await page.get_by_role("button", name="Resume and send").click()
    row = page.locator("tbody tr", has_text=order[-8:]).first
    await expect(row).to_contain_text("Delivered", timeout=LIVE_MS)
    await expect(banner).to_have_count(0, timeout=LIVE_MS)
    assert complaints_of(page) == []
