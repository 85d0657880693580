"""The `webhooks` section of the OpenAPI document: every event, its payload and its headers.

Examples of ops events come from the functions that make the real ones.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from privata.core.clock import unix_ms
from privata.core.lifecycle import PATH, OrderStatus
from privata.core.tenancy import Environment
from privata.events import ops_events
from privata.events.service import NewEvent
from privata.webhooks.recovery.sending_tests import TEST_TYPE
from privata.webhooks.signing.signatures import USER_AGENT

Json = dict[str, Any]

_NOW: Final = datetime(2026, 5, 21, 10, 14, 1, tzinfo=UTC)
_TEST: Final = Environment.TEST
_ENDPOINT: Final = UUID("6f1c2b54-9a0d-4c57-8b1e-2d9c4f7a1e35")
_NAME: Final = "Order events"
_URL: Final = "https://wallet.example.com/hooks/privata"
_MOMENT: Final[Json] = {"type": "string", "format": "date-time"}
_TEXT: Final[Json] = {"type": "string"}
_ALIAS: Final = _TEXT | {"description": "the name of the endpoint in the dashboard"}
_ID: Final[Json] = {"type": "string", "format": "uuid"}
_COUNT: Final[Json] = {"type": "integer", "minimum": 0}


def _maybe(schema: Json) -> Json:
    return schema | {"type": [schema["type"], "null"]}


#: What each status of an order means to the one who is told.
_ORDER_WORDS: Final[dict[OrderStatus, str]] = {
    OrderStatus.WAITING_DEPOSIT: "The order is open and waiting for the deposit.",
    OrderStatus.CONFIRMING: "The deposit was detected and is being confirmed.",
    OrderStatus.EXCHANGING: "The deposit is confirmed and the provider is exchanging it.",
    OrderStatus.SENDING: "The payout is being sent.",
    OrderStatus.COMPLETED: "The payout was sent in transaction `tx_out_hash`. Final.",
    OrderStatus.EXPIRED: "No deposit arrived in time. Final.",
    OrderStatus.FAILED: "The exchange failed. See `failed_reason_code`. Final.",
    OrderStatus.REFUND_REQUIRED: "The exchange cannot go on. Choose what happens to the deposit.",
    OrderStatus.REFUNDED: "The deposit was refunded in transaction `tx_out_hash`. Final.",
    OrderStatus.MANUAL_REVIEW: "The operator is reviewing the order.",
}

#: The ops events: what they say, the fields of their own, and a real one.
OPS: Final[Mapping[str, tuple[str, Json, NewEvent]]] = {
    "webhook_paused": (
        "We paused deliveries to one of your endpoints. New events are held.",
        {
            "alias": _ALIAS,
            "endpoint_id": _ID,
            "url": _TEXT,
            "paused_at": _MOMENT,
            "resume_after": _maybe(_MOMENT)
            | {"description": "always null: you must resume the endpoint yourself"},
            "last_error": _maybe(_TEXT),
            "failed_attempts": _COUNT,
            "window_hours": _COUNT,
        },
        ops_events.webhook_paused(
            endpoint_id=_ENDPOINT,
            alias=_NAME,
            url=_URL,
            environment=_TEST,
            reason="failures",
            now=_NOW,
            paused_at=_NOW,
            last_error="HTTP 503",
            failed_attempts=50,
            window=timedelta(hours=6),
        ),
    ),
    "webhook_resumed": (
        "We resumed the endpoint. `waiting` deliveries were due.",
        {
            "alias": _ALIAS,
            "endpoint_id": _ID,
            "url": _TEXT,
            "resumed_at": _MOMENT,
            "waiting": _COUNT,
        },
        ops_events.webhook_resumed(
            endpoint_id=_ENDPOINT,
            alias=_NAME,
            url=_URL,
            environment=_TEST,
            reason="manual",
            now=_NOW,
            waiting=12,
        ),
    ),
    "api_key_locked": (
        "An IP address sent invalid keys that start like yours and is temporarily locked out.",
        {"ip": _TEXT, "locked_at": _MOMENT, "locked_until": _MOMENT, "attempts": _COUNT},
        ops_events.api_key_locked(
            ip="203.0.113.7",
            environment=_TEST,
            now=_NOW,
            locked_until=_NOW + timedelta(minutes=15),
            attempts=5,
        ),
    ),
    "api_key_unlocked": (
        "The lockout of an IP address has ended.",
        {"ip": _TEXT, "locked_at": _MOMENT, "unlocked_at": _MOMENT},
        ops_events.api_key_unlocked(
            organization_id=_ENDPOINT,
            ip="203.0.113.7",
            environment=_TEST,
            now=_NOW,
            locked_at=_NOW - timedelta(minutes=15),
        ),
    ),
    "api_key_expiring": (
        "A key expires at 00:00 UTC on `expires_on`.",
        {
            "key_id": _ID,
            "name": _TEXT,
            "prefix": _TEXT,
            "expires_on": {"type": "string", "format": "date"},
            "hours_left": _COUNT,
        },
        ops_events.api_key_expiring(
            key_id=UUID("2b7e1f90-6c35-4d8a-b1f4-0a9c5d3e7f62"),
            name="Server key",
            prefix="pk_test_5xNf0mQ2",
            environment=_TEST,
            now=_NOW,
            expires_on=date(2026, 5, 28),
            hours_left=158,
        ),
    ),
    "provider_outage_affecting_partner": (
        "A provider your orders use has been down since `down_since`.",
        {"provider": _TEXT, "down_since": _MOMENT, "order_id": _maybe(_TEXT)},
        ops_events.provider_outage_affecting_partner(
            provider="simulator",
            environment=_TEST,
            reason="refund_interrupted",
            now=_NOW,
            since=_NOW - timedelta(minutes=4),
            order_id="prv-0b8f3a52-6a7e-4d7c-9c3e-3f0d3b8f6c11",
        ),
    ),
    "late_deposit": (
        "A deposit arrived for an expired order, or was settled. `reason` is its state.",
        {
            "order_id": _TEXT,
            "partner_order_ref": _maybe(_TEXT),
            "tx_in_hash": _maybe(_TEXT),
            "tx_out_hash": _maybe(_TEXT),
            "note": _maybe(_TEXT),
        },
        ops_events.late_deposit(
            order_id="prv-0b8f3a52-6a7e-4d7c-9c3e-3f0d3b8f6c11",
            partner_order_ref="order-4711",
            state="seen",
            tx_in_hash="b6f6991d03df0e2e04dafffcd6bc418aac66049e2cd74b80f14ac86db1e3f0da",
            tx_out_hash=None,
            note=None,
            environment=_TEST,
            now=_NOW,
        ),
    ),
    "payout_sent": (
        "One of your payouts was sent. `amount` is in US dollars.",
        {
            "payout_id": _ID,
            "amount": _TEXT,
            "currency": _TEXT,
            "address": _TEXT,
            "tx_hash": _TEXT,
            "sent_at": _MOMENT,
        },
        ops_events.payout_sent(
            payout_id=UUID("5c1e7a42-8d3b-4f60-9a57-0e2b6c9d1f84"),
            amount="1250.00",
            currency="USDC-ERC20",
            address="0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
            tx_hash="0x88df016429689c079f3b2f6ad39fa052532c56795b733da78a91ebe6a713944b",
            environment=Environment.LIVE,
            now=_NOW,
        ),
    ),
}

_HEADERS: Final = (
    (
        "X-Privata-Signature",
        "`t=<unix seconds>,v1=<base64>`; two `v1` values while a secret is being rotated",
    ),
    ("X-Privata-Event-Id", "the same on every attempt and replay; use it to deduplicate"),
    ("X-Privata-Delivery-Id", "identifies the delivery in the dashboard"),
    ("X-Privata-Attempt", "1, 2, …"),
)
_EXAMPLES: Final = {
    "X-Privata-Signature": "t=1779358441,v1=q2hqv0r4y5Xn0Jm6cJtFvGk2p8sYb1dW3uZxQeRtLhE=",
    "X-Privata-Delivery-Id": "c0a8f3d2-5b1e-4d0c-9f27-71e6a4b8d913",
    "X-Privata-Attempt": "1",
}


def event_schemas() -> Json:
    """`components.schemas`: `OrderEvent` and one schema for each other type."""
    made = {"OrderEvent": _order_event()}
    for name, (_, fields, _) in OPS.items():
        made[_schema_name(name)] = _ops_event(name, fields)
    made[_schema_name(TEST_TYPE)] = _ops_event(TEST_TYPE, {"alias": _ALIAS, "endpoint_id": _ID})
    return made


def webhooks(order: Json) -> Json:
    """The section; `order` is the example of an order object."""
    found = {}
    for status, words in _ORDER_WORDS.items():
        name = f"order.{status.value}"
        schema = {
            "allOf": [
                {"$ref": "#/components/schemas/OrderEvent"},
                {"type": "object", "properties": {"event": {"const": name}}},
            ]
        }
        found[name] = _webhook(name, words, schema, _order_example(name, status, order))
    for name, (words, _, event) in OPS.items():
        found[name] = _webhook(name, words, _reference(name), _steady(json.loads(event.body)))
    words = "This is a test event. Nothing happened."
    found[TEST_TYPE] = _webhook(TEST_TYPE, words, _reference(TEST_TYPE), _test_example())
    return found


def _webhook(name: str, words: str, schema: Json, example: Json) -> Json:
    headers = [
        {
            "name": header,
            "in": "header",
            "required": True,
            "description": text,
            "schema": _TEXT,
            "example": _EXAMPLES.get(header, example["event_id"]),
        }
        for header, text in _HEADERS
    ]
    agent = {"name": "User-Agent", "in": "header", "schema": _TEXT, "example": USER_AGENT}
    channel = "order" if name.startswith("order.") else "ops"
    if name == TEST_TYPE:
        channel = "test"
    return {
        "post": {
            "operationId": "on" + _schema_name(name),
            "tags": [f"Events: {channel}"],
            "summary": name,
            "description": words,
            "parameters": [*headers, agent],
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": schema, "example": example}},
            },
            "responses": {
                "2XX": {"description": "Accepted. Respond within 5 seconds. The body is ignored."},
                "410": {"description": "Stop sending. The endpoint is paused immediately."},
                "default": {"description": "Not accepted. We retry with increasing delays."},
            },
        }
    }


def _order_event() -> Json:
    fields = {
        "event": _TEXT | {"pattern": r"^order\.[a-z_]+$"},
        "event_id": _TEXT
        | {
            "description": "`<order_id>:<status>:<unix_ms>`, the same on every attempt. The"
            " milliseconds are those of the order's creation"
        },
        "seq": {
            "type": "integer",
            "minimum": 1,
            "description": "position of the event within its order",
        },
        "order": {"$ref": "#/components/schemas/Order"},
    }
    return _event(fields, "A status change, with the whole order object at that moment.")


def _ops_event(name: str, fields: Json) -> Json:
    common = {
        "event": {"type": "string", "const": name},
        "event_id": _TEXT,
        "reason": _TEXT | {"description": "the reason, as a word or a sentence"},
    }
    return _event(common | fields, "")


def _event(fields: Json, description: str) -> Json:
    made: Json = {
        "type": "object",
        "required": [*fields, "ts"],
        "properties": fields
        | {
            "ts": _MOMENT,
            "sandbox": {"type": "boolean", "const": True, "description": "test environment only"},
        },
        "additionalProperties": False,
    }
    return made | ({"description": description} if description else {})


def _order_example(name: str, status: OrderStatus, order: Json) -> Json:
    final = status is OrderStatus.COMPLETED
    shown = order | {"status": status.value, "timeline": [{"status": status.value, "at": _ts()}]}
    if not final:
        shown |= {"amount_to_actual": None, "tx_out_hash": None, "completed_at": None}
    return {
        "event": name,
        "event_id": f"{order['order_id']}:{status.value}:{_created_ms(order)}",
        "seq": PATH.index(status) + 1 if status in PATH else 2,
        "order": shown,
        "ts": _ts(),
        "sandbox": True,
    }


def _test_example() -> Json:
    return {
        "event": TEST_TYPE,
        "event_id": "test-7d0f5b1c-2e6a-4c93-8f4d-b5a1c9e30d72:webhook_test",
        "reason": "This is a test event. Nothing happened.",
        "alias": _NAME,
        "endpoint_id": str(_ENDPOINT),
        "ts": _ts(),
        "sandbox": True,
    }


def _created_ms(order: Json) -> int:
    return unix_ms(datetime.fromisoformat(order["created_at"]))


def _steady(body: Json) -> Json:
    """The example with an id that is the same at every start."""
    kept = body["event_id"].partition(":")[2]
    return body | {"event_id": f"ops-7d0f5b1c-2e6a-4c93-8f4d-b5a1c9e30d72:{kept}"}


def _reference(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{_schema_name(name)}"}


def _schema_name(name: str) -> str:
    words = "".join(word.title() for word in name.replace(".", "_").split("_"))
    return f"{words}Event"


def _ts() -> str:
    return _NOW.strftime("%Y-%m-%dT%H:%M:%S.000Z")
