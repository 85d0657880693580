"""One attempt: unseal, sign, send, judge. Nothing of the database is held meanwhile."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from privata.infra.sealing import Sealer, UnsealError
from privata.webhooks.endpoints.pausing import error_text
from privata.webhooks.engine.attempt_log import log_attempt
from privata.webhooks.engine.claims import Claim
from privata.webhooks.engine.decisions import decide
from privata.webhooks.engine.own_faults import OwnFaults
from privata.webhooks.engine.recording import AttemptRecord
from privata.webhooks.outcomes import RULES, Outcome
from privata.webhooks.schedule import schedule_for
from privata.webhooks.signing.signatures import Message, body_for, headers_for, secret_context
from privata.webhooks.transport.guard import Policy
from privata.webhooks.transport.transport import OutboundRequest, SendResult, Transport

log = logging.getLogger(__name__)

_MAX_DETAIL = 512


@dataclass(frozen=True, slots=True)
class Lease:
    """A claim and when it was asked for, on our monotonic clock, in seconds.

    The times of an attempt are the database's, carried forward by that clock: a machine whose
    own clock is wrong signs and retries at the right time all the same.
    """

    claim: Claim
    asked_at: float
    monotonic: Callable[[], float] = time.monotonic

    def now(self) -> datetime:
        """The database's time now."""
        return self.claim.claimed_at + timedelta(seconds=self.age())

    def age(self) -> float:
        """Seconds since the claim was asked for; the lease began later."""
        return self.monotonic() - self.asked_at


class Sender:
    """Makes attempts; one for each dispatcher."""

    def __init__(
        self,
        transport: Transport,
        sealer: Sealer,
        policies: Mapping[str, Policy],
        *,
        deadline_s: float,
        rng: Random,
    ) -> None:
        self._transport = transport
        self._sealer = sealer
        self._policies = policies
        self._deadline_s = deadline_s
        self._rng = rng
        self.own_faults = OwnFaults()

    async def attempt(self, lease: Lease) -> AttemptRecord:
        """Send once; whatever goes wrong, the record says so."""
        claim, started_at = lease.claim, lease.now()
        secrets = [
            one for one in claim.secrets if one.expires_at is None or one.expires_at > started_at
        ]
        signed_at = int(started_at.timestamp())
        try:
            plain = [
                self._sealer.unseal(one.sealed, secret_context(one.id)).decode() for one in secrets
            ]
            message = Message(
                claim.event_id,
                str(claim.delivery_id),
                claim.attempts + 1,
                signed_at,
                body_for(claim.dialect, claim.body),
            )
            headers = headers_for(claim.dialect, plain, message)
        except (UnsealError, ValueError, KeyError) as error:
            # Ours to mend (a secret key that is missing, say): it must not cost an attempt.
            log.error("delivery %s cannot be signed: %s", claim.delivery_id, error)  # noqa: TRY400
            result = SendResult(Outcome.INTERNAL, 0.0, reason=type(error).__name__)
        else:
            result = await self._transport.send(
                OutboundRequest(
                    claim.url,
                    headers,
                    message.body,
                    self._policies[claim.environment],
                    self._deadline_s,
                    message.delivery_id,
                )
            )
        ids = ",".join(str(one.id) for one in secrets)
        return self._attempt_record(lease, result, started_at, signed_at, f"{{{ids}}}")

    def _attempt_record(
        self, lease: Lease, result: SendResult, started_at: datetime, signed_at: int, ids: str
    ) -> AttemptRecord:
        claim, ended_at = lease.claim, lease.now()
        decision = decide(
            result,
            attempts=claim.attempts,
            first_attempt_at=claim.first_attempt_at or started_at,
            now=ended_at,
            schedule=schedule_for(claim.dialect, claim.schedule_s),
            rng=self._rng,
            unaided=claim.unaided,
            # Each lease of a delivery spends an attempt or none; the last one is this one.
            unspent=claim.lease_token - 1 - claim.attempts,
        )
        if RULES[result.outcome].ours:
            self.own_faults.note(result)
        log_attempt(claim, result, decision, ended_at)
        headers = json.dumps(result.response_headers) if result.response_headers else None
        return AttemptRecord(
            delivery_id=claim.delivery_id,
            lease_token=claim.lease_token,
            endpoint_id=claim.endpoint_id,
            organization_id=claim.organization_id,
            environment=claim.environment,
            status=decision.status.value,
            spent=decision.spent,
            wait_s=decision.wait_s,
            gone=decision.gone,
            number=claim.attempts + 1,
            secret_ids=ids,
            url=claim.url,
            address=result.address,
            signed_at=signed_at,
            started_at=started_at,
            duration_ms=round(result.duration_ms),
            outcome=result.outcome.value,
            status_code=result.status_code,
            detail=result.detail[:_MAX_DETAIL],
            response_headers=headers,
            response_excerpt=result.response_excerpt,
            response_truncated=result.truncated,
            counts=RULES[result.outcome].counts,
            probing=claim.probing,
            error=error_text(result.outcome.value, result.status_code, result.detail),
        )
