"""Examples of the OpenAPI document, made from its schemas and one table of values.

A field has the same value wherever it appears, so that the example of one call fits the next: the
order that is created is the order that is read. A schema's own `examples` win over the table.
"""

from __future__ import annotations

from typing import Any, Final

Json = dict[str, Any]

_ETH: Final = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
_BTC: Final = "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"
_ORDER: Final = "prv-0b8f3a52-6a7e-4d7c-9c3e-3f0d3b8f6c11"
_EVENT: Final = f"{_ORDER}:completed:1779358411000"
_PAYOUT: Final = "5c1e7a42-8d3b-4f60-9a57-0e2b6c9d1f84"
_PAYOUT_TX: Final = "0x88df016429689c079f3b2f6ad39fa052532c56795b733da78a91ebe6a713944b"
_AT: Final = "2026-05-21T10:14:01.000Z"

#: Values by field, or by schema and field where a word means different things.
_VALUES: Final[Json] = {
    "Health.status": "ok",
    "ticker": "BTC",
    "network": "BTC",
    "name": "Bitcoin",
    "decimals": 8,
    "Currency.extra_id": None,
    "AddressValidation.currency": "ETH",
    "valid": True,
    "extra_id_type": None,
    "AddressValidation.network": "ETH",
    "AddressValidation.field": None,
    "AddressValidation.reason": None,
    "from": "BTC",
    "from_network": "BTC",
    "to": "ETH",
    "to_network": "ETH",
    "Pair.from": {"ticker": "BTC", "network": "BTC"},
    "Pair.to": {"ticker": "ETH", "network": "ETH"},
    "min": "0.0002",
    "max": "12",
    "quote_id": "qt_4f2b8d6a0c1e3f5779b1d3f50a2c4e68",
    "provider": "simulator",
    "amount": "0.1",
    "amount_from": "0.1",
    "amount_to": "1.9684",
    "amount_to_expected": "1.9684",
    "amount_to_actual": "1.9684",
    "rate": "19.684",
    "side": "send",
    "rate_type": "float",
    "markup_bps": 50,
    "include": "best",
    "usd_value": "6520.00",
    "usd_min": "250",
    "usd_max": "5000",
    "q": "order-4711",
    "span": "7d",
    "refund_capability": "programmatic",
    "refund_window_hours": 72,
    "refund_sla_hours": None,
    "refund_preference": None,
    "sandbox": True,
    "order_id": _ORDER,
    "provider_order_id": "sim-4f2b8d6a0c1e",
    "partner_order_ref": "order-4711",
    "deposit_address": _BTC,
    "deposit_extra_id": None,
    "address": _ETH,
    "payout_address": _ETH,
    "extra_id": None,
    "payout_extra_id": None,
    "refund_address": _BTC,
    "failed_reason_code": None,
    "failed_reason_message": None,
    "tx_in_hash": "b6f6991d03df0e2e04dafffcd6bc418aac66049e2cd74b80f14ac86db1e3f0da",
    "tx_out_hash": "0x88df016429689c079f3b2f6ad39fa052532c56795b733da78a91ebe6a713944b",
    "Order.status": "completed",
    "late_deposit": None,
    "OrderStatus": "completed",
    "Balances.currency": "USD",
    "Balances.pending": "0.00",
    "Balances.available": "1240.51",
    "Balances.payout_in_flight": "500.00",
    "Balances.paid": "8000.00",
    "TimelineEntry.status": "completed",
    "Order.refund": None,
    "Order.timeline": [
        {"status": "waiting_deposit", "at": "2026-05-21T10:13:31.000Z"},
        {"status": "confirming", "at": "2026-05-21T10:13:38.500Z"},
        {"status": "exchanging", "at": "2026-05-21T10:13:46.000Z"},
        {"status": "sending", "at": "2026-05-21T10:13:53.500Z"},
        {"status": "completed", "at": _AT},
    ],
    "expires_at": "2026-05-21T10:43:31.000Z",
    "created_at": "2026-05-21T10:13:31.000Z",
    "tracking_url": f"https://swap.example.com/track/{_ORDER}?token=Jb2cP0zq8kQvN1mYw3xT5g",
    "seq": 5,
    "event_id": _EVENT,
    "event_type": "order.completed",
    "FeedEvent.type": "order.completed",
    "channel": "order",
    "dialect": "privata",
    "last": "4be1a90c.5d0a41f2.5",
    "more": False,
    "after": 0,
    "limit": 50,
    "cursor": None,
    "next_cursor": None,
    "endpoint_id": "6f1c2b54-9a0d-4c57-8b1e-2d9c4f7a1e35",
    "delivery_id": "c0a8f3d2-5b1e-4d0c-9f27-71e6a4b8d913",
    "recovery_id": "0f9d7c3a-41b2-4e8f-a6d5-93c1e07b2f48",
    "Delivery.recovery_id": None,
    "alias": "Orders",
    "url": "https://wallet.example.com/hooks/privata",
    "event_filter": ["order.*"],
    "Endpoint.status": "active",
    "NewEndpoint.status": "active",
    "endpoint_status": "active",
    "paused_at": None,
    "paused_reason": None,
    "last_error": None,
    "strict_ordering": False,
    "schedule_s": None,
    "pace_per_s": 20,
    "secret": "whsec_test_5xNf0mQ2vYd8LrTb3kWc7HsZ1pJg9uAe4iXoB6qRtM0",
    "secret_hint": "whsec_test_5xNf0",
    "old_secret_expires_at": None,
    "RotatedSecret.old_secret_expires_at": "2026-05-21T10:19:01.000Z",
    "overlap_s": 300,
    "held": False,
    "replay": False,
    "attempts": 1,
    "last_outcome": "delivered",
    "last_status_code": 200,
    "last_duration_ms": 87,
    "next_attempt_at": None,
    "Delivery.status": "delivered",
    "UndeliveredEvent.status": "exhausted",
    "UndeliveredEvent.attempts": 8,
    "UndeliveredEvent.last_outcome": "timeout",
    "waiting": 12,
    "Resumed.status": "resuming",
    "since": "2026-05-20T00:00:00.000Z",
    "Recovery.status": "running",
    "total": 42,
    "queued": 20,
    "delivered": 18,
    "failed": 1,
    "Recovery.created_by": "Server key",
    "finished_at": None,
    "payout_id": _PAYOUT,
    "address_id": "3d0f6a7e-52c8-4b19-8e43-7a1c9f2d5b60",
    "PayoutCurrency": "USDC-ERC20",
    "PayoutStatus": "sent",
    "Payout.finished_at": None,
    "Payout.status": "sent",
    "Payout.amount": "1250.00",
    "Payout.tx_hash": _PAYOUT_TX,
    "Payout.explorer_url": f"https://etherscan.io/tx/{_PAYOUT_TX}",
    "Payout.failure": None,
    "Payout.sandbox": False,
    "Payout.created_at": _AT,
    "Payout.confirmed_at": "2026-05-21T10:14:03.000Z",
    "Payout.sent_at": "2026-05-21T10:31:40.000Z",
    "NewPayout.status": "requested",
    "NewPayout.amount": "1250.00",
    "NewPayout.tx_hash": None,
    "NewPayout.explorer_url": None,
    "NewPayout.failure": None,
    "NewPayout.sandbox": False,
    "NewPayout.created_at": _AT,
    "NewPayout.confirmed_at": None,
    "NewPayout.sent_at": None,
    "needs_approval": False,
    "challenge": f"privata-payout-v1:{_PAYOUT}:1250.00:USDC-ERC20:{_ETH}:1779359041:"
    "q2hqv0r4y5Xn0Jm6cJtFvGk2p8sYb1dW3uZxQeRtLhE",
    "challenge_expires_at": "2026-05-21T10:24:01.000Z",
    "signature": "9b1f5cfa8f0f6f6d8f5d8a3f4e2b1c0d7e6f5a4b3c2d1e0f9a8b7c6d5e4f3a2b",
    "label": "Treasury",
    "PayoutAddress.state": "verified",
    "is_default": True,
    "verified_by": "signature",
    "verified_at": "2026-05-18T09:02:11.000Z",
    "usable_at": "2026-05-19T09:02:11.000Z",
    "PayoutAddress.created_at": "2026-05-18T08:58:40.000Z",
}

#: Where the answer of an operation differs from its schema's example.
ANSWERS: Final[Json] = {
    "createOrder": {
        "status": "waiting_deposit",
        "amount_to_actual": None,
        "tx_in_hash": None,
        "tx_out_hash": None,
        "completed_at": None,
        "updated_at": "2026-05-21T10:13:31.000Z",
        "timeline": [{"status": "waiting_deposit", "at": "2026-05-21T10:13:31.000Z"}],
    },
    "disableEndpoint": {"status": "disabled"},
    "cancelRecovery": {"status": "cancelled", "finished_at": _AT},
    "confirmPayout": {
        "status": "confirmed",
        "tx_hash": None,
        "explorer_url": None,
        "sent_at": None,
    },
    "cancelPayout": {
        "status": "cancelled",
        "tx_hash": None,
        "explorer_url": None,
        "failure": "canceled by the partner",
        "sent_at": None,
        "finished_at": "2026-05-21T10:16:20.000Z",
    },
}

#: What a stream of events looks like; `data` is cut short here.
STREAM: Final = f"""\
retry: 2000

id: {_ORDER}:sending:1779358411000
event: order.sending
data: {{"event":"order.sending","event_id":"{_ORDER}:sending:1779358411000","seq":4}}

: heartbeat

id: {_EVENT}
event: order.completed
data: {{"event":"order.completed","event_id":"{_EVENT}","seq":5}}

"""

#: Bodies that show what a call usually sends, by schema.
_BODIES: Final[Json] = {
    "CreateOrder": ("quote_id", "address", "refund_address", "partner_order_ref"),
    "CreateEndpoint": ("url", "alias", "channel", "event_filter"),
    "ChangeEndpoint": ("alias", "event_filter", "pace_per_s"),
    "RotateSecret": ("overlap_s",),
    "Resume": ("endpoint_id",),
}


class Samples:
    """Examples for the schemas of one document, whose common schemas are `schemas`."""

    def __init__(self, schemas: Json) -> None:
        self.schemas = schemas

    def body(self, schema: Json) -> Any:
        """What a call sends: the fields it needs, and those that are usual."""
        name, found = self._resolved(schema, "")
        if "examples" in found or found.get("type") != "object":
            return self.of(schema)
        wanted = _BODIES.get(name) or found.get("required", ())
        return {field: self._field(name, field, found["properties"][field]) for field in wanted}

    def of(self, schema: Json, field: str = "", owner: str = "") -> Any:
        """A value of the schema; `field` of the schema `owner` is where it stands."""
        name, found = self._resolved(schema, owner)
        if found.get("examples"):
            return found["examples"][0]
        if "const" in found:
            return found["const"]
        if name in _VALUES:
            return _VALUES[name]
        for choices in (found.get("anyOf"), found.get("oneOf"), found.get("allOf")):
            if choices:
                return self.of(choices[0], field, name)
        if "enum" in found:
            return found.get("default", found["enum"][0])
        if found.get("type") == "object":
            return self._object(name, found)
        if found.get("type") == "array":
            return [self.of(found.get("items", {}), field, name)]
        return _plain(found)

    def parameter(self, name: str, schema: Json) -> Any:
        """A value of a parameter, None where leaving it out is the better example."""
        if schema.get("type") == "array":
            return [self._field("", name, schema["items"])]
        return self._field("", name, schema)

    def _object(self, name: str, schema: Json) -> Json:
        fields = schema.get("properties", {})
        return {field: self._field(name, field, shape) for field, shape in fields.items()}

    def _field(self, owner: str, field: str, schema: Json) -> Any:
        if schema.get("examples"):
            return schema["examples"][0]
        for key in (f"{owner}.{field}", field):
            if key in _VALUES:
                return _VALUES[key]
        return self.of(schema, field, owner)

    def _resolved(self, schema: Json, name: str) -> tuple[str, Json]:
        if "$ref" not in schema:
            return schema.get("title", name), schema
        name = schema["$ref"].rpartition("/")[2]
        return name, self.schemas[name]


def _plain(schema: Json) -> Any:
    """A value without a name: the schema's default, or the simplest of its type."""
    if schema.get("default") is not None:
        return schema["default"]
    kind = schema.get("type", "string")
    if isinstance(kind, list):
        kind = kind[0]
    formats = {
        "date-time": _AT,
        "date": _AT[:10],
        "uuid": "2b7e1f90-6c35-4d8a-b1f4-0a9c5d3e7f62",
        "uri": "https://wallet.example.com/",
    }
    values = {
        "string": formats.get(schema.get("format", ""), "text"),
        "integer": max(1, schema.get("minimum", 1)),
        "number": max(1, schema.get("minimum", 1)),
        "boolean": True,
        "null": None,
    }
    return values.get(kind, {})
