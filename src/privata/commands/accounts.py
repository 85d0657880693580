"""`privata accounts`: what only the operator can do for a person."""

from __future__ import annotations

import getpass
from uuid import UUID

import click


@click.group()
def accounts() -> None:
    """People's accounts."""


@accounts.command("unlock")
@click.argument("email")
def unlock(email: str) -> None:
    """Unlock second factors after 100 wrong ones. First verify who is asking."""
    from privata.accounts.factors import cap
    from privata.core.tenancy import Actor, ActorKind, Environment
    from privata.startup import run_once

    # An account belongs to no organization: the entry stands in the platform's own chain.
    nobody: UUID = None  # type: ignore[assignment]  # null: the platform as a whole
    label = f"command line ({getpass.getuser()})"
    actor = Actor(ActorKind.OPERATOR, "cli", label, nobody, Environment.LIVE)
    wrong = run_once(lambda ctx: cap.unlock(ctx, actor=actor, email=email))
    click.echo(f"{email} had {wrong} wrong second factors. Codes are accepted again.")
