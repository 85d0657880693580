"""Shapes of the order routes."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, Self, TypeVar

from pydantic import BaseModel, Field, field_validator, model_validator

from privata.core.errors import ValidationFailed
from privata.core.ids import ORDER_ID
from privata.core.lifecycle import FailedReason, OrderStatus
from privata.infra.http.wire import AmountText, Wire, misfit
from privata.orders import create
from privata.orders.states import LateState
from privata.providers.port import MAX_TTL, Scenario

V = TypeVar("V")

StableTarget = Literal["USDT-TRC20", "USDT-ERC20", "USDC-ERC20", "USDC-SOL"]
Address = Annotated[str, Field(min_length=1, max_length=512)]
ExtraId = Annotated[str, Field(min_length=1, max_length=256)]
OrderId = Annotated[str, Field(pattern=rf"^{ORDER_ID.pattern}$")]
Ttl = Annotated[
    int,
    Field(ge=0, le=MAX_TTL, description="duration of the whole scenario in seconds; 0: immediate"),
]


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
            raise misfit("convert_to_stable_target", "is required for convert_to_stable")
        return self


class CreateOrderQuery(Wire):
    """The sandbox parameters may also stand in the query; in both they must say the same."""

    sandbox_scenario: Scenario | None = Field(
        None, description="the scenario that a test order follows"
    )
    sandbox_ttl: Ttl | None = None


class CreateOrder(CreateOrderQuery):
    """A swap to create from a quote."""

    quote_id: str = Field(max_length=64, description="from `GET /estimate`; good for one order")
    address: Address = Field(
        description="the address that receives the payout; validated for its network"
    )
    extra_id: ExtraId | None = Field(None, description="memo or tag for the address")
    refund_address: Address | None = Field(
        None, description="refund address on the deposit network; never returned"
    )
    refund_extra_id: ExtraId | None = Field(None, description="memo or tag for the refund address")
    refund_preference: RefundPreference | None = None
    partner_order_ref: str | None = Field(
        None,
        min_length=1,
        max_length=128,
        description="your own reference; unique among open orders",
    )

    @field_validator("partner_order_ref")
    @classmethod
    def _findable(cls, value: str | None) -> str | None:
        # A search takes no spaces around what is looked for, and people do not see them.
        if value is not None and not value.isprintable():
            raise ValueError("must contain only printable characters")
        if value is not None and value != value.strip():
            raise ValueError("must not start or end with a space")
        return value

    @model_validator(mode="after")
    def _extra_id_has_address(self) -> Self:
        if self.refund_extra_id is not None and self.refund_address is None:
            raise misfit("refund_extra_id", "requires refund_address")
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
        sentence = f"is {in_query} in the query and {in_body} in the body; send it once"
        raise ValidationFailed(f"{field} {sentence}.", fields=[(field, sentence)])
    return in_query if in_body is None else in_body


class TimelineEntry(BaseModel):
    status: OrderStatus
    at: datetime


class ShownPreference(BaseModel):
    """The refund preference given with the order."""

    default: str
    fallback_if_refund_address_missing: str
    convert_to_stable_target: StableTarget | None


class OrderRefund(BaseModel):
    """The state of an order's refund. Its address is never shown."""

    state: Literal["waiting", "requested", "processing", "done", "failed"] = Field(
        description="waiting: no action chosen yet; requested: action chosen; processing: with the"
        " provider; failed: the operator decides"
    )
    action: Literal["return_to_refund_address", "convert_to_stable", "manual_review"] | None = (
        Field(description="null: none was chosen, or the provider returned the deposit on its own")
    )
    stable_target: StableTarget | None
    source: Literal["api", "dashboard", "default"] | None = Field(
        description="who chose the action; default: `refund_preference`, after the window ended"
    )
    requested_at: datetime | None
    window_ends_at: datetime = Field(description="deadline for choosing an action")
    finished_at: datetime | None
    failure: str | None = Field(description="why it failed, as a sentence")


class LateDeposit(BaseModel):
    """A deposit that arrived after the order expired. The order stays expired."""

    state: LateState = Field(
        description="seen: waiting for the provider or the operator; other states are final"
    )
    seen_at: datetime
    finished_at: datetime | None
    note: str | None = Field(description="note from the operator")


class Order(BaseModel):
    """The order object. The refund address is never shown."""

    order_id: OrderId
    provider: str
    provider_order_id: str
    partner_order_ref: str | None = Field(description="your own reference, as sent")
    source: str = Field(serialization_alias="from")
    from_network: str
    to: str
    to_network: str
    amount_from: AmountText
    amount_to_expected: AmountText
    amount_to_actual: AmountText | None = Field(description="known once the payout is sent")
    markup_bps: int
    rate_type: Literal["float", "fixed"]
    deposit_address: str = Field(description="the address the user sends `amount_from` to")
    deposit_extra_id: str | None = Field(description="memo or tag required with the deposit")
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
        description="null unless a deposit arrived after the order expired"
    )
    sandbox: bool = Field(description="a simulated order; do not send funds to it")
    expires_at: datetime = Field(description="deadline for the deposit to arrive")
    created_at: datetime
    updated_at: datetime
    completed_at: datetime | None
    tracking_url: str = Field(description="public status page for the end user")
    refund: OrderRefund | None = Field(
        description="null if the order has never been in `refund_required`"
    )
    timeline: list[TimelineEntry]
