"""The sandbox from a partner's side: each scenario with its webhooks, in order, signed, once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from conftest import wait_for
from privata.apikeys.scopes import Scope
from privata.core.tenancy import Environment
from privata.events.bodies import unpacked
from privata.infra.context import AppContext
from privata.webhooks.signing.signatures import verify_privata
from privata.webhooks.tests.receivers import OK, Receiver, read_request, receiver
from privata.worker.main import work
from tests.conftest import ADDRESSES, Partner, mint

PATHS = {
    "success": ["waiting_deposit", "confirming", "exchanging", "sending", "completed"],
    "fail": ["waiting_deposit", "failed"],
    "refund": ["waiting_deposit", "confirming", "refund_required"],
    "stuck": ["waiting_deposit", "confirming"],
    "expire": ["waiting_deposit", "expired"],
    "late": ["waiting_deposit", "expired"],
}
BTC = "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2"


@dataclass
class Inbox:
    """What the partner's endpoint got: headers and the body as it came."""

    secret: str = ""
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    def events(self, order_id: str) -> list[dict[str, Any]]:
        bodies = [json.loads(body) for _, body in self.got]
        return [body for body in bodies if body["order"]["order_id"] == order_id]

    def states(self, order_id: str) -> list[str]:
        return [body["order"]["status"] for body in self.events(order_id)]


@dataclass
class Sandbox:
    """A partner with a test endpoint, and a worker that does its work."""

    partner: Partner
    inbox: Inbox

    async def order(self, scenario: str, ttl: int | None, **changes: Any) -> dict[str, Any]:
        if ttl is not None:
            changes["sandbox_ttl"] = ttl
        made = await self.partner.create(sandbox_scenario=scenario, **changes)
        assert made.status_code == 201, made.text
        found: dict[str, Any] = made.json()
        return found

    async def read(self, order_id: str) -> dict[str, Any]:
        found: dict[str, Any] = (await self.partner.get(f"/order/{order_id}")).json()
        return found

    async def reaches(self, order_id: str, states: list[str], *, seconds: float = 30) -> None:
        async def arrived() -> bool:
            return len(self.inbox.states(order_id)) >= len(states)

        await wait_for(arrived, seconds=seconds)
        assert self.inbox.states(order_id) == states


@pytest.fixture
async def sandbox(partner: Partner, ctx: AppContext) -> AsyncIterator[Sandbox]:
    inbox = Inbox()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head, _, body = (await read_request(reader)).partition(b"\r\n\r\n")
            lines = head.decode().split("\r\n")[1:]
            headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in lines)}
            inbox.got.append((headers, body))
            writer.write(OK)
            await writer.drain()

    async with receiver(script) as server:
        inbox.secret = await _endpoint(partner, ctx, server)
        task = asyncio.create_task(work(ctx))
        yield Sandbox(partner, inbox)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _endpoint(partner: Partner, ctx: AppContext, server: Receiver) -> str:
    key = await mint(ctx, partner.organization_id, Environment.TEST, Scope.WEBHOOK_ADMIN)
    url = f"http://localhost:{server.port}/hook"
    made = await partner.post("/webhook/endpoints", {"url": url, "alias": "Orders"}, key=key)
    assert made.status_code == 201, made.text
    return str(made.json()["secret"])


# A late order is told of on the ops channel too: see below.
@pytest.mark.parametrize("scenario", [name for name in PATHS if name != "late"])
async def test_each_scenario_tells_exactly_its_states(sandbox: Sandbox, scenario: str) -> None:
    order_id = (await sandbox.order(scenario, 0))["order_id"]
    await sandbox.reaches(order_id, PATHS[scenario])
    order = await sandbox.read(order_id)
    assert [entry["status"] for entry in order["timeline"]] == PATHS[scenario]
    assert order["sandbox"] is True
    events = sandbox.inbox.events(order_id)
    assert events[-1]["order"] == order
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert len({event["event_id"] for event in events}) == len(events)
    assert sandbox.inbox.secret.startswith("whsec_test_")
    for headers, body in sandbox.inbox.got:
        event = json.loads(body)
        assert event["sandbox"] is True
        assert event["event"] == f"order.{event['order']['status']}"
        assert headers["x-privata-event-id"] == event["event_id"]
        sent = datetime.fromisoformat(event["ts"]).timestamp()
        header = headers["x-privata-signature"]
        assert verify_privata(body, header, sandbox.inbox.secret, sent)


async def test_a_paced_path_keeps_to_its_time(sandbox: Sandbox) -> None:
    order_id = (await sandbox.order("success", 2))["order_id"]
    await sandbox.reaches(order_id, PATHS["success"])
    entries = (await sandbox.read(order_id))["timeline"]
    times = [datetime.fromisoformat(entry["at"]) for entry in entries]
    for number, at in enumerate(times):
        due = times[0] + timedelta(seconds=2) * number / 4
        # Never early; how late depends on how busy the machine is.
        assert at >= due - timedelta(milliseconds=1)


async def test_the_expire_scenario_keeps_to_expires_at(sandbox: Sandbox) -> None:
    order = await sandbox.order("expire", 1)
    created, expires = (datetime.fromisoformat(order[k]) for k in ("created_at", "expires_at"))
    assert expires - created == timedelta(seconds=1)
    await sandbox.reaches(order["order_id"], PATHS["expire"])
    last = (await sandbox.read(order["order_id"]))["timeline"][-1]
    assert datetime.fromisoformat(last["at"]) >= expires


@pytest.mark.parametrize("ttl", [0, 3])
async def test_a_late_deposit_can_be_seen_in_the_sandbox(sandbox: Sandbox, ttl: int) -> None:
    order_id = (await sandbox.order("late", ttl))["order_id"]

    async def settled() -> bool:
        found = (await sandbox.read(order_id))["late_deposit"]
        return found is not None and found["state"] == "refunded"

    await wait_for(settled, seconds=30)
    order = await sandbox.read(order_id)
    assert (order["status"], order["late_deposit"]["note"]) == ("expired", None)
    assert order["tx_in_hash"]
    assert order["tx_out_hash"]
    await sandbox.reaches(order_id, PATHS["late"])
    told = await sandbox.partner.ctx.database.pool.fetch(
        "SELECT body FROM event WHERE type = 'late_deposit' ORDER BY seq"
    )
    bodies = [json.loads(unpacked(row["body"])) for row in told]
    wanted = ["refunded"] if ttl == 0 else ["seen", "refunded"]
    assert [body["reason"] for body in bodies] == wanted
    assert all(body["sandbox"] for body in bodies)


@pytest.mark.parametrize(
    ("changes", "outcome"), [({"refund_address": BTC}, "refunded"), ({}, "manual_review")]
)
async def test_the_end_of_a_window_can_be_seen_in_the_sandbox(
    sandbox: Sandbox, changes: dict[str, Any], outcome: str
) -> None:
    # One second for each hour of the window; two hours are long enough for a test.
    order = await sandbox.order("refund", 1, **changes)
    await sandbox.partner.ctx.database.pool.execute(
        "UPDATE orders SET refund_window_hours = 2 WHERE id = $1", order["order_id"]
    )
    await sandbox.reaches(order["order_id"], [*PATHS["refund"], outcome])
    entries = {
        entry["status"]: datetime.fromisoformat(entry["at"])
        for entry in (await sandbox.read(order["order_id"]))["timeline"]
    }
    assert entries[outcome] - entries["refund_required"] >= timedelta(seconds=1.99)


async def test_a_refund_action_is_told(sandbox: Sandbox) -> None:
    order_id = (await sandbox.order("refund", 0))["order_id"]
    await sandbox.reaches(order_id, PATHS["refund"])
    answer = await sandbox.partner.post(
        f"/order/{order_id}/refund-action", {"refund_to_address": BTC}
    )
    assert answer.status_code == 200, answer.text
    await sandbox.reaches(order_id, [*PATHS["refund"], "refunded"])
    last = sandbox.inbox.events(order_id)[-1]
    assert last["event"] == "order.refunded"
    assert last["order"]["tx_out_hash"]
    assert BTC not in str(sandbox.inbox.got)


async def test_the_same_amounts_give_the_same_numbers(sandbox: Sandbox) -> None:
    quotes = [await sandbox.partner.quote() for _ in range(2)]
    fields = ("amount_from", "amount_to", "rate", "usd_value")
    assert [quotes[0][name] for name in fields] == [quotes[1][name] for name in fields]
    made = [
        await sandbox.order("success", 0, quote_id=quote["quote_id"], address=ADDRESSES["ETH"])
        for quote in quotes
    ]
    assert made[0]["amount_to_expected"] == made[1]["amount_to_expected"]
    # Addresses and hashes follow from the quote, and a quote makes one order.
    assert made[0]["deposit_address"] != made[1]["deposit_address"]
