"""Partners with money, addresses and a webhook secret, for the tests of payouts."""

from __future__ import annotations

import base64
import hashlib
import hmac
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from privata.core.addresses.codec import base58
from privata.core.clock import ManualClock
from privata.core.ids import base62_token
from privata.core.tenancy import Actor, ActorKind, Environment
from privata.infra.context import AppContext
from privata.ledger import service as ledger
from privata.payouts import service
from privata.payouts.access import operator
from privata.payouts.addresses import service as addresses
from privata.payouts.currencies import PayoutCurrency
from privata.webhooks.signing.signatures import secret_context

ADDRESS = {
    PayoutCurrency.USDT_TRC20: "TJRabPrwbZy45sbavfcjinPJC18kjpRTv8",
    PayoutCurrency.USDT_ERC20: "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    PayoutCurrency.USDC_ERC20: "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
    PayoutCurrency.USDC_SOL: "FVen3X669xLzsi6N2V91DoiyzHzg1uAgqiT8jZ9nS96Z",
}

HASH = {
    PayoutCurrency.USDT_TRC20: "ab" * 32,
    PayoutCurrency.USDT_ERC20: "0x" + "ab" * 32,
    PayoutCurrency.USDC_ERC20: "0x" + "cd" * 32,
    PayoutCurrency.USDC_SOL: base58.encode(b"\x05" * 64),
}

START = datetime(2026, 5, 21, 10, 14, 1, tzinfo=UTC)


def at(ctx: AppContext, clock: ManualClock) -> AppContext:
    """The application context with another clock."""
    return AppContext(ctx.database, ctx.sealer, clock, ctx.settings)


def with_settings(ctx: AppContext, **changes: Any) -> AppContext:
    """The application context with other settings."""
    settings = ctx.settings.model_copy(update=changes)
    return AppContext(ctx.database, ctx.sealer, ctx.clock, settings)


@dataclass
class Payee:
    """An organization as its own people see it."""

    ctx: AppContext
    clock: ManualClock
    actor: Actor
    secret: str

    @property
    def organization_id(self) -> uuid.UUID:
        return self.actor.organization_id

    async def fund(self, amount: str) -> None:
        async with self.ctx.database.transaction() as tx:
            await ledger.correct(
                tx,
                actor=operator(self.organization_id, "tests"),
                amount=Decimal(amount),
                reason="money for tests",
                correction_id=uuid.uuid4(),
            )

    async def balances(self) -> tuple[str, str, str]:
        """Available, in flight, paid."""
        held = await ledger.balances_of(self.ctx, organization_id=self.organization_id)
        return f"{held.available:.2f}", f"{held.payout_in_flight:.2f}", f"{held.paid:.2f}"

    async def usable_address(
        self, currency: PayoutCurrency = PayoutCurrency.USDT_ERC20
    ) -> uuid.UUID:
        made = await addresses.add_address(
            self.ctx, actor=self.actor, currency=currency, address=ADDRESS[currency]
        )
        await addresses.vouch_for_address(
            self.ctx, actor=operator(self.organization_id, "tests"), address_id=made.id
        )
        self.clock.advance(timedelta(hours=self.ctx.settings.payout_address_delay_hours))
        return uuid.UUID(str(made.id))

    async def request(self, amount: str | None = "500", **wish: Any) -> service.Requested:
        if not wish:
            wish = {"currency": PayoutCurrency.USDT_ERC20}
        chosen = service.Wish(None if amount is None else Decimal(amount), **wish)
        return await service.request_payout(self.ctx, actor=self.actor, wish=chosen)

    async def confirm(self, made: service.Requested, answer: str | None = None) -> Any:
        if answer is None:
            answer = proof(self.secret, made.challenge)
        return await service.confirm_payout(
            self.ctx, actor=self.actor, payout_id=made.payout.id, answer=answer
        )

    async def status(self, made: service.Requested) -> str:
        found = await self.ctx.database.pool.fetchval(
            "SELECT status FROM payout WHERE id = $1", made.payout.id
        )
        return str(found)


def proof(secret: str, challenge: str) -> str:
    """The answer to a challenge, as a partner computes it."""
    return hmac.digest(secret.encode(), challenge.encode(), hashlib.sha256).hex()


def in_base64(answer: str) -> str:
    """The same answer in base64."""
    return base64.b64encode(bytes.fromhex(answer)).decode()


async def make_endpoint(
    ctx: AppContext,
    organization_id: uuid.UUID,
    environment: Environment = Environment.LIVE,
    *,
    channel: str = "order",
    secret_age: timedelta = timedelta(days=2),
) -> tuple[uuid.UUID, str]:
    """A webhook endpoint with its secret."""
    endpoint_id, secret_id = uuid.uuid4(), uuid.uuid4()
    secret = f"whsec_{environment.value}_{base62_token()}"
    await ctx.database.pool.execute(
        "INSERT INTO webhook_endpoint (id, organization_id, environment, url, alias, channel)"
        " VALUES ($1, $2, $3, 'https://acme.example/hook', 'x', $4)",
        endpoint_id,
        organization_id,
        environment.value,
        channel,
    )
    await ctx.database.pool.execute(
        "INSERT INTO webhook_secret (organization_id, environment, id, endpoint_id, sealed, hint,"
        " created_at) VALUES ($5, $6, $1, $2, $3, 'whsec', now() - $4::interval)",
        secret_id,
        endpoint_id,
        ctx.sealer.seal(secret.encode(), secret_context(secret_id)),
        secret_age,
        organization_id,
        environment.value,
    )
    return endpoint_id, secret


async def make_payee(
    ctx: AppContext, organization_id: uuid.UUID, clock: ManualClock | None = None
) -> Payee:
    """The organization with a webhook secret; without money and addresses."""
    clock = clock or ManualClock(START)
    _, secret = await make_endpoint(ctx, organization_id)
    actor = Actor(ActorKind.KEY, "key", "pk_live_0123456", organization_id, Environment.LIVE)
    return Payee(at(ctx, clock), clock, actor, secret)


async def other_organization(ctx: AppContext, name: str = "Other Wallet") -> uuid.UUID:
    """Another approved organization."""
    made = uuid.uuid4()
    await ctx.database.pool.execute(
        "INSERT INTO organization (id, name, status) VALUES ($1, $2, 'approved')", made, name
    )
    return made
