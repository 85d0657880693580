"""The chain on the real database: what the database computes, and what the verification finds."""

from __future__ import annotations

import asyncio
import uuid

import asyncpg
import pytest

from privata.audit import service as audit
from privata.audit.checkpoints import make_checkpoints
from privata.audit.tests.conftest import act
from privata.audit.verify import verify, verify_chain
from privata.core.tenancy import Actor, ActorKind, Environment, system_actor
from privata.infra.context import AppContext
from privata.infra.sealing import Sealer

_TAMPERING = [
    ("UPDATE audit_entry SET target = 'other' WHERE seq = 3", 3, "changed"),
    ("UPDATE audit_entry SET changes = '{}' WHERE seq = 2", 2, "changed"),
    ("UPDATE audit_entry SET actor_label = 'x', hash = sha256('x') WHERE seq = 4", 4, "changed"),
    ("UPDATE audit_entry SET at = at + interval '1 us' WHERE seq = 1", 1, "changed"),
    ("DELETE FROM audit_entry WHERE seq = 2", 2, "missing"),
    ("DELETE FROM audit_entry WHERE seq = 5", 5, "missing"),
    ("UPDATE audit_entry SET seq = 7 - seq WHERE seq IN (3, 4)", 3, "does not link"),
    ("DELETE FROM audit_head", 5, "head"),
    ("DELETE FROM audit_head; DELETE FROM audit_entry", 1, "a checkpoint recorded them"),
    (
        # The last entry goes and the head is put back: nothing is left to see but the checkpoint.
        "DELETE FROM audit_entry WHERE seq = 5;"
        " UPDATE audit_head SET seq = 4, hash = (SELECT hash FROM audit_entry WHERE seq = 4)",
        5,
        "a checkpoint recorded them",
    ),
    ("UPDATE audit_checkpoint SET seq = 4, hash = (SELECT hash FROM audit_entry WHERE seq = 4)",
     4, "seal"),
]  # fmt: skip


@pytest.fixture
async def chain(ctx: AppContext) -> uuid.UUID:
    """Five entries of different kinds and a checkpoint over them."""
    made = uuid.uuid4()
    for number in range(1, 4):
        await act(ctx, made, number)
    actor = Actor(
        ActorKind.USER, "7", "müller@example.com", made, Environment.LIVE,
        ip="2001:db8::1", user_agent="Browser/1.0", session="0123456789abcdef",
    )  # fmt: skip
    async with ctx.database.transaction() as tx:
        await audit.record(tx, actor=actor, action="thing.seen", target="")
        await audit.record(tx, actor=actor, action="thing.done", target="it", changes={})
    assert await make_checkpoints(ctx) == 1
    assert await make_checkpoints(ctx) == 0
    return made


async def test_the_database_and_the_verification_agree(ctx: AppContext, chain: uuid.UUID) -> None:
    verification = await verify_chain(ctx, chain)
    assert (verification.broken, verification.entries, verification.last_seq) == (None, 5, 5)
    row = await ctx.database.pool.fetchrow("SELECT * FROM audit_entry WHERE seq = 4")
    assert row is not None
    assert row["session"] == "89abcdef"


@pytest.mark.parametrize(("tampering", "seq", "words"), _TAMPERING)
async def test_a_change_made_past_the_triggers_is_found(
    ctx: AppContext,
    chain: uuid.UUID,
    superuser: asyncpg.Connection,
    tampering: str,
    seq: int,
    words: str,
) -> None:
    other = uuid.uuid4()
    await act(ctx, other, 1)
    await superuser.execute(tampering.replace("WHERE", f"WHERE organization_id = '{chain}' AND")
                            if "audit_head" not in tampering and "checkpoint" not in tampering
                            else tampering)  # fmt: skip
    broken = (await verify_chain(ctx, chain)).broken
    assert broken is not None
    assert (broken.seq, words in broken.reason) == (seq, True), broken


async def test_one_organizations_break_is_no_others(
    ctx: AppContext, chain: uuid.UUID, superuser: asyncpg.Connection
) -> None:
    other = uuid.uuid4()
    await act(ctx, other, 1)
    await superuser.execute("UPDATE audit_entry SET action = 'x' WHERE organization_id = $1", other)
    verifications = {
        verification.organization_id: verification for verification in await verify(ctx)
    }
    assert verifications[chain].broken is None
    assert verifications[other].broken is not None
    assert [one.organization_id for one in await verify(ctx, organization_id=chain)] == [chain]


async def test_what_belongs_to_no_organization_has_a_chain(ctx: AppContext) -> None:
    await ctx.database.pool.execute(
        "INSERT INTO audit_entry (actor_kind, actor_id, actor_label, action, target)"
        " SELECT 'system', 'x', 'x', 'x', 'x' FROM generate_series(1, 3)"
    )
    await make_checkpoints(ctx)
    [verification] = await verify(ctx)
    assert (verification.organization_id, verification.broken, verification.entries) == (
        None,
        None,
        3,
    )


async def test_a_seal_of_another_installation_does_not_hold(
    ctx: AppContext, chain: uuid.UUID
) -> None:
    elsewhere = AppContext(ctx.database, Sealer([bytes(32)]), ctx.clock, ctx.settings)
    broken = (await verify_chain(elsewhere, chain)).broken
    assert broken is not None
    assert "seal" in broken.reason


async def test_many_at_once_make_one_chain(ctx: AppContext) -> None:
    """The race of two inserts for the same place: the head's row is locked until the commit."""
    organization_id = uuid.uuid4()

    async def one(number: int) -> None:
        if number % 7 == 3:
            with pytest.raises(ZeroDivisionError):
                async with ctx.database.transaction() as tx:
                    actor = system_actor(organization_id, Environment.TEST, "tests")
                    await audit.record(tx, actor=actor, action="thing.undone", target="it")
                    raise ZeroDivisionError
        else:
            await act(ctx, organization_id, number)

    await asyncio.gather(*(one(number) for number in range(42)))
    verification = await verify_chain(ctx, organization_id)
    assert (verification.broken, verification.entries, verification.last_seq) == (None, 36, 36)
