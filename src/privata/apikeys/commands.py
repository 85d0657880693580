"""`privata keys`: an organization's keys from the command line, for operators and their scripts."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

import click

from privata.apikeys.listing import KeyView, key_of, keys_of
from privata.apikeys.rotation import rotate_key
from privata.apikeys.scopes import DEFAULT_SCOPES, Scope
from privata.apikeys.service import create_key, revoke_key
from privata.core.clock import iso
from privata.core.tenancy import Actor, ActorKind, Environment
from privata.infra.context import AppContext
from privata.organizations.profile import status_of

#: Runs one task on the database; which program that is, only the command line knows.
RunOnce: TypeAlias = Callable[[Callable[[AppContext], Awaitable[Any]]], Any]

_ORGANIZATION = click.option(
    "--organization", required=True, type=click.UUID, help="organization ID"
)
_JSON = click.option("--json", "as_json", is_flag=True, help="print JSON")


def keys_group(run_once: RunOnce) -> click.Group:
    """The group of commands, to be added to the program."""

    @click.group()
    def keys() -> None:
        """API keys of an organization."""

    for command in (_create(run_once), _list(run_once), _rotate(run_once), _revoke(run_once)):
        keys.add_command(command)
    return keys


def _create(run_once: RunOnce) -> click.Command:
    @click.command("create")
    @_ORGANIZATION
    @click.option("--name", required=True)
    @click.option(
        "--environment", type=click.Choice(["test", "live"]), default="test", show_default=True
    )
    @click.option(
        "--scope",
        "scopes",
        multiple=True,
        type=click.Choice([scope.value for scope in Scope]),
        default=[scope.value for scope in DEFAULT_SCOPES],
        show_default=True,
        help="scope of the key; repeat for several",
    )
    @click.option(
        "--allow",
        "blocks",
        multiple=True,
        help="allowed IP address or CIDR range; repeat for several",
    )
    @click.option(
        "--expires-on", type=click.DateTime(["%Y-%m-%d"]), help="expires at 00:00 UTC on this date"
    )
    @_JSON
    def create(
        organization: UUID,
        name: str,
        environment: str,
        scopes: tuple[str, ...],
        blocks: tuple[str, ...],
        expires_on: datetime | None,
        as_json: bool,
    ) -> None:
        """Create a key. It is printed only once."""
        where = Environment(environment)

        async def work(ctx: AppContext) -> dict[str, Any]:
            async with ctx.database.transaction() as tx:
                made = await create_key(
                    tx,
                    ctx,
                    actor=_operator(organization, where),
                    environment=where,
                    name=name,
                    scopes=scopes,
                    allowed_cidrs=blocks,
                    expires_on=expires_on.date() if expires_on else None,
                )
            return {"id": str(made.id), "key": made.key}

        _print(run_once(work), as_json)

    return create


def _list(run_once: RunOnce) -> click.Command:
    @click.command("list")
    @_ORGANIZATION
    @click.option("--environment", type=click.Choice(["test", "live"]), help="default: both")
    @_JSON
    def listed(organization: UUID, environment: str | None, as_json: bool) -> None:
        """List keys with their prefix, state, and last use. Full keys are never shown."""
        where = [Environment(environment)] if environment else list(Environment)

        async def work(ctx: AppContext) -> list[dict[str, Any]]:
            await status_of(ctx, organization)
            found = await keys_of(ctx, organization_id=organization, environments=where)
            return [_shown(key) for key in found]

        rows = run_once(work)
        if as_json:
            click.echo(json.dumps(rows))
            return
        for row in rows:
            ends = row["expires_on"] or "never"
            click.echo(f"{row['id']}  {row['state']:8}  {row['shown']}  {ends:10}  {row['name']}")

    return listed


def _rotate(run_once: RunOnce) -> click.Command:
    @click.command("rotate")
    @click.argument("key_id", type=click.UUID)
    @_ORGANIZATION
    @_JSON
    def rotate(key_id: UUID, organization: UUID, as_json: bool) -> None:
        """Create a new secret, printed only once. The old one works for 5 more minutes."""

        async def work(ctx: AppContext) -> dict[str, Any]:
            actor = await _operator_of(ctx, organization, key_id)
            made = await rotate_key(ctx, actor=actor, key_id=key_id)
            return {"id": str(key_id), "key": made.key, "old_until": iso(made.old_dead_at)}

        _print(run_once(work), as_json)

    return rotate


def _revoke(run_once: RunOnce) -> click.Command:
    @click.command("revoke")
    @click.argument("key_id", type=click.UUID)
    @_ORGANIZATION
    @click.option("--last-live-too", is_flag=True, help="allow revoking the last active live key")
    @_JSON
    def revoke(key_id: UUID, organization: UUID, last_live_too: bool, as_json: bool) -> None:
        """Revoke a key immediately and permanently."""

        async def work(ctx: AppContext) -> dict[str, Any]:
            actor = await _operator_of(ctx, organization, key_id)
            done = await revoke_key(ctx, actor=actor, key_id=key_id, last_live_too=last_live_too)
            return {
                "id": str(key_id),
                "already": done.already,
                "last_live": done.last_live,
            }

        _print(run_once(work), as_json)

    return revoke


async def _operator_of(ctx: AppContext, organization_id: UUID, key_id: UUID) -> Actor:
    """The operator, in the environment of the key; `NotFound`."""
    key = await key_of(
        ctx, organization_id=organization_id, environments=list(Environment), key_id=key_id
    )
    return _operator(organization_id, key.environment)


def _operator(organization_id: UUID, environment: Environment) -> Actor:
    return Actor(ActorKind.OPERATOR, "cli", "command line", organization_id, environment)


def _shown(key: KeyView) -> dict[str, Any]:
    return {
        "id": str(key.id),
        "environment": key.environment.value,
        "name": key.name,
        "shown": key.current.shown,
        "state": key.state.value,
        "scopes": list(key.scopes),
        "allowed_cidrs": list(key.allowed_cidrs),
        "expires_on": key.expires_on.isoformat() if key.expires_on else None,
        "created_by": key.created_by,
        "created_at": iso(key.created_at),
        "last_used_at": iso(key.last_used_at) if key.last_used_at else None,
        "last_used_ip": key.last_used_ip,
        "old_until": iso(key.old.dead_at) if key.old and key.old.dead_at else None,
        "revoked_at": iso(key.revoked_at) if key.revoked_at else None,
    }


def _print(made: dict[str, Any], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(made))
        return
    for label, value in made.items():
        click.echo(f"{label:16} {value}")
