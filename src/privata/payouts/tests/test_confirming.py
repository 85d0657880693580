"""The challenge and its answers: once, in time, bound to what is paid, with few tries."""

from __future__ import annotations

import asyncio
import uuid
from datetime import timedelta

import asyncpg
import pytest

from privata.core.errors import (
    InsufficientBalance,
    NotFound,
    RequestError,
    ValidationFailed,
    WrongPayoutState,
)
from privata.core.tenancy import Actor, ActorKind, Environment
from privata.infra.context import AppContext
from privata.infra.sealing import Sealer
from privata.payouts import service
from privata.payouts.addresses import service as addresses
from privata.payouts.challenges import challenges_of
from privata.payouts.tests.making import (
    Payee,
    in_base64,
    make_endpoint,
    make_payee,
    other_organization,
    proof,
)
from privata.webhooks.endpoints.rotation import rotate_secret


async def test_the_right_answer_reserves_the_money_once(payee: Payee) -> None:
    made = await payee.request("500.25")
    assert await payee.balances() == ("2000.00", "0.00", "0.00")
    confirmed = await payee.confirm(made)
    assert (confirmed.status, confirmed.needs_approval) == ("confirmed", False)
    assert await payee.balances() == ("1499.75", "500.25", "0.00")
    with pytest.raises(WrongPayoutState, match="is confirmed"):
        await payee.confirm(made)
    assert await payee.balances() == ("1499.75", "500.25", "0.00")


async def test_base64_and_capitals_are_answers_too(payee: Payee) -> None:
    first, second = await payee.request(), await payee.request()
    await payee.confirm(first, in_base64(proof(payee.secret, first.challenge)))
    await payee.confirm(second, proof(payee.secret, second.challenge).upper())
    assert await payee.balances() == ("1000.00", "1000.00", "0.00")


async def test_the_challenge_says_what_is_paid(payee: Payee) -> None:
    made = await payee.request("512.5")
    parts = made.challenge.split(":")
    expires = int(made.payout.challenge_expires_at.timestamp())
    assert parts[:-1] == [
        "privata-payout-v1",
        str(made.payout.id),
        "512.50",
        "USDT-ERC20",
        made.payout.address,
        str(expires),
    ]
    assert made.payout.challenge_nonce not in made.challenge


async def test_wrong_answers_say_what_is_left_and_the_fifth_is_the_last(payee: Payee) -> None:
    made = await payee.request()
    other = await payee.request()
    wrong = ["0" * 64, "no proof", proof(payee.secret, other.challenge), proof("x", made.challenge)]
    for left, answer in zip((4, 3, 2, 1), wrong, strict=True):
        with pytest.raises(ValidationFailed) as refused:
            await payee.confirm(made, answer)
        assert refused.value.data == {"tries_left": left}
        assert refused.value.fields[0][0] == "signature"
    with pytest.raises(ValidationFailed, match="no attempts left") as refused:
        await payee.confirm(made, "0" * 64)
    assert refused.value.data == {"tries_left": 0}
    with pytest.raises(WrongPayoutState, match="is canceled"):
        await payee.confirm(made)
    assert await payee.status(made) == "cancelled"
    assert await payee.balances() == ("2000.00", "0.00", "0.00")


async def test_wrong_answers_at_once_are_all_counted(payee: Payee) -> None:
    made = await payee.request()
    answers = [payee.confirm(made, f"{n:064x}") for n in range(20)]
    found = await asyncio.gather(*answers, return_exceptions=True)
    refused = [one for one in found if isinstance(one, RequestError)]
    left = [one.data["tries_left"] for one in refused if "tries_left" in one.data]
    assert sorted(left) == [0, 1, 2, 3, 4]
    assert sum(isinstance(one, WrongPayoutState) for one in found) == 15
    assert await payee.status(made) == "cancelled"


async def test_an_answer_that_comes_late_is_refused(payee: Payee) -> None:
    made = await payee.request()
    payee.clock.advance(timedelta(minutes=10))
    with pytest.raises(WrongPayoutState, match="not answered in time"):
        await payee.confirm(made)
    assert await payee.status(made) == "cancelled"


async def test_the_last_second_counts(payee: Payee) -> None:
    made = await payee.request()
    payee.clock.advance(timedelta(minutes=9, seconds=59))
    assert (await payee.confirm(made)).status == "confirmed"


async def test_requests_nobody_confirms_end(payee: Payee) -> None:
    made, kept = await payee.request(), await payee.request()
    await payee.confirm(kept)
    assert await service.expire_requests(payee.ctx) == 0
    payee.clock.advance(timedelta(minutes=10))
    assert await service.expire_requests(payee.ctx) == 1
    assert (await payee.status(made), await payee.status(kept)) == ("cancelled", "confirmed")
    assert await service.expire_requests(payee.ctx) == 0


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("amount", "'500.01'"),
        ("amount", "'5000.00'"),
        ("currency", "'USDC-ERC20'"),
        ("address", "'0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359'"),
        ("address", "lower(address)"),
        ("challenge_expires_at", "challenge_expires_at + interval '1 hour'"),
        ("challenge_nonce", "'00000000000000000000000000000000'"),
    ],
)
async def test_a_changed_payout_has_another_challenge(
    payee: Payee, superuser: asyncpg.Connection, column: str, value: str
) -> None:
    """Whoever can write past the triggers still does not get an old answer accepted."""
    made = await payee.request()
    await superuser.execute(f"UPDATE payout SET {column} = {value} WHERE id = $1", made.payout.id)
    with pytest.raises(ValidationFailed, match="is not a valid HMAC"):
        await payee.confirm(made)
    assert await payee.balances() == ("2000.00", "0.00", "0.00")


async def test_a_payout_of_another_id_or_organization_is_not_confirmed(
    payee: Payee, superuser: asyncpg.Connection
) -> None:
    made, second = await payee.request(), await payee.request()
    with pytest.raises(ValidationFailed, match="is not a valid HMAC"):
        await payee.confirm(second, proof(payee.secret, made.challenge))
    stranger = await make_payee(payee.ctx, await other_organization(payee.ctx), payee.clock)
    for ident in (made.payout.id, uuid.uuid4()):
        with pytest.raises(NotFound, match="Payout not found"):
            await service.confirm_payout(
                stranger.ctx,
                actor=stranger.actor,
                payout_id=ident,
                answer=proof(payee.secret, made.challenge),
            )
        with pytest.raises(NotFound, match="Payout not found"):
            await service.cancel_payout(stranger.ctx, actor=stranger.actor, payout_id=ident)
    # Moved to another organization by force, the old answer is worth nothing there either.
    await superuser.execute(
        "UPDATE payout SET organization_id = $1 WHERE id = $2",
        stranger.organization_id,
        made.payout.id,
    )
    with pytest.raises(RequestError):
        await service.confirm_payout(
            stranger.ctx,
            actor=stranger.actor,
            payout_id=made.payout.id,
            answer=proof(payee.secret, made.challenge),
        )


async def test_which_secrets_confirm(payee: Payee) -> None:
    ctx, organization_id = payee.ctx, payee.organization_id
    made = await payee.request()
    _, test_secret = await make_endpoint(ctx, organization_id, Environment.TEST)
    disabled, old = await make_endpoint(ctx, organization_id)
    await ctx.database.pool.execute(
        "UPDATE webhook_endpoint SET status = 'disabled' WHERE id = $1", disabled
    )
    other = await other_organization(ctx)
    _, foreign = await make_endpoint(ctx, other)
    for secret in (test_secret, old, foreign):
        with pytest.raises(ValidationFailed, match="is not a valid HMAC"):
            await payee.confirm(made, proof(secret, made.challenge))
    _, ops = await make_endpoint(ctx, organization_id, channel="ops")
    assert (await payee.confirm(made, proof(ops, made.challenge))).status == "confirmed"


async def test_a_rotated_secret_confirms_while_it_signs(payee: Payee) -> None:
    ctx = payee.ctx
    endpoint_id = await ctx.database.pool.fetchval("SELECT id FROM webhook_endpoint")
    first, second = await payee.request(), await payee.request()
    rotated = await rotate_secret(ctx, actor=payee.actor, endpoint_id=endpoint_id, overlap_s=300)
    await payee.confirm(first)
    await ctx.database.pool.execute(
        "UPDATE webhook_secret SET expires_at = now() WHERE expires_at IS NOT NULL"
    )
    with pytest.raises(ValidationFailed, match="less than 24 hours old"):
        await payee.confirm(second)
    await ctx.database.pool.execute(
        "UPDATE webhook_secret SET created_at = created_at - interval '1 day'"
    )
    await payee.confirm(second, proof(rotated.secret, second.challenge))


async def test_without_a_secret_nothing_is_counted(payee: Payee) -> None:
    made = await payee.request()
    await payee.ctx.database.pool.execute("UPDATE webhook_endpoint SET status = 'disabled'")
    for _ in range(6):
        with pytest.raises(ValidationFailed, match="no live webhook endpoint"):
            await payee.confirm(made, "0" * 64)
    assert await payee.status(made) == "requested"


async def test_an_open_challenge_outlives_a_new_secret_key(payee: Payee) -> None:
    row = (await payee.request()).payout
    old, new = Sealer([b"o" * 32]), Sealer([b"n" * 32, b"o" * 32])
    (shown,) = challenges_of(old, row)
    assert shown in challenges_of(new, row)
    assert shown != challenges_of(new, row)[0]


async def test_an_address_that_was_removed_gets_nothing(payee: Payee) -> None:
    made = await payee.request()
    await addresses.remove_address(payee.ctx, actor=payee.actor, address_id=made.payout.address_id)
    with pytest.raises(WrongPayoutState, match="address was removed"):
        await payee.confirm(made)
    assert await payee.status(made) == "cancelled"


async def test_money_that_is_gone_by_then_leaves_the_request_open(payee: Payee) -> None:
    first, second = await payee.request("1200"), await payee.request("1200")
    await payee.confirm(first)
    with pytest.raises(InsufficientBalance) as refused:
        await payee.confirm(second)
    assert refused.value.data == {"available": "800"}
    assert await payee.status(second) == "requested"
    await service.cancel_payout(payee.ctx, actor=payee.actor, payout_id=first.payout.id)
    await payee.confirm(second)
    assert await payee.balances() == ("800.00", "1200.00", "0.00")


async def test_cancelling_gives_the_money_back_once(payee: Payee) -> None:
    made = await payee.request()
    await payee.confirm(made)
    gone = await service.cancel_payout(payee.ctx, actor=payee.actor, payout_id=made.payout.id)
    assert (gone.status, gone.failure) == ("cancelled", "canceled by the partner")
    with pytest.raises(WrongPayoutState):
        await service.cancel_payout(payee.ctx, actor=payee.actor, payout_id=made.payout.id)
    assert await payee.balances() == ("2000.00", "0.00", "0.00")


async def test_a_test_key_does_not_find_a_live_payout(payee: Payee) -> None:
    actor = Actor(ActorKind.KEY, "k", "pk_test_x", payee.organization_id, Environment.TEST)
    made = await payee.request()
    for work in (
        service.confirm_payout(
            payee.ctx,
            actor=actor,
            payout_id=made.payout.id,
            answer=proof(payee.secret, made.challenge),
        ),
        service.cancel_payout(payee.ctx, actor=actor, payout_id=made.payout.id),
    ):
        with pytest.raises(NotFound, match="Payout not found"):
            await work
    assert await payee.status(made) == "requested"


async def test_every_act_is_in_the_audit_log_and_no_secret_is(
    payee: Payee, ctx: AppContext
) -> None:
    made = await payee.request()
    with pytest.raises(ValidationFailed):
        await payee.confirm(made, "0" * 64)
    await payee.confirm(made)
    await service.cancel_payout(payee.ctx, actor=payee.actor, payout_id=made.payout.id)
    rows = await ctx.database.pool.fetch(
        "SELECT action, changes::text AS changes FROM audit_entry WHERE target = $1 ORDER BY seq",
        str(made.payout.id),
    )
    assert [row["action"] for row in rows] == [
        "payout.requested",
        "payout.answer_refused",
        "payout.confirmed",
        "payout.cancelled",
    ]
    for row in rows:
        assert payee.secret not in row["changes"]
        assert made.challenge not in row["changes"]
