"""What the routes answer, for the document: ChangeNOW's shapes, key by key."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel
from pydantic.alias_generators import to_camel

from privata.changenow_api.words import Flow, Type

Number = Annotated[float, Field(ge=0, description="with a decimal point, exact to the digit")]
Status = Literal[
    "waiting",
    "confirming",
    "exchanging",
    "sending",
    "finished",
    "failed",
    "expired",
    "refunded",
    "verifying",
]


class Shown(BaseModel):
    """Base of the answers: camelCase."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class Currency(Shown):
    """A currency on a network."""

    ticker: str
    name: str
    image: str
    has_external_id: bool = Field(description="whether a memo or tag is required")
    is_extra_id_supported: bool
    is_fiat: bool
    featured: bool
    is_stable: bool
    supports_fixed_rate: bool
    network: str
    token_contract: str | None
    buy: bool
    sell: bool
    legacy_ticker: str


class Currencies(RootModel[list[Currency]]):
    """Every currency on each of its networks."""


class Pair(Shown):
    from_currency: str
    from_network: str
    to_currency: str
    to_network: str


class Flows(BaseModel):
    standard: bool
    fixed_rate: bool = Field(serialization_alias="fixed-rate")


class AvailablePair(Pair):
    flow: Flows


class AvailablePairs(RootModel[list[AvailablePair]]):
    """Every pair, from one currency to another."""


class MinAmount(Pair):
    flow: Flow
    min_amount: Number


class Range(MinAmount):
    max_amount: Number | None = Field(description="null: no maximum")


class Estimated(Pair):
    """`toAmount` includes all fees; none is deducted besides."""

    flow: Flow
    type: Type
    rate_id: str | None = Field(description="only with `flow=fixed-rate` and `useRateId=true`")
    valid_until: datetime | None
    transaction_speed_forecast: str | None
    warning_message: str | None
    deposit_fee: Number
    withdrawal_fee: Number
    user_id: None
    from_amount: Number
    to_amount: Number


class Created(Pair):
    """The exchange. Optional keys are left out if they have no value."""

    id: str
    from_amount: Number
    to_amount: Number
    flow: Flow
    type: Type
    payin_address: str
    payout_address: str
    refund_address: str = Field(description="as sent; may be empty")
    directed_amount: Number
    payin_extra_id: str = Field("", description="memo or tag for the deposit; required if present")
    payout_extra_id: str = ""
    refund_extra_id: str = ""
    valid_until: datetime | None = Field(None, description="pay by then; `flow=fixed-rate` only")
    rate_id: str = ""


class ExchangeById(Pair):
    """The exchange as it is now. Every key is present."""

    id: str
    status: Status
    actions_available: bool = Field(description="whether a refund can be requested now")
    expected_amount_from: Number
    expected_amount_to: Number
    amount_from: Number | None
    amount_to: Number | None
    payin_address: str
    payout_address: str
    payin_extra_id: str | None
    payout_extra_id: str | None
    refund_address: str | None
    refund_extra_id: str | None
    created_at: datetime
    updated_at: datetime
    valid_until: datetime | None
    deposit_received_at: datetime | None
    payin_hash: str | None
    payout_hash: str | None
    from_legacy_ticker: str
    to_legacy_ticker: str
    refund_hash: str | None
    refund_amount: Number | None
    user_id: None
    original_exchange_info: None
    related_exchanges_info: list[str]
    repeated_exchanges_info: list[str]


class RefundPlace(Shown):
    address: str
    extra_id: str | None


class RefundChoice(Shown):
    available: bool
    amount: str | None = Field(description="a decimal string")
    address: RefundPlace | None = Field(description="the refund address given at creation")
    additional_address_list: list[str]


class ContinueChoice(Shown):
    available: bool = Field(description="always false: deposits are refunded, not continued")
    current_estimate: str | None


class Actions(Shown):
    """What can be done with a deposit that was not exchanged."""

    error: str | None
    refund: RefundChoice
    go_on: ContinueChoice = Field(alias="continue")


class Done(BaseModel):
    result: Literal[True]


class Estimate(BaseModel):
    amount: Number
    currency: str
    network: str


class ContinueData(BaseModel):
    estimate: Estimate


class ContinueResult(BaseModel):
    result: Literal[True]
    data: ContinueData


class Continued(BaseModel):
    """As in ChangeNOW's API. No exchange can be continued here at present."""

    result: ContinueResult


class AddressVerdict(Shown):
    """Whether an exchange can pay to the address."""

    result: bool
    message: str | None = Field(description="why not, as a sentence")
    is_activated: bool | None = Field(description="null: unknown")
