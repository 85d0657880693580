"""The columns of the list, those of a CSV file, and which belong together: pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

from privata.core.clock import iso
from privata.core.money import format_amount
from privata.infra.csv_cells import cell
from privata.orders.rows import ExportedOrder

#: Columns of the list in their order: label, and whether they are shown unless chosen otherwise.
#: The pair is the row's link and always there.
LISTED: Final[dict[str, tuple[str, bool]]] = {
    "pair": ("Pair", True),
    "status": ("Status", True),
    "sent": ("Amount in", True),
    "received": ("Amount out", True),
    "value": ("Value", True),
    "markup": ("Markup", True),
    "provider": ("Provider", True),
    "rate": ("Rate", False),
    "reference": ("Your reference", False),
    "ident": ("Order ID", False),
    "deposit": ("Deposit address", False),
    "completed": ("Completed", False),
    "age": ("Age", True),
}

USUAL: Final = tuple(name for name, (_, usual) in LISTED.items() if usual)


def _text(name: str) -> Callable[[ExportedOrder], str]:
    return lambda row: cell(getattr(row, name))


def _time(name: str) -> Callable[[ExportedOrder], str]:
    def written(row: ExportedOrder) -> str:
        at: datetime | None = getattr(row, name)
        return "" if at is None else iso(at)

    return written


def _amount(name: str, decimals: str) -> Callable[[ExportedOrder], str]:
    def written(row: ExportedOrder) -> str:
        amount: Decimal | None = getattr(row, name)
        return "" if amount is None else format_amount(amount, getattr(row, decimals))

    return written


def _dollars(row: ExportedOrder) -> str:
    return "" if row.usd_value is None else f"{row.usd_value:.2f}"


#: Columns of a CSV file in their order, by their names on the API, and how a row is written.
#: The refund address is none of them, as nowhere else.
WRITTEN: Final[dict[str, Callable[[ExportedOrder], str]]] = {
    "order_id": _text("id"),
    "status": _text("status"),
    "failed_reason_code": _text("failed_reason_code"),
    "created_at": _time("created_at"),
    "completed_at": _time("completed_at"),
    "updated_at": _time("updated_at"),
    "partner_order_ref": _text("partner_order_ref"),
    "from": _text("from_asset"),
    "from_network": _text("from_network"),
    "amount_from": _amount("amount_from", "from_decimals"),
    "to": _text("to_asset"),
    "to_network": _text("to_network"),
    "amount_to_expected": _amount("amount_to_expected", "to_decimals"),
    "amount_to_actual": _amount("amount_to_actual", "to_decimals"),
    "usd_value": _dollars,
    "markup_bps": lambda row: str(row.markup_bps),
    "rate_type": _text("rate_type"),
    "provider": _text("provider"),
    "provider_order_id": _text("provider_order_id"),
    "deposit_address": _text("deposit_address"),
    "deposit_extra_id": _text("deposit_extra_id"),
    "payout_address": _text("payout_address"),
    "payout_extra_id": _text("payout_extra_id"),
    "tx_in_hash": _text("tx_in_hash"),
    "tx_out_hash": _text("tx_out_hash"),
}

EVERY: Final = tuple(WRITTEN)

#: What the columns of the list become in a file.
_BECOMES: Final[dict[str, tuple[str, ...]]] = {
    "pair": ("from", "from_network", "to", "to_network"),
    "status": ("status",),
    "sent": ("amount_from",),
    "received": ("amount_to_expected", "amount_to_actual"),
    "value": ("usd_value",),
    "markup": ("markup_bps",),
    "provider": ("provider",),
    "rate": ("rate_type",),
    "reference": ("partner_order_ref",),
    "ident": (),
    "deposit": ("deposit_address",),
    "completed": ("completed_at",),
    "age": ("created_at",),
}


def chosen_columns(names: Iterable[str]) -> tuple[str, ...]:
    """The columns of the list among `names`, in the list's order; the pair is one of them."""
    wanted = {"pair", *names}
    return tuple(name for name in LISTED if name in wanted)


def as_written(listed: Iterable[str]) -> tuple[str, ...]:
    """The columns of a file that has what these columns of the list show, and the order's id."""
    wanted = {"order_id", *(name for one in listed for name in _BECOMES[one])}
    return tuple(name for name in EVERY if name in wanted)


def header(columns: Sequence[str]) -> bytes:
    """The first line of a file."""
    return _lines([columns])


def lines(rows: Iterable[ExportedOrder], columns: Sequence[str]) -> bytes:
    """Rows as lines of a file: UTF-8, commas, CRLF (RFC 4180)."""
    written = [WRITTEN[name] for name in columns]
    return _lines([one(row) for one in written] for row in rows)


def _lines(rows: Iterable[Sequence[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()
