"""Shapes of the order routes."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, Self, TypeVar

from pydantic import BaseModel, Field, field_validator, model_validator

from privata.core.errors import ValidationFailed
from privata.core.ids import ORDER_ID
from privata.core.lifecycle import FailedReason, OrderStatus
from privata.infra.openapi import AmountText
from privata.infra.wire import Wire, misfit
from privata.orders import create
from privata.orders.states import LateState
from privata.providers.simulator.scenarios import MAX_TTL, Scenario

V = TypeVar("V")

StableTarget = Literal["USDT-TRC20", "USDT-ERC20", "USDC-ERC20", "USDC-SOL"]
Address = Annotated[str, Field(min_length=1, max_length=512)]
ExtraId = Annotated[str, Field(min_length=1, max_length=256)]
OrderId = Annotated[str, Field(pattern=rf"^{ORDER_ID.pattern}$")]
Ttl = Annotated[int, Field(ge=0, le=MAX_TTL, description="seconds of the whole path; 0: at once")]


class RefundPreference(Wire):
    """What to do when a refund window ends without an action."""

    default: Literal["return_to_refund_address", "convert_to_stable", "manual_review"] = (
        "return_to_refund_address"
    )
    fallback_if_refund_address_missing: Literal["convert_to_stable", "manual_review"] = (
        "manual_review"
    )
    convert_to_stable_target: StableTarget | None = None

    @model_validator(mode="after")
    def _stable_needs_target(self) -> Self:
        wants = "convert_to_stable" in (self.default, self.fallback_if_refund_address_missing)
        if wants and self.convert_to_stable_target is None:
            raise misfit("convert_to_stable_target", "is needed for convert_to_stable")
        return self


class CreateOrderQuery(Wire):
    """The sandbox parameters may also stand in the query; in both they must say the same."""

    sandbox_scenario: Scenario | None = Field(None, description="how a test order goes")
    sandbox_ttl: Ttl | None = None


class CreateOrder(CreateOrderQuery):
    """A swap to make from a quote."""

    quote_id: str = Field(max_length=64, description="of `GET /estimate`; it makes one order")
    address: Address = Field(description="where the user is paid; checked for its network")
    extra_id: ExtraId | None = Field(None, description="memo or tag of the address")
    refund_address: Address | None = Field(
        None, description="where a refund goes; on the network of the deposit, never shown again"
    )
    refund_extra_id: ExtraId | None = Field(None, description="memo or tag of the refund address")
    refund_preference: RefundPreference | None = None
    partner_order_ref: str | None = Field(
        None,
        min_length=1,
        max_length=128,
        description="your own reference; one open order at a time may have it",
    )

    @field_validator("partner_order_ref")
    @classmethod
    def _findable(cls, value: str | None) -> str | None:
        # A search takes no spaces around what is looked for, and people do not see them.
        if value is not None and not value.isprintable():
            raise ValueError("has characters that cannot be shown")
        if value is not None and value != value.strip():
            raise ValueError("begins or ends with a space; leave it out")
        return value

    @model_validator(mode="after")
    def _extra_id_has_address(self) -> Self:
        if self.refund_extra_id is not None and self.refund_address is None:
            raise misfit("refund_extra_id", "is given without refund_address")
        return self

    def wanted(self, query: CreateOrderQuery) -> create.NewOrder:
        """The order as the service takes it; `ValidationFailed` if body and query disagree."""
        scenario = _agreed("sandbox_scenario", query.sandbox_scenario, self.sandbox_scenario)
        ttl = _agreed("sandbox_ttl", query.sandbox_ttl, self.sandbox_ttl)
        preference = None
        if self.refund_preference is not None:
            preference = create.RefundPreference(
                self.refund_preference.default,
                self.refund_preference.fallback_if_refund_address_missing,
                self.refund_preference.convert_to_stable_target,
            )
        return create.NewOrder(
            quote_id=self.quote_id,
            address=self.address,
            extra_id=self.extra_id,
            refund_address=self.refund_address,
            refund_extra_id=self.refund_extra_id,
            refund_preference=preference,
            partner_order_ref=self.partner_order_ref,
            sandbox_scenario=scenario,
            sandbox_ttl=ttl,
        )


def _agreed(field: str, in_query: V | None, in_body: V | None) -> V | None:
    if in_query is not None and in_body is not None and in_query != in_body:
        sentence = f"is {in_query} in the query and {in_body} in the body; give it once"
        raise ValidationFailed(f"{field} {sentence}.", fields=[(field, sentence)])
    return in_query if in_body is None else in_body


class TimelineEntry(BaseModel):
    status: OrderStatus
    at: datetime


class ShownPreference(BaseModel):
    """What happens when a refund window ends without an action, as given with the order."""

    default: str
    fallback_if_refund_address_missing: str
    convert_to_stable_target: StableTarget | None


class OrderRefund(BaseModel):
    """How the refund of an order stands. The address that it goes to is never shown."""

    state: Literal["waiting", "requested", "processing", "done", "failed"] = Field(
        description="waiting: no action was chosen yet; requested: it was; processing: the provider"
        " has it; failed: a person decides"
    )
    action: Literal["return_to_refund_address", "convert_to_stable", "manual_review"] | None = (
        Field(description="null: none was chosen; or the provider sent the deposit back by itself")
    )
    stable_target: StableTarget | None
    source: Literal["api", "dashboard", "default"] | None = Field(
        description="who chose the action; default: `refund_preference`, when the window ended"
    )
    requested_at: datetime | None
    window_ends_at: datetime = Field(description="until when an action can be chosen")
    finished_at: datetime | None
    failure: str | None = Field(description="why it failed, in a sentence")


class LateDeposit(BaseModel):
    """A deposit that came after the order had expired. The order stays expired."""

    state: LateState = Field(
        description="seen: it waits for the provider or the operator; the others are final"
    )
    seen_at: datetime
    finished_at: datetime | None
    note: str | None = Field(description="what the operator says about it")


class Order(BaseModel):
    """The order object. The refund address is never shown."""

    order_id: OrderId
    provider: str
    provider_order_id: str
    partner_order_ref: str | None = Field(description="your own reference, as you gave it")
    source: str = Field(serialization_alias="from")
    from_network: str
    to: str
    to_network: str
    amount_from: AmountText
    amount_to_expected: AmountText
    amount_to_actual: AmountText | None = Field(description="known when the payout is sent")
    markup_bps: int
    rate_type: Literal["float", "fixed"]
    deposit_address: str = Field(description="where the user sends `amount_from`")
    deposit_extra_id: str | None = Field(description="memo or tag that must go with the deposit")
    payout_address: str
    payout_extra_id: str | None
    status: OrderStatus
    failed_reason_code: FailedReason | None
    failed_reason_message: str | None
    refund_capability: Literal["programmatic", "ticket", "none"]
    refund_window_hours: int | None
    refund_sla_hours: int | None
    refund_preference: ShownPreference | None
    tx_in_hash: str | None
    tx_out_hash: str | None
    late_deposit: LateDeposit | None = Field(
        description="null unless something came after the order had expired"
    )
    sandbox: bool = Field(description="a simulated order: nothing may be sent to it")
    expires_at: datetime = Field(description="until when the deposit has to arrive")
    created_at: datetime
    updated_at: datetime
    completed_at: datetime | None
    tracking_url: str = Field(description="a public page for the end user")
    refund: OrderRefund | None = Field(
        description="null for an order that has never been in `refund_required`"
    )
    timeline: list[TimelineEntry]
