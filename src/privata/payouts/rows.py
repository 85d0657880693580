"""Rows of payouts and their addresses, as everybody but the schema reads them: frozen."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

import msgspec

from privata.infra.database.rows import reader


class PayoutRow(msgspec.Struct, frozen=True):
    """A row of `payout`. Currency and address are what the partner confirmed."""

    id: UUID
    organization_id: UUID
    environment: str
    address_id: UUID
    currency: str
    address: str
    #: US dollars.
    amount: Decimal
    needs_approval: bool
    status: str
    requested_by: str
    challenge_nonce: str
    challenge_expires_at: datetime
    wrong_answers: int
    approved_by: str | None
    tx_hash: str | None
    failure: str | None
    sandbox_scenario: str | None
    sandbox_ttl: int | None
    #: When the simulator moves it on.
    sandbox_due_at: datetime | None
    created_at: datetime
    confirmed_at: datetime | None
    approved_at: datetime | None
    processing_at: datetime | None
    sent_at: datetime | None
    finished_at: datetime | None


class OperatorsPayout(PayoutRow, frozen=True):
    """The same, with the name of its organization."""

    organization: str


class DuePayout(msgspec.Struct, frozen=True):
    """A payout that has come to the time of its next step, whosever it is."""

    id: UUID
    organization_id: UUID
    environment: str
    sandbox_due_at: datetime | None


class AddressRow(msgspec.Struct, frozen=True):
    """A row of `payout_address`: where an organization is paid in one currency."""

    id: UUID
    organization_id: UUID
    environment: str
    currency: str
    address: str
    label: str
    state: str
    is_default: bool
    created_at: datetime
    challenge_nonce: str | None
    challenge_expires_at: datetime | None
    wrong_answers: int
    verified_at: datetime | None
    verified_by: str | None
    usable_at: datetime | None


payout_row = reader(PayoutRow)
operators_payout = reader(OperatorsPayout)
due_payout = reader(DuePayout)
address_row = reader(AddressRow)
