"""A database that was put back: by a base backup and its log to a chosen moment, and by a dump.

On a server of its own, since the log of the whole server is archived.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from conftest import Cluster, environment_for, running_cluster
from privata.core.errors import DatabaseUnconfirmed, IdempotencyConflict, Resync, WrongPayoutState
from privata.core.lifecycle import OrderStatus
from privata.core.tenancy import Environment, system_actor
from privata.events.feed import events_after
from privata.infra import generation
from privata.infra.context import AppContext
from privata.infra.settings import Settings
from privata.ledger.verify import verify as verify_ledger
from privata.orders.service import advance
from privata.orders.tests.test_advance import make_order
from privata.payouts import service, settling
from privata.payouts.currencies import PayoutCurrency
from privata.payouts.tests.making import Payee, at, make_payee
from privata.payouts.verify import verify as verify_payouts
from privata.providers.port import Report
from privata.worker.generation import Witness
from tests import programs

from .backups import Backup, open_directory, run

ETH = PayoutCurrency.USDT_ERC20
FIRST, SECOND, THIRD = ("0x" + digit * 64 for digit in "123")

_LSN = "SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint"
_PROMOTED_AT = "SELECT (pg_last_wal_replay_lsn() - '0/0'::pg_lsn)::bigint"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with running_cluster(tmp_path_factory.mktemp("archived")) as made:
        yield made


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    changes = {"payout_journal": tmp_path / "journal.csv", "payout_requests_per_day": 10}
    return settings.model_copy(update=changes)


@dataclass
class Story:
    """A partner with three payouts and an order, and what was true in the end."""

    payee: Payee
    order_id: str
    payouts: dict[str, UUID]
    balances: tuple[str, str, str] = ("", "", "")
    event_ids: frozenset[str] = frozenset()
    cursor: str = "0"
    written: int = 0

    async def request(self, key: str) -> UUID:
        """Request 600 USD with an Idempotency-Key, and confirm."""
        made = await service.request_payout(
            self.payee.ctx,
            actor=self.payee.actor,
            wish=service.Wish(Decimal(600), currency=ETH),
            idempotency_key=key,
        )
        await self.payee.confirm(made)
        return UUID(str(made.payout.id))


async def _begun(ctx: AppContext) -> Story:
    """What happened before the moment that will be restored to."""
    await generation.note(ctx.database)
    organization = uuid4()
    await ctx.database.pool.execute(
        "INSERT INTO organization (id, name, status) VALUES ($1, 'Acme Wallet', 'approved')",
        organization,
    )
    payee = await make_payee(ctx, organization)
    await payee.usable_address()
    await payee.fund("5000")
    story = Story(payee, await make_order(ctx, organization), {})
    story.payouts = {key: await story.request(key) for key in ("first", "third")}
    return story


async def _continued(ctx: AppContext, story: Story) -> None:
    """What happened after it. The third payout was sent too, and nobody has entered that."""
    first = story.payouts["first"]
    await settling.process_payout(ctx, by="op", payout_id=first)
    await settling.mark_sent(ctx, by="op", payout_id=first, tx_hash=FIRST)
    second = story.payouts["second"] = await story.request("second")
    await settling.process_payout(ctx, by="op", payout_id=second)
    await settling.settle_payout(ctx, by="op", payout_id=second, tx_hash=SECOND)
    await _complete(ctx, story)
    page = await events_after(ctx, actor=_reader(story), after="0", limit=500)
    story.cursor = page.last
    story.balances = await story.payee.balances()
    story.event_ids = await _event_ids(ctx)
    story.written = await ctx.database.pool.fetchval(_LSN)


async def _complete(ctx: AppContext, story: Story) -> None:
    report = Report(OrderStatus.COMPLETED)
    await advance(ctx, order_id=story.order_id, report=report, source="provider")


async def _event_ids(ctx: AppContext) -> frozenset[str]:
    rows = await ctx.database.pool.fetch("SELECT event_id FROM event")
    assert len(rows) == len(set(rows))
    return frozenset(row["event_id"] for row in rows)


def _reader(story: Story) -> Any:
    return system_actor(story.payee.organization_id, Environment.TEST, "tests")


@asynccontextmanager
async def _opened(settings: Settings, cluster: Cluster, name: str) -> AsyncIterator[AppContext]:
    changes = {"database_url": cluster.app(name), "database_owner_url": cluster.owner(name)}
    ctx = await AppContext.open(settings.model_copy(update=changes), cluster.app(name))
    try:
        yield ctx
    finally:
        await ctx.close()


async def _restored(ctx: AppContext, *words: str | Path) -> tuple[int, list[dict[str, Any]]]:
    """Exit code and lines of `privata restored`."""
    assert ctx.settings.database_url is not None
    assert ctx.settings.database_owner_url is not None
    journal = str(ctx.settings.payout_journal)
    urls = (ctx.settings.database_url, ctx.settings.database_owner_url)
    env = environment_for(ctx.settings.home, *urls, PRIVATA_PAYOUT_JOURNAL=journal)
    done = await programs.run_beside("privata", "restored", "--json", *map(str, words), env=env)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


async def test_restored_to_a_chosen_second_nothing_is_paid_twice_and_no_event_has_a_second_id(
    cluster: Cluster, settings: Settings, database_name: str, tmp_path: Path
) -> None:
    with open_directory() as directory:
        backup = Backup(cluster, directory)
        async with _opened(settings, cluster, database_name) as ctx:
            with backup.archiving():
                story = await _begun(ctx)
                backup.take_base()
                moment: datetime = await ctx.database.pool.fetchval("SELECT clock_timestamp()")
                await _continued(ctx, story)
        with backup.restored(directory / "to-a-moment", to=moment) as again:
            async with _opened(settings, again, database_name) as ctx:
                story.payee = replace(story.payee, ctx=at(ctx, story.payee.clock))
                await _is_on_hold(ctx, story)
                await _is_compared(ctx, story, tmp_path / "paid.csv")
                await _is_released(ctx, story)
        # To the end of the log, as a standby that has all of it: the timeline is new there too.
        with backup.restored(directory / "to-the-end", to=None) as standby:
            async with _opened(settings, standby, database_name) as ctx:
                assert await _event_ids(ctx) == story.event_ids
                assert await _judged(ctx, story), "nothing was lost, and that was seen"


async def _judged(ctx: AppContext, story: Story) -> bool:
    """Whether a worker that saw the log before takes this for a failover without a loss."""
    witness = Witness(failover_loses_nothing=True)
    async with ctx.database.pool.acquire() as connection:
        found = await generation.look(connection)
        promoted_at = await connection.fetchval(_PROMOTED_AT)
    assert found.failed_over
    assert found.was is not None
    before = replace(found, here=found.was, confirmed=True, moved=None)
    for _ in range(2):
        witness.look(before, story.written, None)
    return witness.look(found, story.written, promoted_at)


async def _is_on_hold(ctx: AppContext, story: Story) -> None:
    rows = await ctx.database.pool.fetch("SELECT id, status FROM payout")
    kept = {story.payouts["first"]: "confirmed", story.payouts["third"]: "confirmed"}
    assert {row["id"]: row["status"] for row in rows} == kept, "it is another moment"
    assert not await _judged(ctx, story), "a restore was taken for a failover"
    with pytest.raises(WrongPayoutState, match="The payout journal says"):
        await settling.process_payout(ctx, by="op", payout_id=story.payouts["first"])
    with pytest.raises(DatabaseUnconfirmed):
        await settling.process_payout(ctx, by="op", payout_id=story.payouts["third"])
    with pytest.raises(DatabaseUnconfirmed):
        await story.request("second")
    with pytest.raises(Resync):
        await events_after(ctx, actor=_reader(story), after=story.cursor, limit=500)
    story.cursor = (await events_after(ctx, actor=_reader(story), after="0", limit=500)).last
    await _complete(ctx, story)  # orders go on


async def _is_compared(ctx: AppContext, story: Story, paid: Path) -> None:
    paid.write_text(f"payout_id,tx_hash\n{story.payouts['third']},{THIRD}\n")
    code, (*differences, state) = await _restored(ctx, "--sent", paid)
    assert (code, state["confirmed"], state["corrected"]) == (1, False, [])
    found = {(one["payout_id"], one["kind"], one["here"], one["outside"]) for one in differences}
    first, second, third = (str(story.payouts[key]) for key in ("first", "second", "third"))
    assert found == {
        (first, "forgotten", "confirmed", "sent"),
        (second, "missing", "missing", "settled"),
        (third, "forgotten", "confirmed", "sent"),
    }
    code, (*_, state) = await _restored(ctx, "--sent", paid, "--confirm")
    assert (code, state["confirmed"]) == (0, True)
    assert set(state["corrected"]) == {first, second, third}


async def _is_released(ctx: AppContext, story: Story) -> None:
    for ident in story.payouts.values():
        with pytest.raises(WrongPayoutState):
            await settling.process_payout(ctx, by="op", payout_id=ident)
    with pytest.raises(IdempotencyConflict):
        await story.request("second")
    assert await story.payee.balances() == story.balances
    assert (await verify_payouts(ctx)).findings == ()
    assert (await verify_ledger(ctx)).findings == ()
    ids = await _event_ids(ctx)
    assert story.event_ids <= ids
    assert len(ids - story.event_ids) == 1, "more than the news of the third payout is new"
    page = await events_after(ctx, actor=_reader(story), after=story.cursor, limit=500)
    assert [event.type for event in page.events][-1] == "order.completed"


async def test_a_dump_that_was_restored_beside_the_database_is_another_one(
    cluster: Cluster, settings: Settings, database_name: str, tmp_path: Path
) -> None:
    """The same server, with its identifier and its timeline: the number of the database tells."""

    def admin(name: str) -> str:
        return cluster.admin_url.replace("/postgres?", f"/{name}?")

    async with _opened(settings, cluster, database_name) as ctx:
        story = await _begun(ctx)
        run("pg_dump", "-Fc", "-d", admin(database_name), "-f", tmp_path / "dump")
        story.cursor = (await events_after(ctx, actor=_reader(story), after="0", limit=1)).last
    again = replace(cluster, template="template0").copy()
    try:
        # As docs/backup.md says.
        words = ("--no-owner", "--role=privata_owner", "-d", admin(again))
        run("pg_restore", *words, tmp_path / "dump")
        async with _opened(settings, cluster, again) as ctx:
            with pytest.raises(DatabaseUnconfirmed):
                await settling.process_payout(ctx, by="op", payout_id=story.payouts["first"])
            with pytest.raises(Resync):
                await events_after(ctx, actor=_reader(story), after=story.cursor, limit=1)
            code, (*_, state) = await _restored(ctx, "--nothing-sent", "--confirm")
            assert (code, state["confirmed"]) == (0, True)
            await settling.process_payout(ctx, by="op", payout_id=story.payouts["first"])
    finally:
        cluster.drop(again)
