"""Shapes of the quote routes."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, Field

from privata.core.money import AMOUNT_PATTERN, MAX_AMOUNT_CHARS, parse_amount
from privata.infra.http.wire import AmountText, Wire
from privata.providers.port import MAX_MARKUP_BPS


def _amount(value: object) -> Decimal:
    if not isinstance(value, str):
        raise ValueError("must be a decimal string such as 0.25")  # noqa: TRY004  # pydantic's way
    return parse_amount(value)


Ticker = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9]{1,16}$", description="such as BTC; case-insensitive")
]
Network = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9]{1,16}$", description="such as TRC20; case-insensitive")
]
Amount = Annotated[
    Decimal,
    BeforeValidator(
        _amount,
        json_schema_input_type=Annotated[
            str, Field(pattern=AMOUNT_PATTERN, max_length=MAX_AMOUNT_CHARS)
        ],
    ),
    Field(description="a decimal number, such as 0.25"),
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
        "send", description="whether amount is the amount sent or the amount received"
    )
    rate_type: Literal["float", "fixed"] = "float"
    markup_bps: int | None = Field(
        None,
        ge=0,
        le=MAX_MARKUP_BPS,
        description=(
            "your own markup in basis points; default: what you set for the provider. Offers say"
            " how much of it the provider collects"
        ),
    )
    include: Literal["best", "all"] = Field("best", description="all: offers from every provider")


class Currency(BaseModel):
    """An asset. Amounts have at most `decimals` decimal places."""

    ticker: str
    network: str
    name: str
    decimals: int = Field(ge=0)
    extra_id: str | None = Field(
        description="name for a memo or tag on this network; null: not used"
    )


class Currencies(BaseModel):
    currencies: list[Currency]


class AddressQuery(Wire):
    """What to judge. `network` is needed where the currency is on several."""

    currency: Ticker = Field(examples=["ETH"])
    network: Network | None = None
    address: str = Field(max_length=2048, description="as entered by the user")
    extra_id: str | None = Field(None, max_length=2048, description="memo or tag for the address")


class AddressValidation(BaseModel):
    """Whether an order can be paid to this address, and if not, why."""

    valid: bool
    currency: str
    network: str = Field(description="the network whose rules were applied")
    address: str | None = Field(description="in canonical form; null if invalid")
    extra_id: str | None = Field(
        description="the memo or tag to send with it, possibly taken from the address"
    )
    extra_id_type: str | None = Field(
        description="tag, comment, or memo; on Stellar text, id, hash, or return"
    )
    field: Literal["address", "extra_id"] | None = Field(description="which of the two is invalid")
    reason: str | None = Field(description="why, as a sentence you can show to the user")


class Side(BaseModel):
    ticker: str
    network: str


class Pair(BaseModel):
    source: Side = Field(serialization_alias="from")
    to: Side


class Pairs(BaseModel):
    pairs: list[Pair]


class PairLimits(BaseModel):
    """`min` and `max` are amounts of the asset being sent."""

    source: str = Field(serialization_alias="from")
    from_network: str
    to: str
    to_network: str
    min: AmountText
    max: AmountText


class Estimate(BaseModel):
    """A quote. Use its ID for one order before `expires_at`."""

    quote_id: str = Field(pattern=r"^qt_[0-9a-f]{32}$")
    provider: str
    source: str = Field(serialization_alias="from")
    from_network: str
    to: str
    to_network: str
    amount_from: AmountText
    amount_to: AmountText
    rate: AmountText = Field(description="for information only; the amounts are binding")
    side: Literal["send", "receive"]
    rate_type: Literal["float", "fixed"]
    markup_bps: int = Field(
        ge=0, le=MAX_MARKUP_BPS, description="what the provider collects for you; in the amounts"
    )
    usd_value: str | None = Field(description="US dollars with two decimals")
    refund_capability: Literal["programmatic", "ticket", "none"]
    sandbox: bool
    expires_at: datetime


class Estimates(Estimate):
    """The best quote. With `include=all`, also all offers, best first, including the best."""

    offers: list[Estimate] | None = Field(None, description="only with `include=all`")
