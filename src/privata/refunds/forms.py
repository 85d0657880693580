"""The form with which a person chooses what happens to a deposit."""

from __future__ import annotations

from typing import Any, Final

from django import forms

from privata.access.forms import ShownForm
from privata.core.addresses import extra_id_name
from privata.core.errors import RequestError
from privata.orders.reading import Order
from privata.refunds.panel import spoken_target
from privata.refunds.rules import RefundAction, StableTarget, known_address
from privata.refunds.service import Wish

OWN, OTHER, CONVERT = "own", "other", "convert"

#: The service's names of inputs and the form's, by the way that was chosen.
_FIELDS: Final = {
    OTHER: {"refund_to_address": "address", "refund_extra_id": "extra_id"},
    CONVERT: {"address": "stable_address", "stable_target": "stable_target"},
}

_MAX_ADDRESS: Final = 512
_MAX_EXTRA_ID: Final = 256


class RefundForm(ShownForm):
    """One of three ways, and what each needs. The rules themselves are the service's."""

    unnamed = ShownForm.unnamed | {"way"}

    way = forms.ChoiceField(
        choices=[(OWN, OWN), (OTHER, OTHER), (CONVERT, CONVERT)],
        error_messages={"required": "Choose what happens to the deposit."},
    )
    address = forms.CharField(required=False, max_length=_MAX_ADDRESS)
    extra_id = forms.CharField(required=False, max_length=_MAX_EXTRA_ID)
    stable_target = forms.ChoiceField(
        choices=[("", ""), *((one.value, one.value) for one in StableTarget)], required=False
    )
    stable_address = forms.CharField(required=False, max_length=_MAX_ADDRESS)

    def __init__(self, order: Order, data: Any = None, *, converts: bool) -> None:
        self.order = order
        self.converts = converts
        first = OWN if order.refund_address else OTHER
        super().__init__(data, initial={"way": first})

    def clean(self) -> dict[str, Any]:
        """What the chosen way needs is there."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        way = cleaned.get("way")
        if way == OWN and not self.order.refund_address:
            self.add_error("way", "The order has no refund address.")
        if way == OTHER and not cleaned.get("address"):
            self.add_error("address", f"Enter an address on {self.order.from_network}.")
        if way == CONVERT and not self.converts:
            self.add_error("way", "The provider of this order does not convert deposits.")
        elif way == CONVERT and not cleaned.get("stable_target"):
            self.add_error("stable_target", "Choose a stablecoin.")
        elif way == CONVERT and not cleaned.get("stable_address") and not self.known():
            target = StableTarget(cleaned["stable_target"])
            self.add_error("stable_address", f"Enter an address on {target.network}.")
        return cleaned

    def known(self) -> str | None:
        """The order's own address for the chosen stablecoin, if it has one."""
        target = self.data.get("stable_target", "")
        if target not in list(StableTarget):
            return None
        return known_address(self.order, StableTarget(target))

    def wish(self) -> Wish:
        """What was chosen, once the form is valid."""
        way = self.cleaned_data["way"]
        if way == CONVERT:
            target = StableTarget(self.cleaned_data["stable_target"])
            return Wish(
                RefundAction.CONVERT, self.cleaned_data["stable_address"] or None, None, target
            )
        if way == OWN:
            return Wish(RefundAction.RETURN)
        extra_id = self.cleaned_data["extra_id"] or None
        return Wish(RefundAction.RETURN, self.cleaned_data["address"], extra_id)

    def refuse(self, error: RequestError) -> None:
        """Show what the service did not accept, at its field."""
        names = _FIELDS.get(self.data.get("way", ""), {})
        for name, message in error.fields or [("", error.message)]:
            self.add_error(names.get(name), message)

    def ways(self) -> list[tuple[str, str, str]]:
        """What can be chosen for this order, with an explanation."""
        order = self.order
        found = [
            (
                OTHER,
                "Return it to another address",
                f"In {order.from_asset}, to an address you enter.",
            ),
        ]
        if self.converts:
            sent = "The provider exchanges the deposit, then sends it."
            found.append((CONVERT, "Convert it to a stablecoin", sent))
        if order.refund_address:
            own = (
                f"In {order.from_asset}. The address was verified when the order was created and "
                "is not shown."
            )
            found.insert(0, (OWN, "Return it to the refund address from the order", own))
        return found

    def targets(self) -> list[tuple[str, str]]:
        """The stablecoins, with nothing chosen at first."""
        chosen = [(one.value, spoken_target(one)) for one in StableTarget]
        return [("", "Choose a stablecoin"), *chosen]

    def memo(self) -> str | None:
        """What the deposit's network calls its memo or tag; None where it has none."""
        return extra_id_name(self.order.from_network)
