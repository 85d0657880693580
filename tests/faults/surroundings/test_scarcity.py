"""What runs out: connections of the server, file descriptors, and the speed of the network.

Nothing acknowledged is lost, the API answers 503 meanwhile, and everything goes on by itself.
"""

from __future__ import annotations

import asyncio
import resource
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import psycopg
import pytest

from conftest import Cluster, wait_for
from privata.infra.settings import Settings
from tests.faults.conftest import Scale
from tests.faults.harness import Harness
from tests.faults.traffic import PATIENCE_S, through_programs
from tests.loopback import NO_AUTHORITIES
from tests.relay import relayed

#: Descriptors that each program may have, and clients that want one.
DESCRIPTORS: Final = 256
CLIENTS: Final = 400

#: Seconds that a message is under way, each way.
FAR_S: Final = 0.15


@contextmanager
def _all_taken(cluster: Cluster, database_name: str) -> Iterator[None]:
    """Nobody but the superuser gets a connection, and the programs have lost theirs."""
    with (
        psycopg.connect(cluster.admin_url, autocommit=True) as admin,
        ExitStack() as held,
    ):
        left = 1
        while left:
            row = admin.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE datname = %s AND usename = 'privata_app'",
                [database_name],
            ).fetchone()
            assert row is not None
            left = row[0]
            with pytest.raises(psycopg.OperationalError, match="too many clients|remaining connec"):
                while True:
                    held.enter_context(psycopg.connect(cluster.owner(database_name)))
        yield


async def test_the_server_has_no_connection_left(
    harness: Harness,
    settings: Settings,
    organization: uuid.UUID,
    cluster: Cluster,
    database_name: str,
    scale: Scale,
) -> None:
    async with through_programs(harness, settings, organization) as (traffic, _, _):
        for _ in range(scale(1, 5)):
            with _all_taken(cluster, database_name):
                await traffic.refused()
            await traffic.healthy()
    await traffic.check(cluster.app(database_name))


def _open(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


async def test_few_file_descriptors(
    harness: Harness,
    settings: Settings,
    organization: uuid.UUID,
    cluster: Cluster,
    database_name: str,
    scale: Scale,
) -> None:
    """As many clients as want one, and a worker that may send more at once than it has."""
    names = ("PRIVATA_DISPATCH_CONCURRENCY", "PRIVATA_DISPATCH_PER_ENDPOINT")
    many: Any = dict.fromkeys(names, str(CLIENTS))
    async with through_programs(harness, settings, organization, **many) as (traffic, api, worker):
        # The worker gets no more than 16 beside what it has open: fairness keeps it from using 256.
        limits = {api.pid: DESCRIPTORS, worker.pid: _open(worker.pid) + 16}
        for pid, most in limits.items():
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (most, most))
        port = traffic.client.base_url.port
        assert port is not None
        for _ in range(scale(1, 5)):
            await harness.behave("orders", delay_s=1.0)
            await harness.publish(traffic.hook, 2 * CLIENTS, per_order=1)
            held = await asyncio.gather(
                *(asyncio.open_connection("127.0.0.1", port) for _ in range(CLIENTS)),
                return_exceptions=True,
            )

            async def none_left() -> bool:
                return all(_open(pid) >= most - 2 for pid, most in limits.items())

            await wait_for(none_left, seconds=PATIENCE_S)
            for one in held:
                if not isinstance(one, BaseException):
                    one[1].transport.abort()
            await harness.behave("orders", delay_s=0.01)
            await traffic.healthy()
    await traffic.check(cluster.app(database_name))
    paused = await harness.ctx.database.pool.fetchval(
        "SELECT count(*) FROM webhook_endpoint WHERE status <> 'active'"
    )
    assert paused == 0, "our descriptors were charged to partners"


async def test_a_database_that_is_far_away(
    harness: Harness,
    settings: Settings,
    organization: uuid.UUID,
    cluster: Cluster,
    database_name: str,
    scale: Scale,
) -> None:
    """300 ms there and back: slow, and nothing else. The programs say that they are ready."""
    async with relayed(cluster.app(database_name), FAR_S) as line:
        far = settings.model_copy(update={"database_url": line.url})
        more: Any = {"PRIVATA_DATABASE_URL": line.url}
        async with (
            through_programs(harness, far, organization, pause_s=1.0, **more) as (traffic, _, _),
            httpx.AsyncClient(verify=NO_AUTHORITIES, timeout=60) as client,
        ):
            url = str(traffic.client.base_url).replace("/partner/v1/", "/readyz")

            async def ready() -> bool:
                return (await client.get(url)).status_code == 200

            await wait_for(ready)
            for _ in range(scale(1, 10)):
                await traffic.healthy()
            assert traffic.unavailable == 0
        await traffic.check(cluster.app(database_name))
