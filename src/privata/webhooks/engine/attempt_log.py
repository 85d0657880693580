"""One line of the log for each attempt: what was sent to whom, how it ended, what was decided.

It is written when the attempt has ended, before its result is in the database. No URL, host,
address, header or body is in it: they may hold what only the partner should see.
"""

from __future__ import annotations

import logging
import re
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from privata.core.clock import iso
from privata.infra.telemetry import facts
from privata.webhooks.engine.claims import Claim
from privata.webhooks.engine.decisions import Decision
from privata.webhooks.outcomes import RULES
from privata.webhooks.states import DeliveryStatus
from privata.webhooks.transport.transport import SendResult

log = logging.getLogger(__name__)


class Decided(StrEnum):
    """What follows; `ours` is a retry after a fault on our side, which costs no attempt."""

    DELIVERED = "delivered"
    EXHAUSTED = "exhausted"
    RETRY = "retry"
    OURS = "ours"


_DECISIONS: Final = {
    DeliveryStatus.DELIVERED: Decided.DELIVERED,
    DeliveryStatus.EXHAUSTED: Decided.EXHAUSTED,
    DeliveryStatus.PENDING: Decided.RETRY,
}

#: The name of a cause stands before its colon. What follows, and what looks like no name, may be of
#: the receiver: its address, or its host in the words of OpenSSL.
_NAME: Final = re.compile(r"([A-Za-z][\w -]{0,60}?)(?:: |$)", re.ASCII)


def log_attempt(claim: Claim, result: SendResult, decision: Decision, ended_at: datetime) -> None:
    """Write the line. Where the level is off, this costs one look at the level."""
    if not log.isEnabledFor(logging.INFO):
        return
    again = decision.status is DeliveryStatus.PENDING
    log.info(
        "delivery attempt",
        extra=facts(
            delivery=claim.delivery_id,
            event=claim.event_id,
            endpoint=claim.endpoint_id,
            organization=claim.organization_id,
            environment=claim.environment,
            attempt=claim.attempts + 1,
            outcome=result.outcome,
            status=result.status_code,
            reason=_named(result.reason) if result.reason else None,
            ms=round(result.duration_ms),
            decision=Decided.OURS if RULES[result.outcome].ours else _DECISIONS[decision.status],
            retry_at=iso(ended_at + timedelta(seconds=decision.wait_s)) if again else None,
        ),
    )


def _named(reason: str) -> str | None:
    """The cause by its name alone."""
    found = _NAME.match(reason)
    return found[1] if found else None
