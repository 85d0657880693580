"""Refunds of the sandbox: at once and for nothing, unless the amount asks for something else.

The last three digits of the amount that was sent choose how its refund goes, after the HTTP
statuses of the same meaning, so that every outcome can be brought about with any order:

    ...202   taken on at first, done some seconds later
    ...403   refused
    ...503   the provider is down

Everything follows from the request: asking again with the same one answers the same.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from privata.core.errors import ProviderRefused, ProviderUnavailable
from privata.core.money import CONTEXT
from privata.providers.port import RefundReport, RefundRequest
from privata.providers.simulator.addresses import tx_hash

LATER: Final = (2, 0, 2)
REFUSED: Final = (4, 0, 3)
DOWN: Final = (5, 0, 3)

#: How long a refund that is done later takes.
TAKES: Final = timedelta(seconds=3)


def refund(request: RefundRequest, now: datetime) -> RefundReport:
    """How the refund stands at `now`; errors are those of the port."""
    wish = _last_digits(request.deposit)
    if wish == REFUSED:
        raise ProviderRefused("The simulated exchange refuses, as this amount asks.")
    if wish == DOWN:
        raise ProviderUnavailable("The simulated exchange is down, as this amount asks.")
    reference = hashlib.sha256(request.reference.encode()).hexdigest()
    named = f"simref-{reference[:24]}"
    done_at = request.requested_at + TAKES
    if wish == LATER and now < done_at:
        return RefundReport(done=False, provider_reference=named, check_at=done_at)
    sent = tx_hash(request.seed, f"refund:{request.asset}:{request.network}")
    return RefundReport(done=True, provider_reference=named, tx_hash=sent)


def _last_digits(amount: Decimal) -> tuple[int, ...]:
    """The last three digits that are written: 2, 0, 2 of 0.10202000."""
    return amount.normalize(CONTEXT).as_tuple().digits[-3:]
