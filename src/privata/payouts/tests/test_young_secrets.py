"""A key that may make webhook secrets cannot confirm a payout with one it has just made."""

from __future__ import annotations

import uuid
from dataclasses import replace

import pytest

from privata.core.errors import ValidationFailed, WrongPayoutState
from privata.core.roles import Role
from privata.core.tenancy import ActorKind, Environment
from privata.infra.context import AppContext
from privata.organizations.tests.people import member
from privata.payouts.tests.making import Payee, make_endpoint, proof, with_settings
from privata.webhooks.endpoints import rotation, secret_emails
from privata.webhooks.endpoints.service import create_endpoint
from privata.webhooks.tests.receivers import Names

HOST = "acme.example"


async def _made_by_api(payee: Payee) -> tuple[uuid.UUID, str]:
    return await create_endpoint(
        payee.ctx,
        actor=payee.actor,
        url=f"https://{HOST}/hook",
        alias="fresh",
        channel="order",
        lookup=Names({HOST: ["93.184.216.34"]}),
    )


async def _mails(ctx: AppContext) -> list[str]:
    rows = await ctx.database.pool.fetch(
        "SELECT recipient FROM mail WHERE template = 'secret_made' ORDER BY recipient"
    )
    return [row["recipient"] for row in rows]


async def test_a_key_cannot_confirm_with_a_secret_it_has_just_made(payee: Payee) -> None:
    """One key with `webhook:admin` and `payouts:trigger` was both factors."""
    made = await payee.request("600")
    _, fresh = await _made_by_api(payee)
    with pytest.raises(ValidationFailed, match="less than 24 hours old") as refused:
        await payee.confirm(made, proof(fresh, made.challenge))
    assert refused.value.fields[0][0] == "signature"
    assert "use the secret of an older live endpoint, or wait" in refused.value.message
    assert refused.value.data == {"tries_left": 4}
    endpoint_id = await payee.ctx.database.pool.fetchval(
        "SELECT id FROM webhook_endpoint WHERE alias = 'x'"
    )
    rotated = await rotation.rotate_secret(
        payee.ctx, actor=payee.actor, endpoint_id=endpoint_id, overlap_s=0
    )
    for secret in (rotated.secret, payee.secret):
        with pytest.raises(ValidationFailed, match="less than 24 hours old"):
            await payee.confirm(made, proof(secret, made.challenge))
    assert await payee.balances() == ("2000.00", "0.00", "0.00")
    assert await payee.status(made) == "requested"


async def test_the_databases_clock_says_how_old_a_secret_is(payee: Payee) -> None:
    """The program's clock stands half a year back here: it decides nothing."""
    pool = payee.ctx.database.pool
    made = await payee.request("600")
    for age, proves in (("23:59:00", False), ("24:00:01", True)):
        await pool.execute("UPDATE webhook_secret SET created_at = now() - $1::text::interval", age)
        if not proves:
            with pytest.raises(ValidationFailed, match="less than 24 hours old"):
                await payee.confirm(made)
    assert (await payee.confirm(made)).status == "confirmed"


async def test_the_age_is_a_setting(payee: Payee) -> None:
    made = await payee.request("600")
    await payee.ctx.database.pool.execute("UPDATE webhook_secret SET created_at = now()")
    payee.ctx = with_settings(payee.ctx, payout_secret_age_hours=0)
    assert (await payee.confirm(made)).status == "confirmed"


async def test_a_day_of_overlap_leaves_no_gap(payee: Payee) -> None:
    endpoint_id = await payee.ctx.database.pool.fetchval("SELECT id FROM webhook_endpoint")
    await rotation.rotate_secret(
        payee.ctx,
        actor=payee.actor,
        endpoint_id=endpoint_id,
        overlap_s=rotation.MAX_OVERLAP_S,
    )
    assert (await payee.confirm(await payee.request("600"))).status == "confirmed"


async def test_a_request_nobody_could_confirm_is_not_counted(payee: Payee) -> None:
    pool = payee.ctx.database.pool
    await pool.execute("UPDATE webhook_secret SET created_at = now()")
    for _ in range(3):
        with pytest.raises(WrongPayoutState, match="at least 24 hours old. Your oldest one"):
            await payee.request("600")
    await pool.execute("UPDATE webhook_endpoint SET status = 'disabled'")
    with pytest.raises(WrongPayoutState, match="Create an endpoint first"):
        await payee.request("600")
    await make_endpoint(payee.ctx, payee.organization_id)
    assert await payee.request("600")


async def test_owners_are_told_of_secrets_made_by_api(
    payee: Payee, monkeypatch: pytest.MonkeyPatch
) -> None:
    ctx, organization_id = payee.ctx, payee.organization_id
    for role in (Role.OWNER, Role.ADMIN, Role.FINANCE):
        await member(ctx, organization_id, role, f"{role}@acme.example")
    monkeypatch.setattr(secret_emails, "MOST_AN_HOUR", 3)
    endpoint_id, _ = await _made_by_api(payee)
    assert await _mails(ctx) == ["owner@acme.example"]
    token = replace(payee.actor, kind=ActorKind.USER, session="pat:abcd")
    person = replace(payee.actor, kind=ActorKind.USER, session="k3j4h5")
    in_test = replace(payee.actor, environment=Environment.TEST)
    # What people make does not use up what programs are told of.
    for actor, told in (
        *((person, 1), (token, 2), (person, 2), (person, 2), (payee.actor, 3)),
        *((payee.actor, 3), (payee.actor, 3)),
    ):
        await rotation.rotate_secret(ctx, actor=actor, endpoint_id=endpoint_id, overlap_s=0)
        assert len(await _mails(ctx)) == told, actor
    test_id, _ = await make_endpoint(ctx, organization_id, Environment.TEST)
    await rotation.rotate_secret(ctx, actor=in_test, endpoint_id=test_id)
    assert len(await _mails(ctx)) == 3
    actions = await ctx.database.pool.fetch(
        "SELECT action, actor_kind FROM audit_entry WHERE target = $1 ORDER BY seq",
        str(endpoint_id),
    )
    assert [tuple(row) for row in actions] == [
        ("endpoint.created", "key"),
        *[("endpoint.secret_rotated", "user")] * 4,
        *[("endpoint.secret_rotated", "key")] * 3,
    ]
