"""Whether this process can do its work, looked at in the background: who asks costs no query.

The looks have a connection of their own, so that a pool whose connections all hang says nothing
about the database, and a hanging look takes none from the requests. A look is cut off after its
deadline by closing the connection: to cancel a statement one needs a server that answers.

What is looked at has names, which `/readyz` tells (docs/self-hosting.md). A program registers
checks of its own: `Check` for what the database is asked, `add` for what the process knows.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, TypeAlias

import asyncpg

from privata.core.clock import Clock, SystemClock
from privata.infra.database.connecting import connect
from privata.infra.database.faults import NotWritable, PassingFault, passing_fault
from privata.infra.database_clock import skew_text
from privata.infra.faults import in_one_line

log = logging.getLogger(__name__)

#: What is told is at most this old, seconds; older counts as not ready, whatever it was.
MOST_AGE_S: Final = 5.0

#: How far the clock of this machine may be from the database's, unless a program says otherwise,
#: seconds (`PRIVATA_CLOCK_SKEW_SECONDS`).
MOST_SKEW_S: Final = 5.0

#: `transaction_read_only` is on at a standby, too; a session keeps what a database or role had set
#: when it began, hence `LookPace.renew_s`.
_LOOK: Final = """
SELECT pg_is_in_recovery() AS standby, current_setting('transaction_read_only')::bool AS read_only,
       clock_timestamp() AS now
"""

# The names of the checks that every process makes.
DATABASE: Final = "database"
WRITABLE: Final = "writable"
CLOCK: Final = "clock"
DRAINING: Final = "draining"

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


@dataclass(frozen=True, slots=True)
class LookPace:
    """Seconds between two looks, how long one may take, and after which its connection is replaced.

    The first two together less than `MOST_AGE_S`, or a database that answers would count as one
    that does not.
    """

    every_s: float = 2.0
    deadline_s: float = 2.0
    renew_s: float = 10.0


@dataclass(frozen=True, slots=True)
class Check:
    """What the database is asked with each look, or no more often than `every_s`.

    `ask` returns None if all is well, or else a short reason: without a secret, and without the
    address of anything.
    """

    name: str
    ask: Callable[[Connection], Awaitable[str | None]]
    every_s: float = 0.0


@dataclass(slots=True)
class _Seen:
    """What one look has found: reasons by the names of checks, None where all is well."""

    at: float = 0.0
    reasons: dict[str, str | None] = field(default_factory=dict)
    warnings: dict[str, str | None] = field(default_factory=dict)
    asked_at: dict[str, float] = field(default_factory=dict)


class Readiness:
    """What is known of the database at `url`; nothing at first, which is not ready.

    `came_back` is called each time the database answers again, `answered` after each look that it
    answered, and `told_time` with the database's time and the seconds it took to hear it; they must
    not wait nor raise. `machine` is the clock that is compared with the database's. What
    `warnings` find is told, and new work may be sent here all the same.
    """

    def __init__(
        self,
        url: str,
        pace: LookPace = LookPace(),  # it is frozen
        monotonic: Callable[[], float] = time.monotonic,
        came_back: Callable[[], None] | None = None,
        answered: Callable[[], None] | None = None,
        checks: Iterable[Check] = (),
        warnings: Iterable[Check] = (),
        machine: Clock | None = None,
        told_time: Callable[[datetime, float], None] | None = None,
        most_skew_s: float = MOST_SKEW_S,
    ) -> None:
        self._url = url
        self._pace = pace
        self._monotonic = monotonic
        self._came_back = came_back
        self._on_answer = answered
        self._checks = tuple(checks)
        self._warnings = tuple(warnings)
        self._machine = SystemClock() if machine is None else machine
        self._told_time = told_time
        self._most_skew_s = most_skew_s
        self._known: dict[str, Callable[[], str | None]] = {DRAINING: self._why_draining}
        self._draining = False
        self._seen = _Seen()
        self._connection: Connection | None = None
        self._connected_at = 0.0
        self._error = ""
        #: Seconds by which this machine's clock is ahead of the database's; None: not known yet.
        self.skew_s: float | None = None

    def add(self, name: str, reason: Callable[[], str | None]) -> None:
        """Register a check of something that this process knows by itself."""
        self._known[name] = reason

    def drain(self) -> None:
        """Say from now on that this process is not ready: it is about to stop."""
        self._draining = True

    @property
    def ready(self) -> bool:
        """Whether new work may be sent here: every check is well, and what is known is not old."""
        return all(reason is None for reason in self.reasons().values())

    @property
    def database_ready(self) -> bool:
        """Whether the last look found a database that can be written, and is not too old."""
        found = self.reasons()
        return found[DATABASE] is None and found.get(WRITABLE) is None

    def reasons(self) -> dict[str, str | None]:
        """Each check by name, and why it failed; None: it is well.

        While the database does not answer, nothing is said of what it would be asked.
        """
        known = {name: reason() for name, reason in self._known.items()}
        if self._seen.at == 0.0 or self._monotonic() - self._seen.at > MOST_AGE_S:
            return {DATABASE: str(PassingFault.TOO_SLOW), **known}
        return {**self._seen.reasons, **known}

    def report(self) -> dict[str, Any]:
        """What the probes tell: `status`, and of each check whether it is well, or why not."""
        reasons = self.reasons()
        failed = any(reasons.values())
        return {
            "status": "unavailable" if failed else "ok",
            "checks": {
                name: {"status": "ok"} if reason is None else {"status": "failed", "reason": reason}
                for name, reason in reasons.items()
            },
            "warnings": {name: text for name, text in self._seen.warnings.items() if text},
            "clock_skew_ms": None if self.skew_s is None else round(self.skew_s * 1000),
        }

    @contextlib.asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Look once, then go on looking for as long as the block runs."""
        await self.look()
        task = asyncio.create_task(self._go_on())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            self._hang_up()

    async def look(self) -> None:
        """Look now, and keep what was seen; raises nothing, and never takes much longer than the
        deadline."""
        # The age counts from the beginning: that is when what was seen was true.
        seen, before = _Seen(self._monotonic()), self._seen
        problem = await self._problem(self._asked(seen), seen)
        if problem is None and self._connection is not None and CLOCK in seen.reasons:
            # With a deadline of its own: each question is two round trips on a new connection, and
            # a database that is far away is not one that hangs.
            problem = await self._problem(self._asked_more(self._connection, seen), seen)
        if problem is not None:
            self._hang_up()
            seen.reasons = {DATABASE: problem}
        self._seen = seen
        self._tell(before.reasons, seen.reasons, first=before.at == 0.0)
        if problem is None:
            # What was connected while it was read-only stays so: see `LookPace.renew_s`.
            was_away = before.reasons.get(DATABASE) or before.reasons.get(WRITABLE)
            if was_away and seen.reasons[WRITABLE] is None and self._came_back is not None:
                self._came_back()
            if self._on_answer is not None:
                self._on_answer()

    def _tell(
        self, before: dict[str, str | None], now: dict[str, str | None], *, first: bool
    ) -> None:
        """Write down what changed; of a database that does not answer nothing else is known."""
        for name, reason in now.items():
            was = before.get(name)
            if reason is not None and was is None:
                # The probes do not tell the rest: it can name the database's address and role.
                rest = f" ({self._error})" if name == DATABASE and self._error else ""
                log.warning("not ready: %s: %s%s", name, reason, rest)
            elif reason is None and was is not None and not first:
                log.warning("ready again: %s", name)

    async def _go_on(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            # From beginning to beginning: looks that take long are not farther apart.
            due = max(due + self._pace.every_s, loop.time())
            await asyncio.sleep(due - loop.time())
            await self.look()

    async def _problem(self, asking: Coroutine[Any, Any, None], seen: _Seen) -> str | None:
        self._error = ""
        task = asyncio.create_task(asking)
        try:
            done, _ = await asyncio.wait({task}, timeout=self._pace.deadline_s)
        except asyncio.CancelledError:
            self._hang_up()
            task.cancel()
            raise
        if not done:
            self._hang_up()  # ends a statement; a connection that is being made is cancelled
            task.cancel()
            return str(PassingFault.TOO_SLOW)
        error = task.exception()
        if error is None:
            return None
        if isinstance(error, NotWritable):
            # It answers, and says no more to those who want to write.
            seen.reasons = {DATABASE: None, WRITABLE: str(PassingFault.READ_ONLY)}
            return None
        self._error = in_one_line(error)
        return str(passing_fault(error) or PassingFault.UNREACHABLE)

    async def _asked(self, seen: _Seen) -> None:
        connection = await self._open()
        sent_at, asked = self._monotonic(), self._machine.now()
        row = await connection.fetchrow(_LOOK)
        assert row is not None
        seen.reasons[DATABASE] = None
        seen.reasons[WRITABLE] = (
            "the database is a standby"
            if row["standby"]
            else str(PassingFault.READ_ONLY)
            if row["read_only"]
            else None
        )
        took_s = self._monotonic() - sent_at
        seen.reasons[CLOCK] = self._compared(asked, row["now"], took_s)
        if self._told_time is not None:
            self._told_time(row["now"], took_s)

    async def _asked_more(self, connection: Connection, seen: _Seen) -> None:
        await self._ask(connection, seen, self._checks, seen.reasons, self._seen.reasons)
        await self._ask(connection, seen, self._warnings, seen.warnings, self._seen.warnings)

    async def _ask(
        self,
        connection: Connection,
        seen: _Seen,
        checks: Iterable[Check],
        found: dict[str, str | None],
        before: dict[str, str | None],
    ) -> None:
        for check in checks:
            asked_at = self._seen.asked_at.get(check.name)
            if asked_at is not None and self._monotonic() - asked_at < check.every_s:
                seen.asked_at[check.name] = asked_at
                found[check.name] = before.get(check.name)
                continue
            seen.asked_at[check.name] = self._monotonic()
            found[check.name] = await check.ask(connection)

    def _compared(self, asked: datetime, told: datetime, took_s: float) -> str | None:
        """The database read its clock half a round trip after it was asked, more or less."""
        self.skew_s = (asked - told).total_seconds() + took_s / 2
        if abs(self.skew_s) <= self._most_skew_s:
            return None
        return f"the clock of this machine is {skew_text(self.skew_s)}"

    async def _open(self) -> Connection:
        """The connection of the looks; a new one now and then, which sees what was set since."""
        old = self._connection
        if old is not None and not old.is_closed():
            if self._monotonic() - self._connected_at < self._pace.renew_s:
                return old
            try:
                await self._connect()
            except Exception as error:
                # All are in use, by those who can go on with theirs, and so can this.
                if passing_fault(error) is not PassingFault.FULL:
                    raise
                return old
            old.terminate()
        else:
            await self._connect()
        assert self._connection is not None
        return self._connection

    async def _connect(self) -> None:
        # The deadline of the look is ours, whatever `connect_timeout` the URL has.
        self._connection = await connect(self._url, {"application_name": "privata-ready"})
        self._connected_at = self._monotonic()

    def _hang_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()

    def _why_draining(self) -> str | None:
        return "this process is about to stop" if self._draining else None
