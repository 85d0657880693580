"""The order object and the webhook payload, as partners see them: pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from privata.core.clock import iso, unix_ms
from privata.core.lifecycle import OrderStatus
from privata.core.money import format_amount
from privata.events.service import NewEvent
from privata.orders.refund_part import refund_part
from privata.orders.rows import Order, WholeOrder

encode = msgspec.json.Encoder().encode


def order_object(row: WholeOrder, tracking_url: str) -> dict[str, Any]:
    """The order as it goes over the API and into webhooks; the refund address stays inside."""
    timeline = row.timeline
    shown: dict[str, Any] = {
        "order_id": row.id,
        "provider": row.provider,
        "provider_order_id": row.provider_order_id,
        "partner_order_ref": row.partner_order_ref,
        "from": row.from_asset,
        "from_network": row.from_network,
        "to": row.to_asset,
        "to_network": row.to_network,
        "amount_from": format_amount(row.amount_from, row.from_decimals),
        "amount_to_expected": format_amount(row.amount_to_expected, row.to_decimals),
        "amount_to_actual": _amount(row.amount_to_actual, row.to_decimals),
        "markup_bps": row.markup_bps,
        "rate_type": row.rate_type,
    }
    shown.update(
        deposit_address=row.deposit_address,
        deposit_extra_id=row.deposit_extra_id,
        payout_address=row.payout_address,
        payout_extra_id=row.payout_extra_id,
        status=row.status,
        failed_reason_code=row.failed_reason_code,
        failed_reason_message=row.failed_reason_message,
        refund_capability=row.refund_capability,
        refund_window_hours=row.refund_window_hours,
        refund_sla_hours=row.refund_sla_hours,
        refund_preference=preference_of(row.refund_preference),
        tx_in_hash=row.tx_in_hash,
        tx_out_hash=row.tx_out_hash,
        late_deposit=_late(row),
        sandbox=row.environment == "test",
        expires_at=iso(row.expires_at),
        created_at=iso(row.created_at),
        updated_at=iso(row.updated_at),
        completed_at=None if row.completed_at is None else iso(row.completed_at),
        tracking_url=tracking_url,
        refund=refund_part(row, timeline),
        timeline=[{"status": status, "at": iso(at)} for status, at in timeline],
    )
    return shown


def _late(row: Order) -> dict[str, Any] | None:
    """What came after the order had expired; its transactions are `tx_in_hash`, `tx_out_hash`."""
    if row.late_state is None:
        return None
    finished = row.late_finished_at
    assert row.late_seen_at is not None  # constraint orders_late_whole
    return {
        "state": row.late_state,
        "seen_at": iso(row.late_seen_at),
        "finished_at": None if finished is None else iso(finished),
        "note": row.late_note,
    }


def preference_of(stored: str | None) -> dict[str, Any] | None:
    """An order's refund preference out of its row, where it is JSON."""
    return None if stored is None else msgspec.json.decode(stored, type=dict)


def event_id(order: Order, status: OrderStatus) -> str:
    """`<order_id>:<status>:<unix_ms>`, the same on every retry and replay and in streams.

    The milliseconds are those of the order's creation, never of the change: an order enters each
    status once, and after a restore that forgot the change it is told again under the same id
    (decision 0039).
    """
    return f"{order.id}:{status.value}:{unix_ms(order.created_at)}"


def status_event(
    row: WholeOrder, shown: Mapping[str, Any], status: OrderStatus, seq: int, at: datetime
) -> NewEvent:
    """The event of entering `status` at this moment; `seq` counts within the order from 1.

    `shown` is the order object as it is then.
    """
    ident = event_id(row, status)
    message: dict[str, Any] = {
        "event": f"order.{status.value}",
        "event_id": ident,
        "seq": seq,
        "order": shown,
        "ts": iso(at),
    }
    if shown["sandbox"]:
        message["sandbox"] = True
    return NewEvent(ident, f"order.{status.value}", encode(message), seq)


def _amount(value: Decimal | None, decimals: int) -> str | None:
    return None if value is None else format_amount(value, decimals)
