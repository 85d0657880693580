"""`privata org list`, `approve`, `reject`, `reopen`: the operator's review without a browser."""

from __future__ import annotations

import getpass
import json
from uuid import UUID

import click


@click.command("list")
@click.option(
    "--status",
    type=click.Choice(["onboarding", "needs_contact", "pending_review", "approved", "rejected"]),
)
@click.option("--json", "as_json", is_flag=True, help="one line of JSON for each organization")
def list_organizations(status: str | None, as_json: bool) -> None:
    """List organizations, newest first."""
    from privata.core.standing import OrganizationStatus
    from privata.organizations.review import organizations
    from privata.startup import run_once

    wanted = None if status is None else OrganizationStatus(status)
    rows = run_once(lambda ctx: organizations(ctx, status=wanted))
    for row in rows:
        if as_json:
            click.echo(json.dumps(dict(row), default=str))
        else:
            click.echo(f"{row['id']}  {row['status']:14}  {row['name']}  {row['owners'] or '-'}")
    if not rows and not as_json:
        click.echo("None.")


@click.command()
@click.argument("organization", type=click.UUID)
@click.option("--note", default="", help="shown to the partner")
def approve(organization: UUID, note: str) -> None:
    """Approve an organization to go live."""
    _decide(organization, "approved", note)


@click.command()
@click.argument("organization", type=click.UUID)
@click.option("--note", required=True, help="why; shown to the partner")
def reject(organization: UUID, note: str) -> None:
    """Reject an organization."""
    _decide(organization, "rejected", note)


@click.command()
@click.argument("organization", type=click.UUID)
@click.option("--note", default="", help="shown to the partner")
def reopen(organization: UUID, note: str) -> None:
    """Reopen onboarding. This accepts the high-risk countries the organization named."""
    _decide(organization, "onboarding", note)


def _decide(organization: UUID, to: str, note: str) -> None:
    from privata.core.standing import OrganizationStatus
    from privata.core.tenancy import Actor, ActorKind, Environment
    from privata.organizations.review import decide
    from privata.startup import run_once

    # Who sits at the command line is the machine's business; its name for them is what we know.
    label = f"command line ({getpass.getuser()})"
    actor = Actor(ActorKind.OPERATOR, "cli", label, organization, Environment.LIVE)
    run_once(
        lambda ctx: decide(
            ctx,
            actor=actor,
            organization_id=organization,
            to=OrganizationStatus(to),
            note=note,
        )
    )
    click.echo(f"{organization} is {to}.")


REVIEW = (list_organizations, approve, reject, reopen)
