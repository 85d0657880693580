"""Rows of orders, as everybody but the schema reads them: frozen, and without Django."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Generic, TypeVar
from uuid import UUID

import asyncpg
import msgspec

from privata.infra.database.rows import reader

R = TypeVar("R", bound="Placed")


class Placed(msgspec.Struct, frozen=True):
    """An order's place in the list: see `core.cursors`."""

    id: str
    created_at: datetime


class ListedOrder(Placed, frozen=True):
    """What lists show of an order, and no more: they bring over many."""

    environment: str
    partner_order_ref: str | None
    provider: str
    status: str
    from_asset: str
    from_network: str
    from_decimals: int
    to_asset: str
    to_network: str
    to_decimals: int
    amount_from: Decimal
    amount_to_expected: Decimal
    amount_to_actual: Decimal | None
    usd_value: Decimal | None
    markup_bps: int
    rate_type: str
    deposit_address: str
    completed_at: datetime | None


class ExportedOrder(ListedOrder, frozen=True):
    """What a file of orders says of one. The refund address is in none, as nowhere else."""

    provider_order_id: str
    deposit_extra_id: str | None
    payout_address: str
    payout_extra_id: str | None
    failed_reason_code: str | None
    tx_in_hash: str | None
    tx_out_hash: str | None
    updated_at: datetime


class Order(ListedOrder, frozen=True):
    """A row of `orders`. Addresses, most of all the one for refunds, go no further than needed."""

    organization_id: UUID
    quote_id: str | None
    provider_order_id: str
    deposit_extra_id: str | None
    payout_address: str
    payout_extra_id: str | None
    refund_address: str | None
    refund_extra_id: str | None
    #: JSON, as the driver hands it over: see `wire.preference_of`.
    refund_preference: str | None
    refund_capability: str
    refund_window_hours: int | None
    refund_sla_hours: int | None
    sandbox_scenario: str | None
    sandbox_ttl: int | None
    expires_at: datetime
    #: When the worker asks again; None: never.
    poll_at: datetime | None
    updated_at: datetime
    # What a new order begins with.
    last_seq: int = 1
    failed_reason_code: str | None = None
    failed_reason_message: str | None = None
    tx_in_hash: str | None = None
    tx_out_hash: str | None = None
    late_state: str | None = None
    late_seen_at: datetime | None = None
    late_finished_at: datetime | None = None
    late_note: str | None = None
    #: See `provider_secrets`.
    provider_secret: bytes | None = None


class WholeOrder(Order, frozen=True):
    """An order with its timeline and how its refund stands: what the order object is made of."""

    timeline_status: list[str] = []
    timeline_at: list[datetime] = []
    #: JSON of `refund_facts`; None for an order without a chosen action.
    refund: str | None = None

    @property
    def timeline(self) -> list[tuple[str, datetime]]:
        """Each state and when it was entered, in order."""
        return list(zip(self.timeline_status, self.timeline_at, strict=True))


class TimelineEntry(msgspec.Struct, frozen=True):
    """A state that an order entered, when, and who said so."""

    status: str
    at: datetime
    source: str


order_row = reader(Order)
whole_order = reader(WholeOrder)
timeline_entry = reader(TimelineEntry)


@dataclass(frozen=True, slots=True)
class Columns(Generic[R]):
    """What a search brings of each order `o`: the SQL of its columns, and the type of a row."""

    sql: str
    read: Callable[[asyncpg.Record], R]


def columns_of(kind: type[R]) -> Columns[R]:
    """The columns that a type of row is named after."""
    return Columns(", ".join(f"o.{name}" for name in kind.__struct_fields__), reader(kind))
