"""A payout that somebody holds keeps no loop of the worker from the others."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest

from privata.core.tenancy import Environment
from privata.payouts import sandbox, service
from privata.payouts.currencies import PayoutCurrency
from privata.payouts.tests.making import Payee, make_endpoint


async def _hold(connection: asyncpg.Connection, payout_id: UUID) -> None:
    await connection.execute("BEGIN")
    await connection.execute("SELECT 1 FROM payout WHERE id = $1 FOR UPDATE", payout_id)


async def test_a_held_request_holds_back_no_other(
    payee: Payee, superuser: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loop waited for its lock, and died of the timeout; or it was all that a round saw."""
    monkeypatch.setattr(service, "BATCH", 1)
    held = await payee.request()
    payee.clock.advance(timedelta(seconds=1))
    made = await payee.request()
    payee.clock.advance(timedelta(minutes=10))
    await _hold(superuser, held.payout.id)
    assert await service.expire_requests(payee.ctx) == 1
    assert (await payee.status(held), await payee.status(made)) == ("requested", "cancelled")
    assert await service.expire_requests(payee.ctx) == 0
    await superuser.execute("ROLLBACK")
    assert await service.expire_requests(payee.ctx) == 1
    assert await payee.status(held) == "cancelled"


async def test_a_held_payout_of_the_sandbox_holds_back_no_other(
    payee: Payee, superuser: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox, "BATCH", 1)
    _, secret = await make_endpoint(
        payee.ctx, payee.organization_id, Environment.TEST, secret_age=timedelta(0)
    )
    actor = replace(payee.actor, environment=Environment.TEST, label="pk_test_0123456")
    tester = Payee(payee.ctx, payee.clock, actor, secret)
    made = []
    for _ in range(2):
        one = await tester.request("600", currency=PayoutCurrency.USDT_ERC20, sandbox_ttl=0)
        await tester.confirm(one)
        made.append(one)
    held, other = made
    await _hold(superuser, held.payout.id)
    while await sandbox.move_due(tester.ctx):
        pass  # ends: what is held is not counted as moved
    assert (await tester.status(held), await tester.status(other)) == ("confirmed", "settled")
    await superuser.execute("ROLLBACK")
    while await sandbox.move_due(tester.ctx):
        pass
    assert await tester.status(held) == "settled"
