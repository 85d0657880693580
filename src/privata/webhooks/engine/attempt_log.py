"""One line of the log for each attempt: what was sent to whom, how it ended, what was decided.

It is written when the attempt has ended, before its result is in the database. No URL, header or
body is in it: they may hold what only the partner should see.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Final

from privata.core.clock import iso
from privata.infra.telemetry import facts
from privata.webhooks.engine.claims import Claim
from privata.webhooks.engine.decisions import Decision
from privata.webhooks.outcomes import RULES
from privata.webhooks.states import DeliveryStatus
from privata.webhooks.transport.transport import SendResult

log = logging.getLogger(__name__)

#: What was decided; `ours` is a retry after a fault on our side, which costs no attempt.
_DECISIONS: Final = {
    DeliveryStatus.DELIVERED: "delivered",
    DeliveryStatus.EXHAUSTED: "exhausted",
    DeliveryStatus.PENDING: "retry",
}


def log_attempt(claim: Claim, result: SendResult, decision: Decision, ended_at: datetime) -> None:
    """Write the line. Where the level is off, this costs one look at the level."""
    if not log.isEnabledFor(logging.INFO):
        return
    again = decision.status is DeliveryStatus.PENDING
    log.info(
        "delivery attempt",
        extra=facts(
            delivery=str(claim.delivery_id),
            event=claim.event_id,
            endpoint=str(claim.endpoint_id),
            organization=str(claim.organization_id),
            environment=claim.environment,
            attempt=claim.attempts + 1,
            outcome=result.outcome.value,
            status=result.status_code,
            reason=result.reason or None,
            ms=round(result.duration_ms),
            decision="ours" if RULES[result.outcome].ours else _DECISIONS[decision.status],
            retry_at=iso(ended_at + timedelta(seconds=decision.wait_s)) if again else None,
        ),
    )
