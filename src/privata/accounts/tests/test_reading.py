"""What pages read of an account: this person's rows, typed, and nothing that opens anything."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from privata.accounts import reading, sessions
from privata.accounts.client import Client
from privata.accounts.factors import recovery, service
from privata.accounts.service import create_user
from privata.accounts.states import FactorKind
from privata.infra.context import AppContext

CLIENT = Client(ip="192.0.2.1", user_agent="")

_SESSION = """
INSERT INTO user_session (key_digest, user_id, sealed, signed_in_at, last_seen_at, ip)
VALUES ($1, $2, '', now() - $3::interval, now() - $4::interval, '192.0.2.7')
"""


async def _user(ctx: AppContext, email: str) -> int:
    async with ctx.database.transaction() as tx:
        return await create_user(tx, email=email, password_hash="")


async def _passkey(ctx: AppContext, user_id: int, credential: dict[str, Any]) -> None:
    await service.add_passkey(
        ctx, user_id=user_id, email="a@b.example", name="Pocket", credential=credential,
        client=CLIENT,
    )  # fmt: skip


async def test_factors_are_this_persons_without_their_secrets(ctx: AppContext) -> None:
    mine, other = await _user(ctx, "a@b.example"), await _user(ctx, "c@d.example")
    assert (await reading.factors_of(ctx, mine)).rows == ()
    await _passkey(ctx, mine, {"rawId": "AAAA"})
    await _passkey(ctx, other, {"rawId": "BBBB"})
    made = await service.new_recovery_codes(ctx, user_id=mine, email="a@b.example", client=CLIENT)
    found = await reading.factors_of(ctx, mine)
    (passkey,) = found.passkeys
    assert (passkey.kind, passkey.name) == (FactorKind.PASSKEY, "Pocket")
    assert found.proofs == [passkey]
    assert found.app is None
    assert found.codes is not None
    assert (found.codes.codes_left, found.codes.confirmed) == (recovery.COUNT, False)
    await service.confirm_recovery(
        ctx, user_id=mine, email="a@b.example", typed=made[0], client=CLIENT
    )
    codes = (await reading.factors_of(ctx, mine)).codes
    assert codes is not None
    assert (codes.codes_left, codes.confirmed) == (recovery.COUNT - 1, True)
    assert await reading.credentials_of(ctx, mine) == {passkey.id: {"rawId": "AAAA"}}


async def test_a_passkey_that_was_shown_is_noted_unless_it_is_gone(ctx: AppContext) -> None:
    mine, other = await _user(ctx, "a@b.example"), await _user(ctx, "c@d.example")
    await _passkey(ctx, mine, {"rawId": "AAAA"})
    (passkey,) = (await reading.factors_of(ctx, mine)).passkeys
    assert passkey.last_used_at is None
    assert not await service.passkey_used(ctx, user_id=other, passkey_id=passkey.id)
    assert await service.passkey_used(ctx, user_id=mine, passkey_id=passkey.id)
    (passkey,) = (await reading.factors_of(ctx, mine)).passkeys
    assert passkey.last_used_at is not None


async def test_sessions_are_those_that_live(ctx: AppContext) -> None:
    mine, other = await _user(ctx, "a@b.example"), await _user(ctx, "c@d.example")
    for key, user_id, signed_in, seen in (
        ("old", mine, sessions.ABSOLUTE, timedelta(0)),
        ("idle", mine, sessions.IDLE * 2, sessions.IDLE),
        ("first", mine, sessions.IDLE, sessions.IDLE / 2),
        ("second", mine, sessions.IDLE, sessions.IDLE / 4),
        ("other", other, sessions.IDLE, sessions.IDLE / 4),
    ):
        await ctx.database.pool.execute(_SESSION, sessions.digest_of(key), user_id, signed_in, seen)
    found = await reading.sessions_of(ctx, mine)
    assert [one.key_digest for one in found] == [
        sessions.digest_of("second"),
        sessions.digest_of("first"),
    ]
    assert {one.ip for one in found} == {"192.0.2.7"}
