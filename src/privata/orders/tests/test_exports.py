"""Exports: at once, by a worker, after a crash, and their end."""

from __future__ import annotations

import csv
import io
import json
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from privata.core.clock import ManualClock
from privata.core.errors import NotFound, ValidationFailed
from privata.core.tenancy import Actor, ActorKind, Environment
from privata.infra.context import AppContext
from privata.orders.export import files as exports
from privata.orders.export import jobs as export_jobs
from privata.orders.list.columns import EVERY, USUAL, as_written
from privata.orders.search import listing
from privata.orders.search.filters import OrderFilter, filter_of
from privata.orders.states import ExportState
from privata.orders.tests.test_reading import NOW, Shop

ALL = OrderFilter()
WANTED = as_written(USUAL)


@pytest.fixture
async def shop(ctx: AppContext) -> Shop:
    return await Shop(replace(ctx, clock=ManualClock(NOW))).open()


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits that a handful of orders reaches."""
    monkeypatch.setattr(exports, "MOST_DIRECT", 6)
    monkeypatch.setattr(export_jobs, "BATCHES", 1)
    monkeypatch.setattr(listing, "BATCH", 4)
    monkeypatch.setattr(listing.every, "__kwdefaults__", {"batch": 4})


def actor(shop: Shop, **changes: Any) -> Actor:
    scope = shop.scope
    made = Actor(ActorKind.USER, "1", "eve@acme.example", scope.organization_id, scope.environment)
    return replace(made, **changes)


async def rows_in(pieces: AsyncIterator[bytes]) -> list[dict[str, str]]:
    text = b"".join([piece async for piece in pieces]).decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


async def fill(shop: Shop, count: int) -> list[str]:
    return [await shop.add(n + 1) for n in range(count)]


async def audited(shop: Shop) -> list[tuple[str, str, dict[str, Any]]]:
    rows = await shop.ctx.database.pool.fetch(
        "SELECT action, actor_label, changes FROM audit_entry ORDER BY id"
    )
    return [(row["action"], row["actor_label"], json.loads(row["changes"])) for row in rows]


async def ready(shop: Shop, chosen: OrderFilter = ALL) -> uuid.UUID:
    made = await exports.start_export(shop.ctx, actor=actor(shop), chosen=chosen, wanted=WANTED)
    assert await export_jobs.export_next(shop.ctx)
    return made


async def test_a_small_export_is_written_at_once_and_audited(shop: Shop) -> None:
    made = await fill(shop, 3)
    failed = await shop.add(9, status="failed", partner_order_ref="=cmd()")
    chosen = filter_of("status=failed")
    count = await exports.count_export(shop.ctx, actor=actor(shop), chosen=ALL)
    assert count == listing.Count(4, True)
    pieces = await exports.export_now(shop.ctx, actor=actor(shop), chosen=chosen, wanted=EVERY)
    (line,) = await rows_in(pieces)
    assert (line["order_id"], line["partner_order_ref"]) == (failed, "'=cmd()")
    assert set(line) == set(EVERY)
    pieces = await exports.export_now(shop.ctx, actor=actor(shop), chosen=ALL, wanted=WANTED)
    assert [one["order_id"] for one in await rows_in(pieces)] == [*made, failed]
    first, second = await audited(shop)
    assert first[:2] == ("orders.exported", "eve@acme.example")
    assert first[2]["filter"] == "status=failed"
    assert (first[2]["rows"], second[2]["rows"]) == (1, 4)


async def test_a_large_one_is_refused_at_once_and_made_by_a_worker(shop: Shop, small: None) -> None:
    made = await fill(shop, 11)
    assert not (await exports.count_export(shop.ctx, actor=actor(shop), chosen=ALL)).exact
    with pytest.raises(ValidationFailed, match="background"):
        await exports.export_now(shop.ctx, actor=actor(shop), chosen=ALL, wanted=WANTED)
    assert await audited(shop) == []
    export_id = await ready(shop)
    assert not await export_jobs.export_next(shop.ctx)
    (file,) = await exports.exports_of(shop.ctx, actor=actor(shop))
    assert (file.id, file.state, file.rows, file.total) == (export_id, ExportState.DONE, 11, 11)
    found, pieces = await exports.open_export(shop.ctx, actor=actor(shop), export_id=export_id)
    rows = await rows_in(pieces)
    assert [row["order_id"] for row in rows] == made
    assert found.expires_at == NOW + exports.KEPT
    actions = [entry[0] for entry in await audited(shop)]
    assert actions == ["orders.export_started", "orders.exported", "orders.export_downloaded"]
    done = (await audited(shop))[1][2]
    assert (done["by"], done["rows"]) == ("eve@acme.example", 11)


async def test_what_is_made_later_is_not_in_it(shop: Shop) -> None:
    await fill(shop, 2)
    export_id = await exports.start_export(shop.ctx, actor=actor(shop), chosen=ALL, wanted=WANTED)
    await shop.add(0, minutes=-1)
    assert await export_jobs.export_next(shop.ctx)
    _, pieces = await exports.open_export(shop.ctx, actor=actor(shop), export_id=export_id)
    assert len(await rows_in(pieces)) == 2


async def test_an_empty_file_has_its_header(shop: Shop) -> None:
    export_id = await ready(shop)
    _, pieces = await exports.open_export(shop.ctx, actor=actor(shop), export_id=export_id)
    assert [piece async for piece in pieces] == [(",".join(WANTED) + "\r\n").encode()]


async def test_nobody_else_can_fetch_it(shop: Shop) -> None:
    await fill(shop, 1)
    export_id = await ready(shop)
    others = (
        actor(shop, organization_id=uuid.uuid4()),
        actor(shop, environment=Environment.LIVE),
    )
    for other in others:
        with pytest.raises(NotFound):
            await exports.open_export(shop.ctx, actor=other, export_id=export_id)
        assert await exports.exports_of(shop.ctx, actor=other) == []
    with pytest.raises(NotFound):
        await exports.open_export(shop.ctx, actor=actor(shop), export_id=uuid.uuid4())


async def test_it_expires_and_is_forgotten(shop: Shop) -> None:
    await fill(shop, 1)
    export_id = await ready(shop)
    pool = shop.ctx.database.pool

    async def later(by: timedelta) -> list[Any]:
        shop.ctx.clock.advance(by)  # type: ignore[attr-defined]
        await export_jobs.sweep_exports(shop.ctx)
        found = await exports.exports_of(shop.ctx, actor=actor(shop))
        return [one.state for one in found]

    assert await later(exports.KEPT - timedelta(seconds=1)) == [ExportState.DONE]
    shop.ctx.clock.advance(timedelta(seconds=1))  # type: ignore[attr-defined]
    with pytest.raises(NotFound):  # before anybody swept
        await exports.open_export(shop.ctx, actor=actor(shop), export_id=export_id)
    assert await later(timedelta(0)) == [ExportState.EXPIRED]
    assert await pool.fetchval("SELECT count(*) FROM order_export_chunk") == 0
    assert await later(export_jobs.LISTED_FOR) == []


async def test_a_worker_that_died_is_followed_and_fenced_off(shop: Shop, small: None) -> None:
    made = await fill(shop, 11)
    pool = shop.ctx.database.pool
    export_id = await exports.start_export(shop.ctx, actor=actor(shop), chosen=ALL, wanted=WANTED)
    dead = await export_jobs.claim_export(shop.ctx)
    assert dead is not None
    assert await export_jobs._keep(shop.ctx, dead, 0, 4, b"half a file")
    assert not await export_jobs.export_next(shop.ctx)  # its lease still runs
    await pool.execute("UPDATE order_export SET due_at = now()")
    assert await export_jobs.export_next(shop.ctx)
    assert not await export_jobs._keep(shop.ctx, dead, 9, 4, b"too late")
    await export_jobs._finish(shop.ctx, dead)
    await export_jobs._fail(shop.ctx, dead, "too late")
    _, pieces = await exports.open_export(shop.ctx, actor=actor(shop), export_id=export_id)
    assert [row["order_id"] for row in await rows_in(pieces)] == made


async def test_what_cannot_be_made_is_given_up(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    await fill(shop, 3)
    monkeypatch.setattr(export_jobs, "MOST_ROWS", 2)
    await ready(shop)
    (file,) = await exports.exports_of(shop.ctx, actor=actor(shop))
    assert file.state is ExportState.FAILED
    assert "narrow" in file.error
    await exports.start_export(shop.ctx, actor=actor(shop), chosen=ALL, wanted=WANTED)
    await shop.ctx.database.pool.execute(
        "UPDATE order_export SET attempts = $1 WHERE state = 'queued'", export_jobs.MOST_ATTEMPTS
    )
    assert not await export_jobs.export_next(shop.ctx)
    await export_jobs.sweep_exports(shop.ctx)
    states = [one.state for one in await exports.exports_of(shop.ctx, actor=actor(shop))]
    assert states == [ExportState.FAILED, ExportState.FAILED]


async def test_what_a_worker_left_of_a_file_that_was_given_up_goes(shop: Shop) -> None:
    """It kept the file from being forgotten: every sweep after that failed."""
    pool = shop.ctx.database.pool
    await exports.start_export(shop.ctx, actor=actor(shop), chosen=ALL, wanted=WANTED)
    dead = await export_jobs.claim_export(shop.ctx)
    assert dead is not None
    assert await export_jobs._keep(shop.ctx, dead, 0, 4, b"half a file")
    await pool.execute(
        "UPDATE order_export SET attempts = $1, due_at = now()", export_jobs.MOST_ATTEMPTS
    )
    await export_jobs.sweep_exports(shop.ctx)
    assert await pool.fetchval("SELECT count(*) FROM order_export_chunk") == 0
    # The database's clock wrote when it ended.
    await pool.execute("UPDATE order_export SET finished_at = $1", NOW - export_jobs.LISTED_FOR * 2)
    await export_jobs.sweep_exports(shop.ctx)
    assert await exports.exports_of(shop.ctx, actor=actor(shop)) == []


async def test_files_of_another_are_made_in_between(shop: Shop) -> None:
    """One organization's files were made one after the other before anybody else's."""
    others = actor(shop, environment=Environment.LIVE)
    for who in (*[actor(shop)] * 3, others):
        await exports.start_export(shop.ctx, actor=who, chosen=ALL, wanted=WANTED)
    work = export_jobs.due_exports(shop.ctx)
    jobs = [await export_jobs.claim_export(shop.ctx, work) for _ in range(4)]
    made = [job.environment for job in jobs if job is not None]
    assert made[1] == "live"
    assert sorted(made) == ["live", "test", "test", "test"]
    assert await export_jobs.claim_export(shop.ctx, work) is None


async def test_only_so_many_wait_at_once(shop: Shop) -> None:
    for _ in range(exports.MOST_UNFINISHED):
        await exports.start_export(shop.ctx, actor=actor(shop), chosen=ALL, wanted=WANTED)
    with pytest.raises(ValidationFailed, match="Wait for one"):
        await exports.start_export(shop.ctx, actor=actor(shop), chosen=ALL, wanted=WANTED)
    assert len(await audited(shop)) == exports.MOST_UNFINISHED
