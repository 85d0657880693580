"""A pooler in transaction mode: orders and webhooks pass, and the log says what to set."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import asyncpg
import httpx
import pytest

from conftest import environment_for
from privata.core.tenancy import Environment
from privata.infra.context import AppContext
from privata.infra.database.connecting import Connector
from privata.infra.database.poolers import transaction_pooler
from privata.infra.settings import Settings
from tests import programs
from tests.conftest import mint
from tests.pooling import pooled, program
from tests.servers import api_process

from .harness import OPTIONS, Harness
from .test_idempotency import UNLIMITED, create, order_body

pytestmark = pytest.mark.skipif(
    program() is None, reason="PgBouncer is not installed (apt-get install pgbouncer)"
)

EVENTS = 40


@pytest.fixture
def direct_url(settings: Settings) -> str:
    return str(settings.database_url)


@pytest.fixture
def pooler_url(direct_url: str, tmp_path: Path) -> Iterator[str]:
    with pooled(direct_url, tmp_path / "pooler.log") as url:
        yield url


@pytest.fixture(params=["direct", "polling"])
def listen_url(request: pytest.FixtureRequest, direct_url: str) -> str | None:
    return direct_url if request.param == "direct" else None


@pytest.fixture
def pooled_settings(settings: Settings, pooler_url: str, listen_url: str | None) -> Settings:
    urls = {"database_url": pooler_url, "database_listen_url": listen_url}
    return settings.model_copy(update=urls)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as made:
        yield made


async def test_orders_and_webhooks_pass_a_pooler(
    pooled_settings: Settings,
    pooler_url: str,
    listen_url: str | None,
    organization: uuid.UUID,
    tmp_path: Path,
    stack: ExitStack,
    caplog: pytest.LogCaptureFixture,
) -> None:
    ctx = await AppContext.open(pooled_settings, pooler_url)
    told = [one.getMessage() for one in caplog.records if "pooler" in one.getMessage()]
    assert any("PRIVATA_DATABASE_LISTEN_URL" in one for one in told) == (listen_url is None)
    more = {} if listen_url is None else {"PRIVATA_DATABASE_LISTEN_URL": listen_url}
    env = environment_for(
        ctx.settings.home,
        pooler_url,
        str(pooled_settings.database_owner_url),
        **{f"PRIVATA_{name.upper()}": str(value) for name, value in OPTIONS.items()},
        **more,
    )
    harness = Harness(ctx, env, tmp_path / "journal", stack)
    await harness.open()
    hook = await harness.hook("orders")
    harness.worker()
    key = await mint(ctx, organization, Environment.TEST)
    async with (
        api_process(pooled_settings, **UNLIMITED, **more) as (url, _),
        httpx.AsyncClient(base_url=url, headers={"X-API-Key": key}, timeout=60) as client,
    ):
        made = []
        for number in range(5):
            await harness.publish(hook, EVENTS // 5)
            made.append(await create(client, await order_body(client), f"order-{number}"))
        assert [answer.status_code for answer in made] == [201] * 5
        await harness.accepts(EVENTS)
        read = await client.get(f"/order/{made[0].json()['order_id']}")
        assert read.status_code == 200
    await harness.drained()
    (await harness.ledgers()).check()
    await ctx.close()


async def test_a_pooler_is_recognised(direct_url: str, pooler_url: str) -> None:
    found = await transaction_pooler(Connector(pooler_url, {}))
    assert found is not None
    assert await transaction_pooler(Connector(direct_url, {})) is None


async def test_a_start_is_not_disturbed_by_what_others_left_prepared(
    settings: Settings, pooler_url: str
) -> None:
    """Processes number their statements from 1, and one met those of another in its session."""
    other = await asyncpg.connect(pooler_url, statement_cache_size=0)
    await other.execute(
        " ".join(f'PREPARE "__asyncpg_stmt_{number:x}__" AS SELECT 1;' for number in range(1, 40))
    )
    env = environment_for(settings.home, pooler_url, str(settings.database_owner_url))
    command = await programs.run_beside("privata", "org", "list", env=env)
    await other.close()
    assert command.returncode == 0, command.stderr
