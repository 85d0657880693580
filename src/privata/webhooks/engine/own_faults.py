"""What of ours keeps deliveries from going out: said in the log, and watched until it is over.

A delivery that failed through us waits longer each time, so that a fault that lasts writes few
attempts. Whoever waits because of our network must not wait on when it is back: the network is
looked at every few seconds (the routing table, and the reference hosts of network and name
resolution where there are any), and once it answers again everything that waits for us is made due.
What fails once more waits as long as before.
"""

# What is put together here are constants of this file.
# ruff: noqa: S608

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

log = logging.getLogger(__name__)

#: Seconds between two lines of the log about one and the same fault.
ALARM_EVERY_S: Final = 300.0

#: Seconds between two looks at a network that had failed.
LOOK_EVERY_S: Final = 5.0

#: The network may answer and sends fail all the same; then those that wait are woken this often
#: at most, seconds: doubled each time up to the longest.
WAKE_AGAIN_S: Final = 60.0
LONGEST_WAKE_S: Final = 3600.0

#: What to do, for whoever reads the log; the rest is in docs/self-hosting.md.
_ADVICE: Final[dict[str, str]] = {
    "no_ipv6": "this machine has no route to IPv6 addresses; add one, or ask partners for IPv4"
    " addresses",
    "no_ipv4": "this machine has no route to IPv4 addresses; check its network",
    "unproven_ipv6": "there is a route for IPv6, but a router rejects it and nothing has responded"
    " over IPv6 since this worker started; fix it, or ask partners for IPv4 addresses",
    "network_silent_ipv4": "nothing responds over IPv4 anymore; check the outbound network",
    "network_silent_ipv6": "nothing responds over IPv6 anymore; check the outbound network",
    "resolver_silent": "name resolution does not respond; check /etc/resolv.conf",
    "no_local_port": "all local ports are in use",
    "EMFILE": "this process has too few file descriptors (ulimit -n)",
    "ENFILE": "this machine has too few file descriptors",
    "EPERM": "a firewall on this machine rejects the connection",
}

# By the indexes of what is pending: a plan that walks the whole log would hold up the claims.
_WAITS: Final = """
    SELECT d.ctid AS place FROM webhook_due AS d
    WHERE d.endpoint_id = e.id AND {attempts} AND d.due_at > now()
      AND d.last_outcome = 'internal' AND d.leased_until IS NULL
    FOR NO KEY UPDATE OF d SKIP LOCKED"""

#: Makes everything due that waits because its last attempt was our fault.
WAKE: Final = f"""
UPDATE webhook_due SET due_at = now()
WHERE ctid = ANY (ARRAY(
    SELECT waits.place FROM webhook_endpoint AS e CROSS JOIN LATERAL (
        SELECT * FROM ({_WAITS.format(attempts="d.attempts = 0")}) AS firsts
        UNION ALL
        SELECT * FROM ({_WAITS.format(attempts="d.attempts > 0")}) AS retries
    ) AS waits
    WHERE e.status IN ('active', 'resuming')))
"""


class Failed(Protocol):
    """What is read of a result."""

    reason: str
    detail: str
    way: str


@dataclass(slots=True)
class _Fault:
    since: float
    count: int = 0
    said_at: float | None = None


@dataclass(slots=True)
class OwnFaults:
    """The faults of one process. Times are monotonic, in seconds."""

    clock: Callable[[], float] = time.monotonic
    _faults: dict[str, _Fault] = field(default_factory=dict)
    _ways: dict[str, float] = field(default_factory=dict)
    _woken: dict[str, tuple[float, float]] = field(default_factory=dict)

    def note(self, failed: Failed) -> None:
        """An attempt came to nothing through us."""
        now = self.clock()
        reason = failed.reason or "unknown"
        fault = self._faults.get(reason)
        if fault is None or (fault.said_at is not None and now - fault.said_at > 2 * ALARM_EVERY_S):
            fault = self._faults[reason] = _Fault(now)
        fault.count += 1
        if failed.way:
            self._ways.setdefault(failed.way, now)
        if fault.said_at is None or now - fault.said_at >= ALARM_EVERY_S:
            fault.said_at = now
            log.warning(
                "OUR FAULT: deliveries cannot be sent (%s): %s; %d time(s) in %d s",
                reason,
                _ADVICE.get(reason) or failed.detail or "see above",
                fault.count,
                now - fault.since,
            )

    async def came_back(self, is_back: Callable[[str], Awaitable[bool]]) -> bool:
        """Whether a way out that had failed works again, by what `is_back` says of it."""
        back = False
        for way in list(self._ways):
            now = self.clock()
            woken_at, pause = self._woken.get(way, (0.0, 0.0))
            if (pause and now - woken_at < pause) or not await is_back(way):
                continue
            log.warning("our fault is over: %s works again; waiting deliveries continue", way)
            since = self._ways.pop(way)
            # One that fails again at once gets the next wake later and later.
            again = pause and since - woken_at < 2 * pause
            longer = min(LONGEST_WAKE_S, 2 * pause) if again else WAKE_AGAIN_S
            self._woken[way] = (now, longer)
            back = True
        return back
