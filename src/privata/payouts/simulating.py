"""How a payout of the sandbox goes (docs/payouts.md), as data and pure functions.

A scenario is a row of states after the confirmation; `ttl` seconds are the whole row, split evenly
over its steps. Addresses and transactions follow from ids, well formed and nobody's.
"""

from __future__ import annotations

import hashlib
from decimal import Decimal
from enum import StrEnum
from typing import Final
from uuid import UUID

from privata.core.addresses.codec import base58
from privata.infra.settings import Settings
from privata.payouts.currencies import PayoutCurrency
from privata.payouts.lifecycle import PayoutStatus

#: Requests that an organization makes in the sandbox in 24 hours: enough for a test suite.
REQUESTS_PER_DAY: Final = 100

#: Who takes the steps that the operator takes in live, as the audit log names it.
SIMULATOR: Final = "simulator"

#: What a payout that fails says; nothing has failed but the simulation.
FAILURE: Final = "the simulated transfer failed, as this scenario asks"

#: How an address of the sandbox is called.
LABEL: Final = "Sandbox"


class PayoutScenario(StrEnum):
    SUCCESS = "success"
    FAIL = "fail"


_S = PayoutStatus

_ROWS: Final = {
    PayoutScenario.SUCCESS: (_S.CONFIRMED, _S.APPROVED, _S.PROCESSING, _S.SENT, _S.SETTLED),
    PayoutScenario.FAIL: (_S.CONFIRMED, _S.APPROVED, _S.PROCESSING, _S.FAILED),
}


def path(scenario: PayoutScenario, *, needs_approval: bool) -> tuple[PayoutStatus, ...]:
    """The states from the confirmation to the end; `approved` only where approval is needed."""
    return tuple(one for one in _ROWS[scenario] if needs_approval or one is not _S.APPROVED)


def next_status(
    current: PayoutStatus, scenario: PayoutScenario, *, needs_approval: bool
) -> PayoutStatus | None:
    """What comes after `current`; None before the confirmation and at the end."""
    row = path(scenario, needs_approval=needs_approval)
    if current not in row or current is row[-1]:
        return None
    return row[row.index(current) + 1]


def seconds_in(
    current: PayoutStatus, scenario: PayoutScenario, ttl: int, *, needs_approval: bool
) -> float | None:
    """How long a payout stays in `current`; None where the simulator does not move it on."""
    if next_status(current, scenario, needs_approval=needs_approval) is None:
        return None
    return ttl / (len(path(scenario, needs_approval=needs_approval)) - 1)


def granted(settings: Settings) -> Decimal:
    """The balance of a sandbox in US dollars, before its payouts: two of the largest."""
    return 2 * settings.payout_max_usd


def transaction(payout_id: UUID, currency: PayoutCurrency) -> str:
    """The hash of the transaction that "pays" a payout, in the form of its chain."""
    raw = hashlib.sha512(f"{payout_id}:payout".encode()).digest()
    if currency is PayoutCurrency.USDC_SOL:
        return base58.encode(raw)
    return raw[:32].hex() if currency is PayoutCurrency.USDT_TRC20 else f"0x{raw[:32].hex()}"
