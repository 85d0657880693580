"""The demo partner: an approved organization with keys and one test endpoint, made once."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from django.contrib.auth.hashers import make_password

from privata.accounts.service import create_user
from privata.apikeys.scopes import Scope
from privata.commands.provisioning import provision
from privata.core.tenancy import Actor, Environment, system_actor
from privata.demo import credentials
from privata.demo.credentials import Credentials
from privata.infra.context import AppContext
from privata.organizations.service import new_password
from privata.webhooks.endpoints import service as webhooks

ORGANIZATION = "Acme Wallet"
OWNER_EMAIL = "owner@acme.example"
OPERATOR_EMAIL = "operator@privata.example"


async def demo_partner(ctx: AppContext, receiver_url: str) -> Credentials:
    """The partner of this home, its endpoint pointing at the receiver's present address."""
    home = ctx.settings.home
    kept = credentials.load(home)
    if kept is not None and not await _exists(ctx, UUID(kept.organization_id)):
        kept = None  # the database was made anew under the same home
    if kept is None:
        kept = await _make(ctx, receiver_url)
    elif kept.receiver_url != receiver_url:
        actor = _actor(UUID(kept.organization_id))
        await webhooks.update_endpoint(
            ctx, actor=actor, endpoint_id=UUID(kept.endpoint_id), url=f"{receiver_url}/hook"
        )
        kept = replace(kept, receiver_url=receiver_url)
    credentials.save(home, kept)
    return kept


async def _make(ctx: AppContext, receiver_url: str) -> Credentials:
    made = await provision(
        ctx,
        name=ORGANIZATION,
        owner_email=OWNER_EMAIL,
        approve=True,
        keys=True,
        scopes=(Scope.ORDERS, Scope.WEBHOOK_ADMIN),
    )
    operator_password = new_password()
    async with ctx.database.transaction() as tx:
        await create_user(
            tx,
            email=OPERATOR_EMAIL,
            password_hash=make_password(operator_password),
            staff=True,
            name="Demo Operator",
        )
        await tx.connection.execute(
            "UPDATE app_user SET name = 'Mira Kovač' WHERE id = $1", made.owner_id
        )
    endpoint_id, secret = await webhooks.create_endpoint(
        ctx,
        actor=_actor(made.organization_id),
        url=f"{receiver_url}/hook",
        alias="Swap events",
        channel="order",
    )
    assert made.test_key is not None
    assert made.live_key is not None
    return Credentials(
        organization_id=str(made.organization_id),
        test_key=made.test_key,
        live_key=made.live_key,
        owner_email=OWNER_EMAIL,
        owner_password=made.owner_password,
        operator_email=OPERATOR_EMAIL,
        operator_password=operator_password,
        endpoint_id=str(endpoint_id),
        webhook_secret=secret,
        receiver_url=receiver_url,
    )


async def _exists(ctx: AppContext, organization_id: UUID) -> bool:
    found: bool = await ctx.database.pool.fetchval(
        "SELECT EXISTS (SELECT FROM organization WHERE id = $1)", organization_id
    )
    return found


def _actor(organization_id: UUID) -> Actor:
    return system_actor(organization_id, Environment.TEST, "demo")
