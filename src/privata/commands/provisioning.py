"""Provisioning from the command line: an organization, its owner and its first keys.

The password is hashed by Django, which owns that format.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib.auth.hashers import make_password

from privata.apikeys import service as apikeys
from privata.apikeys.scopes import DEFAULT_SCOPES, Scope
from privata.core.tenancy import Environment
from privata.infra.context import AppContext
from privata.organizations.service import create_organization, new_password, operator_of


@dataclass(frozen=True, slots=True)
class Provisioned:
    """What was made; keys and password are shown once."""

    organization_id: uuid.UUID
    owner_id: int
    owner_password: str
    test_key: str | None
    live_key: str | None


async def provision(
    ctx: AppContext,
    *,
    name: str,
    owner_email: str,
    approve: bool = False,
    keys: bool = False,
    password: str | None = None,
    scopes: Sequence[Scope] = DEFAULT_SCOPES,
) -> Provisioned:
    """Make an organization whose owner signs in with a password that is returned once.

    With `approve` it may go live, with `keys` it has a test key, and a live key if it is approved.
    `EmailTaken` if the address has an account.
    """
    chosen = password or new_password()
    async with ctx.database.transaction() as tx:
        organization_id, owner_id = await create_organization(
            tx,
            name=name,
            owner_email=owner_email,
            password_hash=make_password(chosen),
            approve=approve,
        )
        minted: dict[Environment, str] = {}
        wanted = (Environment.TEST, Environment.LIVE) if approve else (Environment.TEST,)
        for environment in wanted if keys else ():
            made = await apikeys.create_key(
                tx,
                ctx,
                actor=operator_of(organization_id),
                environment=environment,
                name=f"First {environment.value} key",
                scopes=scopes,
            )
            minted[environment] = made.key
    return Provisioned(
        organization_id,
        owner_id,
        chosen,
        minted.get(Environment.TEST),
        minted.get(Environment.LIVE),
    )
