"""Payouts of the sandbox: tried from end to end, and never money."""

from __future__ import annotations

import asyncio
import json
import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from privata.core.errors import (
    InsufficientBalance,
    NotFound,
    RateLimited,
    ScopeRequired,
    ValidationFailed,
)
from privata.core.tenancy import Environment, system_actor
from privata.events.bodies import unpacked
from privata.infra.context import AppContext
from privata.ledger.verify import verify as verify_ledger
from privata.payouts import reading, sandbox, service, settling
from privata.payouts.addresses import service as addresses
from privata.payouts.currencies import TOKENS, PayoutCurrency
from privata.payouts.simulating import PayoutScenario
from privata.payouts.tests.making import HASH, Payee, make_endpoint
from privata.payouts.verify import verify

ERC20 = PayoutCurrency.USDT_ERC20


@pytest.fixture
async def tester(payee: Payee) -> Payee:
    """The same organization with a test key and a test endpoint that is as new as can be."""
    _, secret = await make_endpoint(
        payee.ctx, payee.organization_id, Environment.TEST, secret_age=timedelta(0)
    )
    actor = replace(payee.actor, environment=Environment.TEST, label="pk_test_0123456")
    return Payee(payee.ctx, payee.clock, actor, secret)


async def _run(tester: Payee, amount: str = "600", **wish: Any) -> service.Requested:
    """Requested, confirmed, and moved to its end."""
    wish = {"currency": ERC20, "sandbox_ttl": 0} | wish
    made = await tester.request(amount, **wish)
    await tester.confirm(made)
    while await sandbox.move_due(tester.ctx):
        pass
    return made


async def _state(tester: Payee) -> tuple[str, str, str]:
    held = await sandbox.sandbox_balances(tester.ctx, tester.organization_id)
    return f"{held.available:.2f}", f"{held.payout_in_flight:.2f}", f"{held.paid:.2f}"


async def _log(tester: Payee, made: service.Requested) -> list[tuple[str, str]]:
    rows = await tester.ctx.database.pool.fetch(
        "SELECT action, environment FROM audit_entry WHERE target = $1 ORDER BY seq",
        str(made.payout.id),
    )
    return [(row["action"].removeprefix("payout."), row["environment"]) for row in rows]


async def test_the_first_request_can_use_the_address_that_it_is_given(
    tester: Payee, ctx: AppContext
) -> None:
    """By a clock that moves the address was usable a moment after the request."""
    tester.ctx = ctx
    assert (await tester.request("600", currency=ERC20)).payout.status == "requested"


async def test_a_payout_of_the_sandbox_goes_all_the_way(tester: Payee) -> None:
    """With no money of the ledger, no mail, and a secret of today."""
    assert await _state(tester) == ("100000.00", "0.00", "0.00")
    made = await _run(tester)
    row = await reading.payout(tester.ctx, actor=tester.actor, payout_id=made.payout.id)
    shown = reading.payout_object(row)
    assert (shown["status"], shown["sandbox"], shown["explorer_url"]) == ("settled", True, None)
    assert TOKENS[ERC20].is_hash(shown["tx_hash"])
    steps = ["requested", "confirmed", "processed", "sent", "settled"]
    assert await _log(tester, made) == [(one, "test") for one in steps]
    assert await _state(tester) == ("99400.00", "0.00", "600.00")
    tester.clock.advance(timedelta(hours=24, seconds=1))
    assert await _state(tester) == ("100000.00", "0.00", "600.00")
    pool = tester.ctx.database.pool
    events = await pool.fetch("SELECT environment, body FROM event WHERE type = 'payout_sent'")
    assert [row["environment"] for row in events] == ["test"]
    told = json.loads(unpacked(events[0]["body"]))
    assert (told["sandbox"], told["tx_hash"]) == (True, shown["tx_hash"])
    assert await pool.fetchval("SELECT count(*) FROM mail WHERE template = 'payout_sent'") == 0


async def test_a_large_one_is_approved_and_a_failing_one_fails(tester: Payee) -> None:
    large = await _run(tester, "10000.01")
    assert ("approved", "test") in await _log(tester, large)
    assert await tester.status(large) == "settled"
    failing = await _run(tester, sandbox_scenario=PayoutScenario.FAIL)
    row = await reading.payout(tester.ctx, actor=tester.actor, payout_id=failing.payout.id)
    assert (row.status, row.tx_hash) == ("failed", None)
    assert row.failure is not None
    assert "as this scenario asks" in row.failure
    assert await _state(tester) == ("89999.99", "0.00", "10000.01")


async def test_the_simulators_clock_moves_one_step_at_a_time(tester: Payee) -> None:
    made = await tester.request("600", currency=ERC20, sandbox_ttl=300)
    await tester.confirm(made)
    pool = tester.ctx.database.pool
    for status in ("confirmed", "processing", "sent", "settled"):
        assert await tester.status(made) == status
        assert await sandbox.move_due(tester.ctx) == 0
        left = await pool.fetchval("SELECT sandbox_due_at - now() FROM payout WHERE id = $1",
                                   made.payout.id)  # fmt: skip
        if status != "settled":
            assert timedelta(seconds=80) < left <= timedelta(seconds=100)
            await pool.execute("UPDATE payout SET sandbox_due_at = now() WHERE sandbox_ttl = 300")
            # Two workers at once take the step once.
            await asyncio.gather(*(sandbox.move_due(tester.ctx) for _ in range(3)))
    assert left is None


async def test_confirmations_at_once_never_spend_more_than_there_is(tester: Payee) -> None:
    asked = [await tester.request("40000", currency=ERC20) for _ in range(4)]
    found = await asyncio.gather(*(tester.confirm(one) for one in asked), return_exceptions=True)
    refused = [one for one in found if isinstance(one, BaseException)]
    assert [type(one) for one in refused] == [InsufficientBalance] * 2
    assert await _state(tester) == ("20000.00", "80000.00", "0.00")
    with pytest.raises(InsufficientBalance) as poor:
        await tester.request("20000.01", currency=ERC20)
    assert poor.value.data == {"available": "20000.00"}
    made = await tester.request("500", currency=ERC20)
    with pytest.raises(ValidationFailed) as wrong:
        await tester.confirm(made, "0" * 64)
    assert wrong.value.data == {"tries_left": 4}


async def test_requests_of_a_day_are_counted_apart(tester: Payee, payee: Payee) -> None:
    for _ in range(2):
        await payee.request()
    with pytest.raises(RateLimited):
        await payee.request()
    for _ in range(3):
        await tester.request("500", currency=ERC20)
    live = await reading.payouts(payee.ctx, actor=payee.actor, limit=50)
    test = await reading.payouts(tester.ctx, actor=tester.actor, limit=50)
    assert (len(live.rows), len(test.rows)) == (2, 3)


async def test_the_sandbox_has_its_addresses(tester: Payee, payee: Payee) -> None:
    for _ in range(2):
        rows = await reading.addresses(tester.ctx, actor=tester.actor)
        assert {row.currency for row in rows} == set(PayoutCurrency)
        assert {(row.state, row.is_default) for row in rows} == {("verified", True)}
    assert len(await reading.addresses(payee.ctx, actor=payee.actor)) == 1
    with pytest.raises(ScopeRequired, match="You can change only live ones"):
        await addresses.remove_address(tester.ctx, actor=tester.actor, address_id=rows[0].id)
    (own,) = await reading.addresses(payee.ctx, actor=payee.actor)
    for actor, foreign in ((tester, own.id), (payee, rows[0].id)):
        with pytest.raises(ValidationFailed, match="not one of your payout addresses"):
            await actor.request("600", address_id=foreign)


async def test_an_address_of_the_sandbox_is_none_to_go_live_with(
    ctx: AppContext, organization: uuid.UUID
) -> None:
    """The checklist said "Your earnings can be paid out." once somebody had looked at them."""
    actor = system_actor(organization, Environment.TEST, "tests")
    assert await reading.addresses(ctx, actor=actor)
    assert not await reading.can_be_paid(ctx, organization)


async def test_a_verified_address_is_one_to_go_live_with(payee: Payee) -> None:
    assert await reading.can_be_paid(payee.ctx, payee.organization_id)


async def test_a_scenario_is_for_test_keys(payee: Payee) -> None:
    for wish in ({"sandbox_ttl": 0}, {"sandbox_scenario": PayoutScenario.FAIL}):
        with pytest.raises(ValidationFailed, match="test keys"):
            await payee.request("600", currency=ERC20, **wish)


async def test_the_operator_never_sees_or_moves_a_payout_of_the_sandbox(tester: Payee) -> None:
    ctx, by = tester.ctx, "ops"
    made = await tester.request("600", currency=ERC20, sandbox_ttl=3600)
    await tester.confirm(made)
    payout_id = made.payout.id
    assert await settling.waiting_payouts(ctx) == []
    for act in (
        settling.approve_payout(ctx, by=by, payout_id=payout_id),
        settling.process_payout(ctx, by=by, payout_id=payout_id),
        settling.mark_sent(ctx, by=by, payout_id=payout_id, tx_hash=HASH[ERC20]),
        settling.settle_payout(ctx, by=by, payout_id=payout_id, tx_hash=HASH[ERC20]),
        settling.fail_payout(ctx, by=by, payout_id=payout_id, reason="x"),
        settling.call_off(ctx, by=by, payout_id=payout_id),
    ):
        with pytest.raises(NotFound, match="Payout not found"):
            await act
    assert await tester.status(made) == "confirmed"


async def test_the_live_book_knows_nothing_of_the_sandbox(tester: Payee, ctx: AppContext) -> None:
    before = await ctx.database.pool.fetchval("SELECT count(*) FROM ledger_entry")
    await _run(tester)
    await _run(tester, sandbox_scenario=PayoutScenario.FAIL)
    made = await tester.request("600", currency=ERC20)
    await tester.confirm(made)
    await service.cancel_payout(ctx, actor=tester.actor, payout_id=made.payout.id)
    assert await ctx.database.pool.fetchval("SELECT count(*) FROM ledger_entry") == before
    assert await Payee.balances(tester) == ("2000.00", "0.00", "0.00")
    assert (await verify(ctx)).findings == ()
    assert (await verify_ledger(ctx)).findings == ()


async def test_the_database_keeps_a_sandbox_payout_from_becoming_a_live_one(
    owner: asyncpg.Connection, tester: Payee, payee: Payee
) -> None:
    """Whoever writes, the owner of the tables included: no code has to be trusted for it."""
    made = await tester.request("600", currency=ERC20)
    (own,) = await reading.addresses(payee.ctx, actor=payee.actor)
    test_id, test_address = made.payout.id, made.payout.address_id
    for change in (
        "environment = 'live'",
        "environment = 'live', sandbox_scenario = NULL, sandbox_ttl = NULL",
        f"address_id = '{own.id}'",
        "sandbox_ttl = 1",
    ):
        with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="never changes"):
            await owner.execute(f"UPDATE payout SET {change} WHERE id = $1", test_id)
    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="never changes"):
        await owner.execute(
            "UPDATE payout_address SET environment = 'live' WHERE id = $1", test_address
        )
    insert = (
        "INSERT INTO payout (id, environment, organization_id, address_id, currency, address,"
        " amount, needs_approval, requested_by, challenge_nonce, challenge_expires_at)"
        " SELECT gen_random_uuid(), 'live', organization_id, id, currency, address, 600, false,"
        " 'x', 'x', now() FROM payout_address WHERE id = $1"
    )
    with pytest.raises(asyncpg.ForeignKeyViolationError, match="payout_address_of_its_environment"):
        await owner.execute(insert, test_address)
    with pytest.raises(asyncpg.CheckViolationError, match="payout_sandbox_whole"):
        await owner.execute(insert.replace("'live'", "'test'"), test_address)
    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="is never booked"):
        await owner.execute(
            "INSERT INTO ledger_entry (organization_id, kind, cause_id, step, postings)"
            " VALUES ($1, 'payout', $2, 'reserve', 2)",
            tester.organization_id,
            str(test_id).upper(),
        )
    assert isinstance(test_id, uuid.UUID)
