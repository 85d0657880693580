"""The dispatcher: claims what is due, sends it, records what became of it.

Two statements for a batch, whatever its size: a claim and a record. Both overlap the sends:
while some are under way the next are claimed and the finished ones are recorded, so nothing waits
for the slowest of a batch. Nothing of the database is held while sending. See decision 0005.

A delivery takes a slot from its claim until it is recorded (`slots` says which). So at most that
many can be repeated when this process is killed, and a database that is slow or away slows the
sends down instead of piling up results.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from uuid import UUID

import asyncpg

from privata.events.service import DELIVERIES_WAKEUP, LIVE_WAKEUP, live_payload
from privata.infra.context import AppContext
from privata.webhooks.engine.claims import Claim, claim, give_back, seconds_to_next_due
from privata.webhooks.engine.own_faults import LOOK_EVERY_S, WAKE
from privata.webhooks.engine.reconnecting import CLOSE_S, ReconnectingConnection
from privata.webhooks.engine.recording import (
    RECORD_SETTINGS,
    AttemptRecord,
    Recorded,
    record_attempts,
)
from privata.webhooks.engine.sending import Lease, Sender
from privata.webhooks.engine.slots import Slots
from privata.webhooks.outcomes import RULES, Outcome
from privata.webhooks.transport.policies import policies
from privata.webhooks.transport.transport import Transport

log = logging.getLogger(__name__)

#: The slowest poll, a net for a lost wake-up; and the shortest sleep, seconds.
NET_S = 1.0
SHORTEST_S = 0.005

#: Quiet before the next due time is asked for while freed slots call for claims, seconds. A worker
#: that claims more often than this never asks, for a claim takes what has become due as well; and
#: it is short beside the time in which the bucket of a resuming endpoint fills (`pace`).
QUIET_S = 0.01

#: Pages hear of recorded deliveries at most this often, seconds.
LIVE_EVERY_S = 0.1

#: On a stop: seconds beyond the deadline of a send to record what was under way; and the most that
#: a stop takes, whatever that deadline is.
STOP_GRACE_S = 4.0
MOST_STOP_S = 7.0

#: How long a stop tries to give back what it has cut off, seconds.
GIVE_BACK_S = 1.0


class Dispatcher:
    """One worker's dispatcher; any number may run on one database."""

    def __init__(self, ctx: AppContext, transport: Transport) -> None:
        chosen = ctx.settings
        self._database = ctx.database
        self._per_endpoint = chosen.dispatch_per_endpoint
        self._deadline_s = chosen.delivery_timeout_seconds
        # A send begins in the first half of its lease and has to fit into the other one.
        self._lease_s = max(float(chosen.dispatch_lease_seconds), 2 * self._deadline_s)
        # Claims are as durable as records. A server that crashed would otherwise forget some,
        # give their tokens out again, and two sends would hold the same fence.
        direct, pooled = ctx.database.direct_url, ctx.database.url
        self._claims = ReconnectingConnection(direct, "claims", pooled)
        self._records = ReconnectingConnection(direct, "records", pooled, **RECORD_SETTINGS)
        self._transport = transport
        self._sender = Sender(
            transport,
            ctx.sealer,
            policies(chosen),
            deadline_s=self._deadline_s,
            rng=random.SystemRandom(),
        )
        self._sends: dict[asyncio.Task[None], Claim] = {}
        self._slots = Slots(chosen.dispatch_concurrency, chosen.dispatch_per_endpoint)
        self._more = False
        self._claimed_at = time.monotonic()
        self._wake = False
        self._results: list[tuple[Claim, AttemptRecord]] = []
        self._stir = asyncio.Event()
        self._result_came = asyncio.Event()
        self._changed: set[tuple[UUID, str]] = set()
        self._stopping = False
        self._draining = False

    async def run(self) -> None:
        """Deliver until cancelled; what is under way then is ended and recorded first."""
        hearing = asyncio.create_task(self._hear_wakeups())
        claiming = asyncio.create_task(self._claim_and_send())
        recording = asyncio.create_task(self._record_results())
        watching = asyncio.create_task(self._watch_network())
        try:
            ended, _ = await asyncio.wait(
                {hearing, claiming, recording, watching}, return_when=asyncio.FIRST_COMPLETED
            )
            for task in ended:
                task.result()  # none ends by itself: this raises our own fault
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            await self._stop(hearing, claiming, recording)

    # Claiming.

    async def _claim_and_send(self) -> None:
        while not self._stopping:
            self._stir.clear()
            if self._wake:
                self._wake = False
                await self._claims.fetch(WAKE)
            grant = self._slots.grant(time.monotonic())
            room = grant.room
            claims = []
            if room:
                claims = await claim(
                    self._claims,
                    grant=grant,
                    lease_s=self._lease_s,
                    per_endpoint=self._per_endpoint,
                )
                self._claimed_at = self._claims.asked_at
            for one in claims:
                self._start(Lease(one, self._claims.asked_at))
            # There may be more when some slots are all taken, or an organization or an endpoint
            # has all that it may. Only then does a slot that gets free call for a claim. What
            # becomes due for the others in the meantime does not wait for that.
            self._more = self._slots.bounded or grant.used_up(one.slot for one in claims)
            if room.retries > 0 and self._slots.room().retries <= 0 and self._slots.room():
                # Retries that were found but not taken may have stood before first attempts.
                continue
            await self._until_there_may_be_work()

    async def _until_there_may_be_work(self) -> None:
        """Until a wake-up, a free slot that is wanted, an ordering key that moved on, or the next
        due time."""
        if self._stopping or self._stir.is_set():
            return
        if self._more and await self._stirred_within(QUIET_S):
            return
        wait = NET_S
        if self._slots.room():
            due = await seconds_to_next_due(self._claims, time.monotonic() - self._claimed_at)
            if due is not None:
                wait = min(NET_S, max(SHORTEST_S, due))
        await self._stirred_within(wait)

    async def _stirred_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._stir.wait()
        except TimeoutError:
            return False
        return True

    # Sending.

    def _start(self, lease: Lease) -> None:
        self._slots.take(lease.claim.slot, lease.claim.send, time.monotonic())
        task = asyncio.create_task(self._send(lease))
        self._sends[task] = lease.claim
        task.add_done_callback(self._sends.pop)

    async def _send(self, lease: Lease) -> None:
        if lease.age() > self._lease_s / 2:
            # This process stood still. Another worker may have it by now; if not, it is due again
            # when the lease ends.
            log.warning("delivery %s: its lease is too old to begin", lease.claim.delivery_id)
            self._release(lease.claim)
            return
        try:
            attempt_record = await self._sender.attempt(lease)
            ours = RULES[Outcome(attempt_record.outcome)].ours
            self._slots.sent(lease.claim.send, time.monotonic(), measured=not ours)
        except Exception:
            # A bug of ours. Nothing is recorded, so the delivery comes back with its lease's end.
            log.exception("delivery %s failed on our side", lease.claim.delivery_id)
            self._release(lease.claim)
            return
        self._results.append((lease.claim, attempt_record))
        self._result_came.set()

    def _release(self, claimed: Claim) -> None:
        self._slots.free(claimed.slot, claimed.send)
        if self._more:
            self._stir.set()
        if self._draining:
            self._result_came.set()

    # Recording.

    async def _record_results(self) -> None:
        while not (self._draining and not self._slots.in_flight):
            await self._result_came.wait()
            self._result_came.clear()
            batch, self._results = self._results, []
            if not batch:
                continue
            for recorded in await self._record([attempt_record for _, attempt_record in batch]):
                self._tell_pages(recorded)
                for channel, payload in recorded.wakeups:
                    self._database.wake(channel, payload)
                if recorded.moved:
                    self._stir.set()
            for claimed, _ in batch:
                self._release(claimed)

    async def _record(self, batch: list[AttemptRecord]) -> list[Recorded]:
        try:
            return [await record_attempts(self._records, batch)]
        except (asyncpg.PostgresError, asyncpg.InterfaceError, ValueError):
            log.exception("a batch of %d records was refused; one by one", len(batch))
        # One attempt that cannot be written must not hold up the others, nor be sent for ever.
        done = []
        for one in batch:
            for form in (one, one.bare()):
                try:
                    done.append(await record_attempts(self._records, [form]))
                    break
                except (asyncpg.PostgresError, asyncpg.InterfaceError, ValueError):
                    log.exception("the record of delivery %s was refused", one.delivery_id)
        return done

    def _tell_pages(self, recorded: Recorded) -> None:
        if recorded.partitions and not self._changed:
            asyncio.get_running_loop().call_later(LIVE_EVERY_S, self._wake_pages)
        self._changed.update(recorded.partitions)

    def _wake_pages(self) -> None:
        for organization_id, environment in self._changed:
            payload = live_payload(organization_id, environment, "deliveries")
            self._database.wake(LIVE_WAKEUP, payload)
        self._changed.clear()

    # Waking and stopping.

    async def _watch_network(self) -> None:
        """Let what waits because of our network go on as soon as the network is back."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            if await self._sender.own_faults.came_back(self._transport.is_back):
                self._wake = True
                self._stir.set()

    async def _hear_wakeups(self) -> None:
        async with self._database.listening(DELIVERIES_WAKEUP) as wakeups:
            while True:
                await wakeups.get()
                self._stir.set()

    async def _stop(
        self,
        hearing: asyncio.Task[None],
        claiming: asyncio.Task[None],
        recording: asyncio.Task[None],
    ) -> None:
        """Let what is under way end and be recorded; what takes too long is cut off and given back.

        What was sent and could not be recorded comes back by its lease.
        """
        self._stopping = True
        self._stir.set()
        hearing.cancel()
        tasks = {hearing, claiming, recording}
        try:
            async with asyncio.timeout(min(self._deadline_s + STOP_GRACE_S, MOST_STOP_S)):
                # A running claim is not cut: what it took would have to wait for its lease's end.
                await asyncio.wait({claiming})
                self._draining = True
                self._result_came.set()
                await asyncio.wait({recording})
        except TimeoutError:
            log.warning("stopped with %d deliveries not recorded", self._slots.in_flight)
        finally:
            cut = dict(self._sends)
            for task in cut:
                task.cancel()
            if cut and claiming.done():
                giving = asyncio.create_task(give_back(self._claims, list(cut.values())))
                await asyncio.wait({giving}, timeout=GIVE_BACK_S)
                tasks.add(giving)
            tasks |= cut.keys()
            for task in tasks:
                task.cancel()
            # A statement that is cut off waits for a server that may be frozen.
            _, hanging = await asyncio.wait(tasks, timeout=CLOSE_S)
            if self._changed:
                self._wake_pages()
            for one in (self._claims, self._records):
                if hanging:
                    one.drop()
                await one.close()
            if hanging:
                await asyncio.wait(hanging, timeout=CLOSE_S)
            await asyncio.gather(*(one for one in tasks if one.done()), return_exceptions=True)
