"""What ChangeNOW's clients send: more keys than we read, `""` for what is not used, any case."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from privata.changenow_api.numbers import read_amount
from privata.changenow_api.words import RATE_TYPES, SIDES, Flow, RateType, Side, Type
from privata.core.money import MAX_AMOUNT_CHARS
from privata.infra.http.wire import Wire, misfit
from privata.orders.schemas import CreateOrderQuery


class _Written(str):
    """A number of a JSON body as it was written: as a float it would lose digits."""

    __slots__ = ()


def _lowered(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _amount(value: object) -> Decimal:
    if not isinstance(value, str):
        raise ValueError("must be a decimal number such as 0.25")  # noqa: TRY004  # pydantic's way
    return read_amount(value)


Word = Annotated[str, Field(pattern=r"^[A-Za-z0-9]{1,16}$"), BeforeValidator(_lowered)]
FlowWord = Annotated[Flow, BeforeValidator(_lowered)]
TypeWord = Annotated[Type, BeforeValidator(_lowered)]
Address = Annotated[str, Field(min_length=1, max_length=512)]
ExtraId = Annotated[str, Field(min_length=1, max_length=256)]
OrderId = Annotated[str, Field(min_length=1, max_length=64, description="from `POST /v2/exchange`")]
Amount = Annotated[
    Decimal,
    BeforeValidator(
        _amount,
        json_schema_input_type=Annotated[str, Field(max_length=MAX_AMOUNT_CHARS)] | float,
    ),
]


class Lenient(Wire):
    """Base of every shape here: unknown keys are ignored, and empty values are absent."""

    model_config = Wire.model_config | ConfigDict(extra="ignore")

    @model_validator(mode="before")
    @classmethod
    def _without_empty(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        return {name: value for name, value in given.items() if value not in ("", None)}

    @classmethod
    def model_validate_json(cls, json_data: str | bytes | bytearray, **options: Any) -> Self:
        """With numbers as they were written; a number may stand where a string is meant."""
        given = json.loads(json_data, strict=False, parse_int=_Written, parse_float=_Written)
        return cls.model_validate(given, **options)


class CurrenciesQuery(Lenient):
    """Everything that can be swapped is active, for buying and selling, in both flows."""

    flow: FlowWord = "standard"


class PairsQuery(Lenient):
    """Which pairs to list; all without a filter."""

    from_currency: Word | None = Field(None, alias="fromCurrency")
    to_currency: Word | None = Field(None, alias="toCurrency")
    from_network: Word | None = Field(None, alias="fromNetwork")
    to_network: Word | None = Field(None, alias="toNetwork")
    flow: FlowWord | None = None


class PairQuery(Lenient):
    """Which pair. A network is needed where the currency is on several."""

    from_currency: Word = Field(alias="fromCurrency", examples=["btc"])
    to_currency: Word = Field(alias="toCurrency", examples=["eth"])
    from_network: Word | None = Field(None, alias="fromNetwork")
    to_network: Word | None = Field(None, alias="toNetwork")
    flow: FlowWord = "standard"

    @property
    def rate_type(self) -> RateType:
        """What the flow is called here."""
        return RATE_TYPES[self.flow]


class Priced(PairQuery):
    """A pair and the amount of one side."""

    from_amount: Amount | None = Field(
        None, alias="fromAmount", description="amount to send; required for `type=direct`"
    )
    to_amount: Amount | None = Field(
        None, alias="toAmount", description="amount to receive; required for `type=reverse`"
    )
    type: TypeWord = "direct"

    @model_validator(mode="after")
    def _amount_of_its_type(self) -> Self:
        name = "fromAmount" if self.type == "direct" else "toAmount"
        if (self.from_amount if self.type == "direct" else self.to_amount) is None:
            raise misfit(name, f"is required for type {self.type}")
        return self

    @property
    def side(self) -> Side:
        """Whether the amount is what is sent or what is received."""
        return SIDES[self.type]

    @property
    def amount(self) -> Decimal:
        """The amount that the type is about."""
        found = self.from_amount if self.type == "direct" else self.to_amount
        assert found is not None  # checked above
        return found


class EstimateQuery(Priced):
    """What to price."""

    use_rate_id: bool = Field(
        False, alias="useRateId", description="with `flow=fixed-rate`: return a `rateId`"
    )


class Exchange(Priced):
    """The exchange to create."""

    from_network: Word = Field(alias="fromNetwork")
    to_network: Word = Field(alias="toNetwork")
    address: Address = Field(description="receives the payout")
    extra_id: ExtraId | None = Field(None, alias="extraId")
    refund_address: Address | None = Field(None, alias="refundAddress")
    refund_extra_id: ExtraId | None = Field(None, alias="refundExtraId")
    rate_id: str | None = Field(
        None, alias="rateId", max_length=64, description="required for `flow=fixed-rate`"
    )

    model_config = Lenient.model_config | ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "fromCurrency": "btc",
                    "toCurrency": "eth",
                    "fromNetwork": "btc",
                    "toNetwork": "eth",
                    "fromAmount": "0.1",
                    "toAmount": "",
                    "address": "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
                    "flow": "standard",
                    "type": "direct",
                }
            ]
        }
    )

    @model_validator(mode="after")
    def _fixed_rate_has_an_id(self) -> Self:
        if self.flow == "fixed-rate" and self.rate_id is None:
            raise misfit("rateId", "is required for flow fixed-rate")
        return self


class SandboxQuery(CreateOrderQuery, Lenient):
    """How a test exchange is to go; only with a test key."""


class ById(Lenient):
    """Which exchange."""

    id: OrderId


class RefundBody(ById):
    """Where the deposit is to go back to."""

    address: Address
    extra_id: ExtraId | None = Field(None, alias="extraId")


class ContinueBody(ById):
    """Which exchange is to go on."""


class AddressQuery(Lenient):
    """What to judge."""

    currency: Word = Field(description="a network, or a currency that is on one", examples=["eth"])
    address: str = Field(max_length=1024, description="as entered by the user")
