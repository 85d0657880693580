"""Workers on machines whose clocks are wrong, beside one whose clock is right: all do the same.

Compared is what they do in the same time, each on a database of its own.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import asyncpg
import pytest

from conftest import Cluster, wait_for
from privata.core.lifecycle import OrderStatus
from privata.infra.context import AppContext
from privata.infra.settings import Settings
from privata.orders.following import polling
from privata.orders.tests.test_advance import make_order
from privata.providers.changenow.adapter import ChangeNow
from privata.providers.port import Credentials, Report
from privata.routing.setting import set_credentials
from privata.webhooks.receiver.api import Behaviour
from privata.webhooks.tests.deliveries import publish_order, receiving
from privata.worker.main import work
from tests.faults.conftest import Scale

HOUR: Final = 3600.0

#: Seconds between two looks at a fresh order, here.
FRESH_S: Final = 0.4

ORDERS: Final = 5

#: By how many seconds the machine is ahead, after so many seconds.
CLOCKS: Final[dict[str, Callable[[float], float]]] = {
    "right": lambda _: 0.0,
    "ahead": lambda _: HOUR,
    "behind": lambda _: -HOUR,
    "stepping": lambda passed: (-HOUR, 0.0, HOUR, 2.0)[int(passed) % 4],
    "drifting": lambda passed: -passed / 2,
}

# Every update of an order, whatever it changes.
_TALLY: Final = """
CREATE TABLE tally (order_id text);
GRANT INSERT ON tally TO privata_app;
CREATE FUNCTION tally() RETURNS trigger LANGUAGE plpgsql AS
$$BEGIN INSERT INTO tally VALUES (NEW.id); RETURN NULL; END$$;
CREATE TRIGGER tally AFTER UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION tally();
"""


class Machine:
    """A clock that is off by what `off` says of the seconds that have passed."""

    def __init__(self, off: Callable[[float], float]) -> None:
        self._off = off
        self._began = datetime.now(UTC)

    def now(self) -> datetime:
        real = datetime.now(UTC)
        return real + timedelta(seconds=self._off((real - self._began).total_seconds()))


@dataclass
class Site:
    """A worker, and a connection to count what it has done."""

    ctx: AppContext
    owner: asyncpg.Connection

    async def updates(self) -> int:
        found: int = await self.owner.fetchval("SELECT count(*) FROM tally")
        return found


@asynccontextmanager
async def _site(
    cluster: Cluster, settings: Settings, off: Callable[[float], float]
) -> AsyncIterator[Site]:
    """Live orders that nothing happens to, deliveries that fail, and a worker."""
    name = cluster.copy()
    ctx = await AppContext.open(settings, cluster.app(name), machine=Machine(off))
    owner = await asyncpg.connect(cluster.admin_url.replace("/postgres?", f"/{name}?"))
    organization = uuid.uuid4()
    await owner.execute(
        "INSERT INTO organization (id, name, status) VALUES ($1, 'x', 'approved')", organization
    )
    await set_credentials(ctx, "changenow", Credentials(key="key"))
    # Where nobody listens: nothing but an order's state is asked for.
    await owner.execute("UPDATE provider SET base_url = 'http://127.0.0.1:9'")
    for _ in range(ORDERS):
        await make_order(ctx, organization)
    await owner.execute(
        "SET session_replication_role = replica; DELETE FROM webhook_due;"
        "UPDATE orders SET environment = 'live', provider = 'changenow', poll_at = now(),"
        " sandbox_scenario = NULL,"
        " sandbox_ttl = NULL;"
        "SET session_replication_role = origin"
    )
    await owner.execute(_TALLY)
    async with receiving(ctx, organization) as (app, _):
        app.behaviour = Behaviour("fail", 503)
        await publish_order(ctx, organization, (1, 2, 3))
        working = asyncio.create_task(work(ctx))
        try:
            yield Site(ctx, owner)
        finally:
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
            await owner.close()
            await ctx.close()
            cluster.drop(name)


async def _nothing_new(*_: object, **__: object) -> Report:
    return Report(OrderStatus.WAITING_DEPOSIT)


async def test_a_wrong_clock_costs_nothing(
    cluster: Cluster, settings: Settings, monkeypatch: pytest.MonkeyPatch, scale: Scale
) -> None:
    """A clock 2 s behind made 17,659 updates of 5 orders in 20 s."""
    monkeypatch.setattr(polling, "FRESH", timedelta(seconds=FRESH_S))
    monkeypatch.setattr(ChangeNow, "get_order", _nothing_new)
    wanted = scale(8, 500) * ORDERS
    async with AsyncExitStack() as stack:
        sites = {
            how: await stack.enter_async_context(_site(cluster, settings, off))
            for how, off in CLOCKS.items()
        }
        before = {how: await one.updates() for how, one in sites.items()}

        async def done() -> dict[str, int]:
            return {how: await one.updates() - before[how] for how, one in sites.items()}

        async def enough() -> bool:
            return min((await done()).values()) >= wanted

        await wait_for(enough, seconds=scale(120, 3000))
        updates = await done()
        print(updates)
        for how, number in updates.items():
            assert updates["right"] / 2 <= number <= 2 * updates["right"], how
        for site in sites.values():
            await _check_retries(site)


async def _check_retries(site: Site) -> None:
    """The first retry of a delivery is due after a minute, by any clock."""
    early = (
        "WITH tried AS (SELECT delivery_id, number, started_at FROM webhook_attempt"
        " UNION ALL SELECT id, attempts, last_attempt_at FROM webhook_delivery)"
        " SELECT count(*) FROM tried AS first JOIN tried AS again"
        " USING (delivery_id) WHERE first.number = 1 AND again.number = 2"
        " AND again.started_at < first.started_at + interval '59 s'"
    )
    assert await site.owner.fetchval(early) == 0
    due = "SELECT min(due_at - last_attempt_at) FROM webhook_due WHERE attempts > 0"
    assert await site.owner.fetchval(due) >= timedelta(seconds=59)
