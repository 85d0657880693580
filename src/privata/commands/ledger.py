"""`privata ledger`: proving the books, corrections, taking an earning back."""

from __future__ import annotations

import dataclasses
import getpass
import json
import os
import sys
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING
from uuid import UUID

import click

from privata.core.ids import new_id
from privata.core.tenancy import Actor, ActorKind, Environment

if TYPE_CHECKING:
    from privata.infra.context import AppContext
    from privata.ledger.service import Balances
    from privata.ledger.verify import Verification

_ORGANIZATION = click.option(
    "--organization", required=True, type=click.UUID, help="organization ID"
)
_JSON = click.option("--json", "as_json", is_flag=True, help="print one line of JSON")


def _dollars(ctx: click.Context, param: click.Parameter, value: str) -> Decimal:
    """US dollars as they are written, perhaps below zero; never by way of a float."""
    try:
        return Decimal(value)
    except InvalidOperation:
        raise click.BadParameter(f"{value!r} is not an amount such as 12.50 or -3") from None


@click.group()
def ledger() -> None:
    """The ledger: what partners earned and were paid."""


@ledger.command()
@click.option("--organization", type=click.UUID, help="only this organization; default: all")
@_JSON
def verify(organization: UUID | None, as_json: bool) -> None:
    """Recompute all balances. Prints mismatches and exits with code 1."""
    from privata.ledger.verify import verify as verify_ledger
    from privata.startup import run_once

    verification: Verification = run_once(
        lambda ctx: verify_ledger(ctx, organization_id=organization)
    )
    if as_json:
        click.echo(json.dumps(dataclasses.asdict(verification), default=str))
    else:
        _tell(verification)
    if verification.findings:
        sys.exit(1)


@ledger.command()
@_ORGANIZATION
@_JSON
def balances(organization: UUID, as_json: bool) -> None:
    """Show an organization's account balances with all decimals."""
    from privata.ledger.service import balances_of
    from privata.organizations.profile import status_of
    from privata.startup import run_once

    async def work(ctx: AppContext) -> Balances:
        await status_of(ctx, organization)
        return await balances_of(ctx, organization_id=organization)

    held = run_once(work)
    shown = {name: format(amount, "f") for name, amount in dataclasses.asdict(held).items()}
    if as_json:
        click.echo(json.dumps({"organization_id": str(organization), **shown}))
        return
    for name, amount in shown.items():
        click.echo(f"{name:16} {amount:>24} USD")


@ledger.command()
@_ORGANIZATION
@click.option("--amount", required=True, callback=_dollars, help="amount in USD; negative to debit")
@click.option("--reason", required=True, help="stored with the entry and in the audit log")
@click.option("--id", "correction", type=click.UUID, help="ID of the correction, booked only once")
@_JSON
def correct(
    organization: UUID, amount: Decimal, reason: str, correction: UUID | None, as_json: bool
) -> None:
    """Credit or debit an organization. Safe to repeat with the same --id."""
    from privata.ledger import service
    from privata.organizations.profile import status_of
    from privata.startup import run_once

    ident = correction or new_id()

    async def work(ctx: AppContext) -> None:
        await status_of(ctx, organization)
        async with ctx.database.transaction() as tx:
            await service.correct(
                tx,
                actor=_operator(organization),
                amount=amount,
                reason=reason,
                correction_id=ident,
            )

    run_once(work)
    made = {"id": str(ident), "organization_id": str(organization), "amount": format(amount, "f")}
    click.echo(json.dumps(made) if as_json else f"{ident}: {amount:f} USD booked.")


@ledger.command()
@_ORGANIZATION
@click.option("--order", required=True, help="order ID")
@click.option("--reason", required=True, help="stored with the entry and in the audit log")
@_JSON
def reverse(organization: UUID, order: str, reason: str, as_json: bool) -> None:
    """Reverse the earning of an order that was refunded later."""
    from privata.ledger import service
    from privata.startup import run_once

    async def work(ctx: AppContext) -> Decimal:
        async with ctx.database.transaction() as tx:
            return await service.reverse(
                tx, actor=_operator(organization), order_id=order, reason=reason
            )

    taken: Decimal = run_once(work)
    made = {"order_id": order, "organization_id": str(organization), "taken": format(taken, "f")}
    click.echo(json.dumps(made) if as_json else f"{order}: {taken:f} USD reversed.")


def _operator(organization: UUID) -> Actor:
    """Who sits at the command line is the machine's business; its name for them is what we know."""
    try:
        who = getpass.getuser()
    except (KeyError, OSError):
        who = f"uid {os.getuid()}"
    label = f"command line ({who})"
    return Actor(ActorKind.OPERATOR, "cli", label, organization, Environment.LIVE)


def _tell(verification: Verification) -> None:
    for finding in verification.findings:
        click.echo(f"{finding.organization_id}  {finding.what}: {finding.how}")
    for note in verification.notes:
        names = ", ".join(note.named) + (", …" if note.many > len(note.named) else "")
        orders = "live order" if note.many == 1 else "live orders"
        click.echo(f"{note.organization_id}  note: {note.many} {orders} earned nothing: {names}")
    state = "WRONG" if verification.findings else "ok"
    books = "book" if verification.books == 1 else "books"
    click.echo(f"{state}, {verification.entries} entries in {verification.books} {books}")
