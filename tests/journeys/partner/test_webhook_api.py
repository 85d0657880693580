"""Webhooks by API: endpoints, secrets, the log, recovery tools, and the feed of events."""

from __future__ import annotations

import asyncio
import json
import uuid
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from privata.apikeys.scopes import Scope
from privata.core.tenancy import Environment
from privata.events.bodies import unpacked
from privata.webhooks.recovery.recovering import recover_step
from privata.webhooks.tests.deliveries import GIVE_UP
from tests.conftest import Partner, mint

URL = "http://localhost:1/hook"
LONG_AGO = "2020-01-01T00:00:00Z"


@dataclass
class Admin:
    """The partner with a key that may configure webhooks."""

    partner: Partner
    key: str

    async def call(self, method: str, path: str, body: Any = None, **more: Any) -> httpx.Response:
        headers = {"X-API-Key": more.pop("key", self.key)} | more.pop("headers", {})
        return await self.partner.client.request(
            method, f"/webhook{path}", json=body, headers=headers, params=more
        )

    async def made(self, **changes: Any) -> dict[str, Any]:
        answer = await self.call("POST", "/endpoints", {"url": URL, "alias": "Orders"} | changes)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def log(self, **query: Any) -> list[dict[str, Any]]:
        answer = await self.call("GET", "/deliveries", **query)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["deliveries"]
        return found

    async def database(self, statement: str) -> None:
        await self.partner.ctx.database.pool.execute(statement)


@pytest.fixture
async def admin(partner: Partner) -> Admin:
    scopes = (Scope.WEBHOOK_ADMIN, Scope.ORDERS)
    key = await mint(partner.ctx, partner.organization_id, Environment.TEST, *scopes)
    return Admin(partner, key)


async def test_the_life_of_an_endpoint(admin: Admin) -> None:
    made = await admin.made(event_filter=["order.*"])
    assert made["secret"].startswith("whsec_test_")
    assert made["secret_hint"] == made["secret"][:16]
    path = f"/endpoints/{made['endpoint_id']}"
    shown = (await admin.call("GET", path)).json()
    assert "secret" not in shown
    assert {"endpoint_id", "alias", "url", "status", "event_filter"} <= set(shown)
    assert (await admin.call("GET", "/endpoints")).json() == {"endpoints": [shown]}
    changed = await admin.call(
        "PATCH", path, {"alias": "Mine", "event_filter": None, "schedule_s": [60, 600]}
    )
    assert changed.status_code == 200, changed.text
    now = changed.json()
    assert (now["alias"], now["event_filter"], now["schedule_s"]) == ("Mine", None, [60, 600])
    assert now["url"] == URL
    off = await admin.call("POST", f"{path}/disable")
    assert (off.status_code, off.json()["status"]) == (200, "disabled")
    assert (await admin.call("GET", path)).json()["status"] == "disabled"
    gone = await admin.call("DELETE", path)
    assert (gone.status_code, gone.json()["deleted_at"] is None) == (200, False)
    assert (await admin.call("GET", path)).status_code == 404
    assert (await admin.call("DELETE", path)).status_code == 404
    listed = (await admin.call("GET", "/endpoints")).json()["endpoints"]
    assert gone.json()["endpoint_id"] not in {one["endpoint_id"] for one in listed}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"url": "https://10.0.0.1/"}, "url"),
        ({"url": "https://user:pw@example.com/"}, "url"),
        ({"alias": ""}, "alias"),
        ({"event_filter": ["order.lost"]}, "event_filter"),
        ({"event_filter": []}, "event_filter"),
        ({"schedule_s": [60, 60]}, "schedule_s"),
        ({"pace_per_s": 0}, "pace_per_s"),
        ({"alias": None}, "alias"),
        ({"aliass": "x"}, "aliass"),
    ],
)
async def test_wrong_fields_are_named_and_change_nothing(
    admin: Admin, body: dict[str, Any], field: str
) -> None:
    made = await admin.made()
    answer = await admin.call("PATCH", f"/endpoints/{made['endpoint_id']}", {"alias": "B"} | body)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (422, "VALIDATION_ERROR"), error
    assert error["fields"][0]["field"] == field
    assert (await admin.call("GET", f"/endpoints/{made['endpoint_id']}")).json()[
        "alias"
    ] == "Orders"


async def test_scopes_and_strangers(admin: Admin) -> None:
    made = await admin.made()
    await admin.partner.create()
    (row,) = await admin.log()
    endpoint, delivery = made["endpoint_id"], row["delivery_id"]
    began = await admin.call("POST", "/recover", {"endpoint_id": endpoint, "since": LONG_AGO})
    calls: list[tuple[str, str, Any]] = [
        ("GET", f"/endpoints/{endpoint}", None),
        ("PATCH", f"/endpoints/{endpoint}", {"alias": "x"}),
        ("POST", f"/endpoints/{endpoint}/disable", None),
        ("DELETE", f"/endpoints/{endpoint}", None),
        ("POST", f"/endpoints/{endpoint}/rotate-secret", {}),
        ("POST", f"/endpoints/{endpoint}/test", None),
        ("GET", f"/endpoints/{endpoint}/undelivered", None),
        ("POST", "/resume", {"endpoint_id": endpoint}),
        ("POST", f"/deliveries/{delivery}/retry", None),
        ("POST", f"/deliveries/{delivery}/replay", None),
        ("POST", "/recover", {"endpoint_id": endpoint, "since": LONG_AGO}),
        ("GET", f"/recoveries/{began.json()['recovery_id']}", None),
        ("DELETE", f"/recoveries/{began.json()['recovery_id']}", None),
    ]
    live = await mint(
        admin.partner.ctx,
        admin.partner.organization_id,
        Environment.LIVE,
        Scope.WEBHOOK_ADMIN,
    )
    for method, path, body in calls:
        answer = await admin.call(method, path, body, key=admin.partner.test_key)
        assert (answer.status_code, answer.json()["error"]["scope"]) == (403, "webhook:admin")
        answer = await admin.call(method, path, body, key=live)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NOT_FOUND")
    assert await admin.log() == [row]
    assert (await admin.call("GET", "/endpoints", key=live)).json() == {"endpoints": []}
    assert (await admin.call("GET", "/deliveries", key=live)).json()["deliveries"] == []
    for path in ("/endpoints/x", f"/endpoints/{uuid.uuid4()}", "/recoveries/x"):
        assert (await admin.call("GET", path)).status_code == 404


async def test_a_creation_is_repeated_with_its_secret_which_is_not_kept_open(admin: Admin) -> None:
    headers = {"Idempotency-Key": "make-it-once"}
    body = {"url": URL, "alias": "Orders"}
    answers = await asyncio.gather(
        *(admin.call("POST", "/endpoints", body, headers=headers) for _ in range(3))
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    replayed = [one for one in answers if one.headers.get("Idempotent-Replayed") == "true"]
    assert len(replayed) == 2
    assert len((await admin.call("GET", "/endpoints")).json()["endpoints"]) == 1
    kept = await admin.partner.ctx.database.pool.fetchval("SELECT body FROM idempotency_key")
    assert answers[0].json()["secret"].encode() not in kept
    other = await admin.call("POST", "/endpoints", body | {"alias": "B"}, headers=headers)
    assert (other.status_code, other.json()["error"]["code"]) == (409, "IDEMPOTENCY_CONFLICT")


async def test_rotating_a_secret(admin: Admin) -> None:
    made = await admin.made()
    path = f"/endpoints/{made['endpoint_id']}/rotate-secret"
    headers = {"Idempotency-Key": "turn"}
    first = await admin.call("POST", path, headers=headers)
    assert first.status_code == 200, first.text
    assert first.json()["secret"] not in ("", made["secret"])
    again = await admin.call("POST", path, headers=headers)
    assert (again.content, again.headers["Idempotent-Replayed"]) == (first.content, "true")
    second = await admin.call("POST", path, {"overlap_s": 0})
    assert (second.status_code, second.json()["error"]["code"]) == (409, "VALIDATION_ERROR")
    shown = (await admin.call("GET", f"/endpoints/{made['endpoint_id']}")).json()
    assert shown["old_secret_expires_at"] == first.json()["old_secret_expires_at"]
    assert shown["secret_hint"] == first.json()["secret"][:16]


async def test_the_log_its_filters_and_pages(admin: Admin) -> None:
    made = await admin.made()
    orders = [(await admin.partner.create()).json()["order_id"] for _ in range(3)]
    tested = await admin.call("POST", f"/endpoints/{made['endpoint_id']}/test")
    assert (tested.status_code, tested.json()["held"]) == (201, False)
    rows = await admin.log()
    assert [row["order_id"] for row in rows] == [None, *reversed(orders)]
    assert rows[0]["delivery_id"] == tested.json()["delivery_id"]
    assert {row["status"] for row in rows} == {"pending"}
    seen, cursor = [], None
    while True:
        query = {"limit": 3} | ({"cursor": cursor} if cursor else {})
        page = (await admin.call("GET", "/deliveries", **query)).json()
        seen += page["deliveries"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == rows
    assert len(await admin.log(order_id=orders[0])) == 1
    assert len(await admin.log(event_type="webhook.test")) == 1
    assert await admin.log(status="delivered") == []
    assert await admin.log(since="2099-01-01T00:00:00Z") == []
    assert len(await admin.log(until="2099-01-01T00:00:00Z", status="undelivered")) == 4
    assert len(await admin.log(endpoint_id=made["endpoint_id"], status="pending")) == 4
    owed = await admin.call("GET", f"/endpoints/{made['endpoint_id']}/undelivered", limit=2)
    assert [one["order_id"] for one in owed.json()["undelivered"]] == orders[:2]
    wrong: dict[str, str]
    for wrong in (
        {"status": "lost"},
        {"cursor": "x"},
        {"since": "2020-01-01T00:00"},
        {"limit": "0"},
    ):
        assert (await admin.call("GET", "/deliveries", **wrong)).status_code == 422


async def test_retry_replay_recover(admin: Admin) -> None:
    made = await admin.made()
    await admin.partner.create()
    (row,) = await admin.log()
    await admin.database(GIVE_UP.format(where="true", attempts=8))
    body = {"endpoint_id": made["endpoint_id"], "since": LONG_AGO}
    headers = {"Idempotency-Key": "again"}
    began = await admin.call("POST", "/recover", body, headers=headers)
    assert (began.status_code, began.json()["total"]) == (201, 1)
    repeated = await admin.call("POST", "/recover", body, headers=headers)
    assert repeated.json() == began.json()
    busy = await admin.call("POST", "/recover", body)
    error = busy.json()["error"]
    assert (busy.status_code, error["recovery_id"]) == (409, began.json()["recovery_id"])
    assert await recover_step(admin.partner.ctx)
    path = f"/recoveries/{began.json()['recovery_id']}"
    now = (await admin.call("GET", path)).json()
    assert (now["status"], now["queued"], now["delivered"]) == ("running", 1, 0)
    ended = (await admin.call("DELETE", path)).json()
    assert (ended["status"], ended["finished_at"] is None) == ("cancelled", False)

    path = f"/deliveries/{row['delivery_id']}"
    headers = {"Idempotency-Key": "retry"}
    retried = await admin.call("POST", f"{path}/retry", headers=headers)
    assert (retried.status_code, retried.json()["status"]) == (202, "pending")
    assert retried.json()["retry_of"] == row["delivery_id"] != retried.json()["delivery_id"]
    repeated = await admin.call("POST", f"{path}/retry", headers=headers)
    assert repeated.json() == retried.json()
    twice = await admin.call("POST", f"{path}/retry")
    assert twice.status_code == 409
    assert twice.json()["error"]["delivery_id"] == retried.json()["delivery_id"]
    (old,) = await admin.log(status="retried")
    assert old["retried_as"] == retried.json()["delivery_id"]
    headers = {"Idempotency-Key": "copy"}
    copies = [await admin.call("POST", f"{path}/replay", headers=headers) for _ in range(2)]
    assert copies[0].json() == copies[1].json()
    for _ in range(9):
        assert (await admin.call("POST", f"{path}/replay")).status_code == 201
    much = await admin.call("POST", f"{path}/replay")
    assert (much.status_code, much.json()["error"]["code"]) == (429, "RATE_LIMITED")
    assert int(much.headers["Retry-After"]) > 0


async def test_resuming(admin: Admin) -> None:
    first, second = await admin.made(), await admin.made()
    answer = await admin.call("POST", "/resume")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "WEBHOOK_PAUSED")
    await admin.database(
        "UPDATE webhook_endpoint SET status = 'paused', paused_at = now(),"
        " paused_reason = 'failures'"
    )
    await admin.partner.create()
    assert {row["status"] for row in await admin.log()} == {"held"}
    assert len(await admin.log(status="held")) == 2
    one = await admin.call("POST", "/resume", {"endpoint_id": first["endpoint_id"]})
    assert [done["endpoint_id"] for done in one.json()["resumed"]] == [first["endpoint_id"]]
    again = await admin.call("POST", "/resume", {"endpoint_id": first["endpoint_id"]})
    assert again.status_code == 409
    rest = await admin.call("POST", "/resume", {})
    assert [done["endpoint_id"] for done in rest.json()["resumed"]] == [second["endpoint_id"]]


async def test_the_feed_has_the_bytes_of_the_webhooks(admin: Admin) -> None:
    order_id = (await admin.partner.create()).json()["order_id"]
    bodies = await admin.partner.ctx.database.pool.fetch("SELECT body FROM event ORDER BY seq")
    webhook_key = await mint(
        admin.partner.ctx,
        admin.partner.organization_id,
        Environment.TEST,
        Scope.WEBHOOK_ADMIN,
    )
    for key in (admin.partner.test_key, webhook_key):
        answer = await admin.partner.get("/events", key=key)
        assert answer.status_code == 200, answer.text
        assert unpacked(bodies[0]["body"]) in answer.content
        page = answer.json()
        (event,) = page["events"]
        assert (event["type"], event["order_id"]) == ("order.waiting_deposit", order_id)
        assert event["body"] == json.loads(unpacked(bodies[0]["body"]))
        assert page["last"].split(".")[::2] == ["00000000", str(event["seq"])]
        assert page["more"] is False
    rest = (await admin.partner.get("/events", after=page["last"], limit=1)).json()
    assert rest == {"events": [], "last": page["last"], "more": False}
    payouts = await mint(
        admin.partner.ctx, admin.partner.organization_id, Environment.TEST, Scope.PAYOUTS_READ
    )
    assert (await admin.partner.get("/events", key=payouts)).status_code == 403
    here = page["last"].rpartition(".")[0]
    for after in ("-1", "x", "1", f"{here}.999999", f"{here}.{2**63}", f"{here}.01"):
        assert (await admin.partner.get("/events", after=after)).status_code == 422
    # Of a release before numbers.
    old = await admin.partner.get("/events", after="00000000.1")
    assert (old.status_code, old.json()["error"]["code"]) == (410, "RESYNC")
    assert (await admin.partner.get("/events", limit=501)).status_code == 422
    live = (await admin.partner.get("/events", key=admin.partner.live_key)).json()
    assert live["events"] == []
