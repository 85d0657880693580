"""Shapes of the quote routes."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, Field

from privata.core.money import AMOUNT_PATTERN, MAX_AMOUNT_CHARS, parse_amount
from privata.infra.openapi import AmountText
from privata.infra.wire import Wire
from privata.quotes.rules import MAX_MARKUP_BPS


def _amount(value: object) -> Decimal:
    if not isinstance(value, str):
        raise ValueError("must be a decimal string such as 0.25")  # noqa: TRY004  # pydantic's way
    return parse_amount(value)


Ticker = Annotated[str, Field(pattern=r"^[A-Za-z0-9]{1,16}$", description="e.g. BTC, any case")]
Network = Annotated[str, Field(pattern=r"^[A-Za-z0-9]{1,16}$", description="e.g. TRC20, any case")]
Amount = Annotated[
    Decimal,
    BeforeValidator(
        _amount,
        json_schema_input_type=Annotated[
            str, Field(pattern=AMOUNT_PATTERN, max_length=MAX_AMOUNT_CHARS)
        ],
    ),
    Field(description="a decimal number, e.g. 0.25"),
]


class PairQuery(Wire):
    """Which pair."""

    source: Ticker = Field(alias="from")
    target: Ticker = Field(alias="to")
    from_network: Network | None = None
    to_network: Network | None = None


class EstimateQuery(PairQuery):
    """What to price."""

    amount: Amount
    side: Literal["send", "receive"] = Field(
        "send", description="whether amount is what is sent or what is to be received"
    )
    rate_type: Literal["float", "fixed"] = "float"
    markup_bps: int = Field(0, ge=0, le=MAX_MARKUP_BPS, description="the partner's own fee")
    include: Literal["best", "all"] = Field("best", description="all: every provider's offer")


class Currency(BaseModel):
    """An asset; amounts of it have at most `decimals` places."""

    ticker: str
    network: str
    name: str
    decimals: int = Field(ge=0)
    extra_id: str | None = Field(
        description="what a memo or tag is called on this network; null: it has none"
    )


class Currencies(BaseModel):
    currencies: list[Currency]


class AddressQuery(Wire):
    """What to judge. `network` is needed where the currency is on several."""

    currency: Ticker = Field(examples=["ETH"])
    network: Network | None = None
    address: str = Field(max_length=2048, description="as the user gave it")
    extra_id: str | None = Field(None, max_length=2048, description="memo or tag of the address")


class AddressVerdict(BaseModel):
    """Whether an order could be paid to this address; what is wrong with it if not."""

    valid: bool
    currency: str
    network: str = Field(description="the network whose rules were used")
    address: str | None = Field(description="in the form to send to; null if anything is wrong")
    extra_id: str | None = Field(
        description="the memo or tag to send with it, which the address may carry itself"
    )
    extra_id_type: str | None = Field(
        description="tag, comment or memo; on Stellar text, id, hash or return"
    )
    field: Literal["address", "extra_id"] | None = Field(description="which of the two is wrong")
    reason: str | None = Field(description="why, in a sentence that can be shown")


class Side(BaseModel):
    ticker: str
    network: str


class Pair(BaseModel):
    source: Side = Field(serialization_alias="from")
    to: Side


class Pairs(BaseModel):
    pairs: list[Pair]


class PairLimits(BaseModel):
    """`min` and `max` are amounts of the asset that is sent."""

    source: str = Field(serialization_alias="from")
    from_network: str
    to: str
    to_network: str
    min: AmountText
    max: AmountText


class Estimate(BaseModel):
    """A quote: use its id within `expires_at` for one order."""

    quote_id: str = Field(pattern=r"^qt_[0-9a-f]{32}$")
    provider: str
    source: str = Field(serialization_alias="from")
    from_network: str
    to: str
    to_network: str
    amount_from: AmountText
    amount_to: AmountText
    rate: AmountText = Field(description="informational; the amounts are what binds")
    side: Literal["send", "receive"]
    rate_type: Literal["float", "fixed"]
    markup_bps: int = Field(ge=0, le=MAX_MARKUP_BPS)
    usd_value: str | None = Field(description="US dollars to cents")
    refund_capability: Literal["programmatic", "ticket", "none"]
    sandbox: bool
    expires_at: datetime


class Estimates(Estimate):
    """The best quote; with `include=all` also every offer, best first, the best one included."""

    offers: list[Estimate] | None = Field(None, description="only with `include=all`")
