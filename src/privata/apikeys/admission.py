"""Letting calls in: whose key it is, whether its address is locked out, and whether it has a token
left, in one round trip; exact over any number of processes, since the database decides.

Calls that come while a statement runs share the next one. So a busy partner's calls do not queue up
for the row of its bucket one by one, and a lone call never waits for company.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

import asyncpg

from privata.apikeys.admission_sql import ADMIT, companion_apart, with_companion
from privata.apikeys.digests import KEYS
from privata.apikeys.rules import well_formed
from privata.core import standing
from privata.core.standing import OrganizationStatus
from privata.core.tenancy import Actor, ActorKind, Environment
from privata.infra.context import AppContext
from privata.infra.http.proxies import source_of
from privata.infra.limits import Allowance, Kind

#: Calls in one statement, and statements of one kind that run at once in a process. The second
#: goes ahead when the first waits for a bucket that another process has locked.
GROUP: Final = 64
AT_ONCE: Final = 2


@dataclass(frozen=True, slots=True)
class Companion:
    """A read that the admission brings along, so that a hot route costs one round trip in all.

    `sql` may use `found.organization_id`, `found.environment` and `call.about`; it yields at most
    one row, whose columns are null where there is none. It is read before the key's scope is
    looked at: the route must ask for its actor before it uses the row.
    """

    sql: str
    statement: str = field(init=False)
    #: The read by itself, where the database is distributed, and what its parameters stand for.
    apart: str = field(init=False)
    used: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        apart, used = companion_apart(self.sql)
        for name, value in (
            ("statement", with_companion(self.sql)),
            ("apart", apart),
            ("used", used),
        ):
            object.__setattr__(self, name, value)

    async def read(self, ctx: AppContext, actor: Actor, about: str) -> asyncpg.Record | None:
        """The row about one call of the actor, by a statement of its own."""
        known = {
            "call.about": about,
            "found.organization_id": actor.organization_id,
            "found.environment": actor.environment.value,
        }
        return await ctx.database.pool.fetchrow(self.apart, *(known[name] for name in self.used))


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls for what: calls of equal callers are paid together.

    `with_key` and `without_key` are calls of this kind a minute.
    """

    key: str | None
    ip: str | None
    user_agent: str
    kind: Kind
    with_key: int
    without_key: int


@dataclass(frozen=True, slots=True)
class Admission:
    """The outcome: an actor or none, what is left of the bucket, or until when it is locked out.

    `barred`: the actor's organization is in a status in which its keys do not answer.
    """

    actor: Actor | None
    allowance: Allowance | None
    locked_until: datetime | None
    companion: asyncpg.Record | None = None
    barred: OrganizationStatus | None = None


@dataclass(slots=True)
class _Call:
    caller: Caller
    about: str
    answer: asyncio.Future[Admission]


class Admitter:
    """Admits the calls of one process; with `companion`, its row about each call comes along.

    Where the database is distributed, keys, lockouts and buckets are on another server than the
    partner's rows, and no statement may read both. The companion is then read by itself, for calls
    that were let in.
    """

    def __init__(self, ctx: AppContext, companion: Companion | None = None) -> None:
        self._ctx = ctx
        apart = ctx.settings.database_distributed
        self._companion = None if apart else companion
        self._afterwards = companion if apart else None
        self._waiting: list[_Call] = []
        self._running: set[asyncio.Task[None]] = set()

    async def admit(self, caller: Caller, about: str = "") -> Admission:
        """Look the key up and take a token; raises what the database driver raises."""
        answer: asyncio.Future[Admission] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Call(caller, about, answer))
        if len(self._running) < AT_ONCE:
            # A task of its own: a caller that hangs up must not take the others' answers along.
            task = asyncio.create_task(self._work())
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        admission = await answer
        actor, allowance = admission.actor, admission.allowance
        if self._afterwards is None or actor is None or admission.barred is not None:
            return admission
        if allowance is None or not allowance.granted:
            return admission
        return replace(admission, companion=await self._afterwards.read(self._ctx, actor, about))

    async def _work(self) -> None:
        while self._waiting:
            group = self._waiting[:GROUP]
            del self._waiting[:GROUP]
            try:
                await self._answer(group)
            except Exception as error:  # each caller of the group raises it
                for call in group:
                    if not call.answer.done():
                        call.answer.set_exception(error)
            except asyncio.CancelledError:
                for call in group:
                    call.answer.cancel()
                raise

    async def _answer(self, group: list[_Call]) -> None:
        numbers: dict[Caller, int] = {}
        for call in group:
            numbers.setdefault(call.caller, len(numbers))
        counts = [0] * len(numbers)
        for call in group:
            counts[numbers[call.caller]] += 1
        arguments = self._arguments(list(numbers), counts)
        pool = self._ctx.database.pool
        if self._companion is None:
            outcomes = {row["caller_n"]: row for row in await pool.fetch(ADMIT, *arguments)}
            rows = [outcomes[numbers[call.caller]] for call in group]
        else:
            found = await pool.fetch(
                self._companion.statement,
                *arguments,
                range(len(group)),
                [numbers[call.caller] for call in group],
                [call.about for call in group],
            )
            rows = sorted(found, key=_number)
        self._share_out(group, rows)

    def _arguments(self, callers: list[Caller], counts: list[int]) -> tuple[Sequence[Any], ...]:
        digests = [
            (n, digest)
            for n, caller in enumerate(callers)
            if caller.key is not None and well_formed(caller.key)
            for digest in self._ctx.sealer.digests(caller.key)
        ]
        return (
            range(len(callers)),
            [caller.ip for caller in callers],
            [source_of(caller.ip) for caller in callers],
            [caller.kind.value for caller in callers],
            [float(caller.with_key) for caller in callers],
            [float(caller.without_key) for caller in callers],
            counts,
            [n for n, _ in digests],
            [digest for _, digest in digests],
        )

    def _share_out(self, group: list[_Call], rows: Sequence[asyncpg.Record]) -> None:
        """Give what each bucket granted to its calls, in the order in which they came."""
        actors: dict[Caller, Actor | None] = {}
        given: defaultdict[tuple[str, Kind], int] = defaultdict(int)
        for call, row in zip(group, rows, strict=True):
            caller = call.caller
            if call.answer.done():  # hung up; its token stays taken
                continue
            if row["caller_locked_until"] is not None:
                call.answer.set_result(Admission(None, None, row["caller_locked_until"]))
                continue
            if caller not in actors:
                actors[caller] = _actor(caller, row)
                self._note_use(caller, row)
            actor = actors[caller]
            bucket = (row["caller_subject"], caller.kind)
            nth = given[bucket] = given[bucket] + 1
            left = row["caller_granted"] - nth
            allowance = Allowance(
                caller.without_key if actor is None else caller.with_key,
                row["caller_tokens"] + max(0, left),
                left >= 0,
            )
            barred = None if actor is None else _barred(actor, row)
            along = None if self._companion is None or actor is None or barred else row
            call.answer.set_result(Admission(actor, allowance, None, along, barred))

    def _note_use(self, caller: Caller, row: asyncpg.Record) -> None:
        if row["caller_secret"] is not None and caller.key is not None:
            under = row["caller_digest_key"]
            self._ctx.digests.used(KEYS, row["caller_secret"], under, caller.key)


def _number(row: asyncpg.Record) -> int:
    number: int = row["call_i"]
    return number


def _barred(actor: Actor, row: asyncpg.Record) -> OrganizationStatus | None:
    status = OrganizationStatus(row["caller_status"])
    return None if standing.keys_work(status, actor.environment) else status


def _actor(caller: Caller, row: asyncpg.Record) -> Actor | None:
    if row["caller_key"] is None:
        return None
    return Actor(
        kind=ActorKind.KEY,
        id=str(row["caller_key"]),
        label=row["caller_prefix"],
        organization_id=row["caller_organization"],
        environment=Environment(row["caller_environment"]),
        scopes=frozenset(row["caller_scopes"]),
        ip=caller.ip,
        user_agent=caller.user_agent,
    )
