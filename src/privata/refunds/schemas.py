"""Shapes of the refund routes."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StrictBool, model_validator

from privata.core.errors import StableTargetRequired
from privata.core.lifecycle import OrderStatus
from privata.infra.http.wire import Wire, misfit
from privata.orders.schemas import Address, ExtraId, OrderId, OrderRefund
from privata.refunds.rules import RefundAction, RefundSource, RefundState, StableTarget
from privata.refunds.service import Wish

_TRON: Final = "TJRabPrwbZy45sbavfcjinPJC18kjpRTv8"

Capability = Literal["programmatic", "ticket", "none"]


class RefundActionBody(Wire):
    """What to do with the deposit: return it or convert it to a stablecoin."""

    model_config = Wire.model_config | ConfigDict(
        json_schema_extra={
            "examples": [
                {"refund_to_address": "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"},
                {"convert_to_stable": True, "stable_target": "USDT-TRC20", "address": _TRON},
            ]
        }
    )

    refund_to_address: StrictBool | Address | None = Field(
        None, description="address to return the deposit to; true: the order's refund address"
    )
    refund_extra_id: ExtraId | None = None
    convert_to_stable: StrictBool | None = None
    stable_target: StableTarget | None = None
    address: Annotated[
        Address | None,
        Field(
            description="receives the stablecoin; defaults to the order's address on that network"
        ),
    ] = None

    @model_validator(mode="after")
    def _one_action(self) -> Self:
        returned = self.refund_to_address not in (None, False)
        if returned == bool(self.convert_to_stable):
            field = "convert_to_stable" if returned else "refund_to_address"
            raise misfit(field, "send either refund_to_address or convert_to_stable")
        for field in ("stable_target", "address"):
            if returned and getattr(self, field):
                raise misfit(field, "requires convert_to_stable")
        if self.refund_extra_id and not isinstance(self.refund_to_address, str):
            raise misfit("refund_extra_id", "requires an address in refund_to_address")
        if self.convert_to_stable and self.stable_target is None:
            names = ", ".join(StableTarget)
            raise StableTargetRequired(  # a code of its own, which pydantic lets through
                "convert_to_stable requires a stable_target.",
                fields=[("stable_target", f"must be one of {names}")],
            )
        return self

    def wish(self) -> Wish:
        """The action as the service takes it."""
        if self.stable_target is not None:
            return Wish(RefundAction.CONVERT, self.address, None, self.stable_target)
        address = self.refund_to_address if isinstance(self.refund_to_address, str) else None
        return Wish(RefundAction.RETURN, address, self.refund_extra_id)


class Refund(BaseModel):
    """The current state of an order's refund. Its address is never returned."""

    order_id: OrderId
    status: OrderStatus = Field(description="of the order")
    action: RefundAction
    stable_target: StableTarget | None
    state: RefundState
    source: RefundSource
    requested_at: datetime
    window_ends_at: datetime
    finished_at: datetime | None
    tx_out_hash: str | None
    failure: str | None


class RefundStanding(OrderRefund):
    """The refund of an order, with or without a chosen action."""

    order_id: OrderId
    status: OrderStatus = Field(description="of the order")
    tx_out_hash: str | None = Field(description="refund transaction, once sent")


class RefundCapability(BaseModel):
    """How a provider handles deposits it cannot swap."""

    provider: str
    refund_capability: Capability
    refund_window_hours: int | None
    refund_sla_hours: int | None
    actions: list[RefundAction]
    stable_targets: list[StableTarget]


class RefundCapabilities(BaseModel):
    providers: list[RefundCapability]
