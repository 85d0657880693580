"""Shapes of the payout routes."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Final, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StrictStr, field_validator, model_validator

from privata.core.money import MAX_AMOUNT_CHARS
from privata.infra.http.wire import NextUuidCursor, Wire, misfit
from privata.payouts.challenges import MAX_ANSWER_CHARS
from privata.payouts.currencies import PayoutCurrency
from privata.payouts.lifecycle import PayoutStatus
from privata.payouts.requesting import Wish
from privata.payouts.rules import read_dollars
from privata.payouts.simulating import PayoutScenario
from privata.payouts.states import AddressState, VerifiedBy
from privata.providers.port import MAX_TTL

#: Payouts of one answer.
MAX_LIMIT: Final = 100
DEFAULT_LIMIT: Final = 50

_ADDRESS_ID: Final = "3d0f6a7e-52c8-4b19-8e43-7a1c9f2d5b60"

Dollars = Annotated[str, Field(pattern=r"^(0|[1-9][0-9]*)\.[0-9]{2}$")]


class RequestPayout(Wire):
    """What to pay, and where."""

    model_config = Wire.model_config | ConfigDict(
        json_schema_extra={
            "examples": [
                {"amount": "1250.00", "currency": "USDC-ERC20"},
                {"full": True, "address_id": _ADDRESS_ID},
            ]
        }
    )

    amount: Annotated[
        StrictStr | None,
        Field(
            max_length=MAX_AMOUNT_CHARS,
            description="US dollars with at most two decimals, such as 1250 or 1250.50",
        ),
    ] = None
    full: bool | None = Field(
        None, strict=True, description="true: the whole available balance, in whole cents"
    )
    address_id: UUID | None = Field(None, description="one of your verified payout addresses")
    currency: PayoutCurrency | None = Field(
        None, description="pay to the default address for this currency"
    )

    sandbox_scenario: PayoutScenario | None = Field(
        None, description="the scenario that a test payout follows; test keys only"
    )
    sandbox_ttl: Annotated[
        int | None,
        Field(
            strict=True,
            ge=0,
            le=MAX_TTL,
            description="duration of the whole scenario in seconds; 0: immediate",
        ),
    ] = None

    @field_validator("amount")
    @classmethod
    def _dollars(cls, value: str | None) -> str | None:
        if value is not None:
            read_dollars(value)
        return value

    @model_validator(mode="after")
    def _one_of_each(self) -> Self:
        if (self.amount is None) is not bool(self.full):
            raise misfit("amount", "send either amount or full: true")
        if (self.address_id is None) is (self.currency is None):
            raise misfit("address_id", "send either address_id or currency")
        return self

    def wish(self) -> Wish:
        """The request as the service takes it."""
        amount = None if self.amount is None else Decimal(self.amount)
        return Wish(amount, self.address_id, self.currency, self.sandbox_scenario, self.sandbox_ttl)


class ConfirmPayout(Wire):
    """The answer to a payout's challenge."""

    signature: StrictStr = Field(
        min_length=1,
        max_length=MAX_ANSWER_CHARS,
        description="HMAC-SHA256(webhook secret, challenge) in hexadecimal or base64",
    )


class PayoutsQuery(Wire):
    """Which payouts, newest first."""

    limit: int = Field(DEFAULT_LIMIT, ge=1, le=MAX_LIMIT)
    cursor: NextUuidCursor | None = Field(
        None, description="next_cursor from the previous page; keep the same status"
    )
    status: PayoutStatus | None = None


class Payout(BaseModel):
    """A payout. `amount` is in US dollars, paid 1:1 in the stablecoin."""

    payout_id: UUID
    status: PayoutStatus
    amount: Dollars
    currency: PayoutCurrency
    address_id: UUID
    address: str
    needs_approval: bool = Field(description="requires approval by the operator before it is sent")
    tx_hash: str | None
    explorer_url: str | None
    failure: str | None = Field(description="why it failed or was canceled")
    sandbox: bool = Field(description="a simulated payout; nothing is paid")
    created_at: datetime
    confirmed_at: datetime | None
    sent_at: datetime | None
    finished_at: datetime | None = Field(description="when it settled, failed, or was canceled")


class NewPayout(Payout):
    """A payout waiting for the answer to its challenge."""

    challenge: str
    challenge_expires_at: datetime


class PayoutsPage(BaseModel):
    """A page of payouts. Only `next_cursor: null` marks the end."""

    payouts: list[Payout]
    next_cursor: str | None


class PayoutAddress(BaseModel):
    """A payout address. Once verified, it can be used from `usable_at`."""

    address_id: UUID
    currency: PayoutCurrency
    address: str
    label: str
    state: AddressState
    is_default: bool
    verified_by: VerifiedBy | None
    verified_at: datetime | None
    usable_at: datetime | None
    created_at: datetime


class PayoutAddresses(BaseModel):
    addresses: list[PayoutAddress]
