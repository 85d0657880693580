"""Days of one endpoint's life in milliseconds: the engine's own rules on a clock that is moved.

What decides is the product's: `decisions.decide` after each attempt, `pausing.judge` for the
endpoint, `signing` for the proof. What is played here is the dispatcher's part: which delivery is
due next, the ordering keys, the probe, the pace, one attempt at a time. The receiver is a function
of time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random

from privata.core.clock import ManualClock
from privata.webhooks.endpoints.pausing import Evidence, Reason, Standing, Tell, judge
from privata.webhooks.engine.decisions import decide
from privata.webhooks.outcomes import GONE, RULES, Outcome
from privata.webhooks.schedule import DEFAULT_SCHEDULE
from privata.webhooks.signing.signatures import sign_privata
from privata.webhooks.states import DeliveryStatus, EndpointStatus
from privata.webhooks.transport.transport import SendResult

START = datetime(2026, 5, 21, 8, 0, tzinfo=UTC)
PROBE_EVERY = timedelta(minutes=10)
PACE_PER_S = 20
BODY = b'{"event":"order.completed"}'

OK = SendResult(Outcome.DELIVERED, 1.0, status_code=200)
DOWN = SendResult(Outcome.HTTP_ERROR, 1.0, status_code=500)
AWAY = SendResult(Outcome.INTERNAL, 1.0)
STOP = SendResult(Outcome.HTTP_ERROR, 1.0, status_code=GONE)

#: The answer to an attempt at a moment; it gets the signature to check.
Receiver = Callable[[datetime, str], SendResult]


@dataclass
class Duty:
    """One event for the endpoint, and what was tried; `at_once` of that because of a resumption."""

    number: int
    order: int
    due: datetime
    status: DeliveryStatus = DeliveryStatus.PENDING
    spent: int = 0
    first_at: datetime | None = None
    tries: list[tuple[datetime, SendResult]] = field(default_factory=list)
    at: datetime = START
    at_once: int = 0


@dataclass
class Life:
    """An endpoint with its queue. `told` are the ops events with their times."""

    receiver: Receiver
    seed: int = 0
    probes: bool = True
    clock: ManualClock = field(default_factory=lambda: ManualClock(START))
    standing: Standing = field(default_factory=lambda: Standing(EndpointStatus.ACTIVE))
    duties: list[Duty] = field(default_factory=list)
    told: list[tuple[datetime, Tell]] = field(default_factory=list)
    sent_while_paused: int = 0
    secrets: list[tuple[str, datetime | None]] = field(
        default_factory=lambda: [("whsec_test_1", None)]
    )

    def __post_init__(self) -> None:
        self._rng = Random(self.seed)
        self._pending: list[Duty] = []
        self._resumed_at: datetime | None = None
        self._paced_until = START

    def publish(self, *, order: int) -> Duty:
        """An event now."""
        made = Duty(len(self.duties), order, self.clock.now(), at=self.clock.now())
        self.duties.append(made)
        self._pending.append(made)
        return made

    def rotate(self, secret: str, *, overlap: timedelta) -> None:
        """A new secret beside the old one, which ends after the overlap."""
        now = self.clock.now()
        self.secrets = [(old, ends or now + overlap) for old, ends in self.secrets]
        self.secrets.append((secret, None))

    def resume(self, by: str | None = "ada") -> None:
        """By a person, or (None) by our own probe."""
        assert self.standing.status is EndpointStatus.PAUSED
        now = self.clock.now()
        self._resumed_at = now
        forgotten = () if by else self.standing.failures
        self.standing = replace(
            self.standing, status=EndpointStatus.RESUMING, resumed_by=by, failures=forgotten
        )
        if by:
            self.told.append((now, Tell.RESUMED))

    def run(self, until: datetime) -> None:
        """Live until then."""
        while (coming := self._next()) is not None and coming[0] <= until:
            at, duty = coming
            self.clock.advance(at - self.clock.now())
            if duty is None:
                self.resume(None)
            else:
                self._attempt(duty)
        self.clock.advance(max(timedelta(0), until - self.clock.now()))

    def _next(self) -> tuple[datetime, Duty | None] | None:
        """When something happens next, and which attempt that is; none is the turn of our probe."""
        if not self._pending:
            return None
        now, standing = self.clock.now(), self.standing
        if standing.status is EndpointStatus.PAUSED:
            if not self.probes or standing.paused_reason != Reason.FAILURES:
                return None
            assert standing.paused_at is not None
            rested = max(standing.paused_at, standing.probed_at or START) + PROBE_EVERY
            return max(now, rested), None  # whenever it was due
        open_ones = self._open()
        at = max(now, min(due for due, _ in open_ones))
        resuming = standing.status is EndpointStatus.RESUMING
        if resuming and not standing.probing:
            at = max(at, self._paced_until)
        ready = (duty for due, duty in open_ones if due <= at)
        if resuming:  # the oldest; else first attempts before retries
            return at, min(ready, key=lambda duty: duty.number)
        return at, min(ready, key=lambda duty: (duty.spent > 0, duty.due, duty.number))

    def _waits(self, duty: Duty) -> bool:
        """The endpoint is resuming, and this one has not had its turn."""
        if self.standing.status is not EndpointStatus.RESUMING:
            return False
        assert self._resumed_at is not None
        return not duty.tries or duty.tries[-1][0] < self._resumed_at

    def _open(self) -> list[tuple[datetime, Duty]]:
        """What may be sent, now or later, and when: all but the followers of one that was never
        tried."""
        resuming = self.standing.status is EndpointStatus.RESUMING
        heads: set[int] = set()
        found = []
        for duty in self._pending:
            waits = resuming and self._waits(duty)
            if waits or not duty.spent:
                if duty.order in heads:
                    continue
                heads.add(duty.order)
            found.append(((self._resumed_at or START) if waits else duty.due, duty))
        return found

    def _attempt(self, duty: Duty) -> None:
        now = self.clock.now()
        probing = self.standing.probing
        duty.at_once += self._waits(duty)
        self.sent_while_paused += self.standing.status is EndpointStatus.PAUSED
        valid = [secret for secret, ends in self.secrets if ends is None or ends > now]
        result = self.receiver(now, sign_privata(valid, int(now.timestamp()), BODY))
        decision = decide(
            result,
            attempts=duty.spent,
            first_attempt_at=duty.first_at or now,
            now=now,
            schedule=DEFAULT_SCHEDULE,
            rng=self._rng,
            unaided=probing and self.standing.resumed_by is None,
        )
        duty.tries.append((now, result))
        duty.first_at = duty.first_at or (now if decision.spent else None)
        duty.spent += decision.spent
        duty.status = decision.status
        duty.due = now + timedelta(seconds=decision.wait_s)
        if duty.status is not DeliveryStatus.PENDING:
            self._pending.remove(duty)
        self._judge(result, gone=decision.gone, probing=probing)

    def _judge(self, result: SendResult, *, gone: bool, probing: bool) -> None:
        now = self.clock.now()
        counts = RULES[result.outcome].counts
        delivered = result.outcome is Outcome.DELIVERED
        seen = Evidence(
            failed=int(counts),
            gone=gone,
            probed=probing,
            proved=probing and delivered,
            refuted=probing and counts,
        )
        self.standing, tell = judge(self.standing, seen, now)
        if tell is not None:
            self.told.append((now, tell))
        if self.standing.status is EndpointStatus.RESUMING and not self.standing.probing:
            self._paced_until = now + timedelta(seconds=1 / PACE_PER_S)
            assert self._resumed_at is not None
            if not any(self._waits(duty) for duty in self._pending if duty.at <= self._resumed_at):
                self.standing = Standing(EndpointStatus.ACTIVE)
