"""What happens to keys when an organization is through onboarding and when a member's role falls.

The room of the organizations calls both in the transaction of the act (`organizations.hooks`).
"""

from __future__ import annotations

from typing import Final

from privata.apikeys.makers import cut_keys
from privata.apikeys.service import create_key
from privata.core.roles import Role
from privata.core.tenancy import Actor, Environment
from privata.infra.context import AppContext
from privata.infra.database.postgres import Transaction
from privata.organizations.telling import mail_keys_cut

#: The name of the key that onboarding issues.
FIRST_KEY: Final = "First test key"


async def first_test_key(ctx: AppContext, tx: Transaction, actor: Actor) -> str:
    """The first key of an organization, shown once; errors as `create_key`."""
    made = await create_key(tx, ctx, actor=actor, environment=Environment.TEST, name=FIRST_KEY)
    return made.key


async def cut_keys_of_member(
    ctx: AppContext,
    tx: Transaction,
    *,
    actor: Actor,
    user_id: int,
    email: str,
    role: Role | None,
) -> None:
    """Take from the keys a member knows what their new role does not reach, and tell the owners."""
    keys = await cut_keys(tx, actor=actor, user_id=user_id, role=role)
    if keys:
        await mail_keys_cut(
            ctx,
            tx,
            organization_id=actor.organization_id,
            member=email,
            role=None if role is None else role.value,
            lost=[f"{key.name} ({key.prefix}…): {', '.join(key.lost)}" for key in keys if key.lost],
            seen=[f"{key.name} ({key.prefix}…)" for key in keys],
        )
