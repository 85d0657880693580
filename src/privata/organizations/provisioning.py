"""Provisioning from the command line: the password is hashed by Django, which owns that format."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib.auth.hashers import make_password

from privata.apikeys.scopes import DEFAULT_SCOPES, Scope
from privata.infra.kernel import Kernel
from privata.organizations.service import Provisioned, create_organization, new_password


async def provision(
    kernel: Kernel,
    *,
    name: str,
    owner_email: str,
    approve: bool = False,
    keys: bool = False,
    password: str | None = None,
    scopes: Sequence[Scope] = DEFAULT_SCOPES,
) -> Provisioned:
    """Make an organization whose owner signs in with a password that is returned once."""
    chosen = password or new_password()
    return await create_organization(
        kernel,
        name=name,
        owner_email=owner_email,
        password_hash=make_password(chosen),
        password=chosen,
        approve=approve,
        keys=keys,
        scopes=scopes,
    )
