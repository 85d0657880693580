"""`privata payouts`: the operator's hand on payouts and on payout addresses."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import click

from privata.commands.once import once
from privata.commands.operator import operator_label as _by
from privata.payouts.currencies import PayoutCurrency
from privata.payouts.lifecycle import RESERVED, PayoutStatus

_JSON = click.option("--json", "as_json", is_flag=True, help="one line of JSON for each")
_ORGANIZATION = click.option("--organization", required=True, type=click.UUID)
_PAYOUT = click.argument("payout", type=click.UUID)


@click.group()
def payouts() -> None:
    """Payouts of every organization."""


@payouts.command("list")
@click.option(
    "--status",
    "statuses",
    multiple=True,
    type=click.Choice([status.value for status in PayoutStatus]),
    help="repeat for several; default: payouts waiting to be sent or settled",
)
@click.option("--organization", type=click.UUID, help="only this organization; default: all")
@_JSON
def list_payouts(statuses: tuple[str, ...], organization: UUID | None, as_json: bool) -> None:
    """List payouts, oldest first."""
    from privata.payouts.reading import payout_object
    from privata.payouts.settling import waiting_payouts

    wanted = [PayoutStatus(one) for one in statuses] or sorted(RESERVED)
    rows = once(lambda ctx: waiting_payouts(ctx, statuses=wanted, organization_id=organization))
    for row in rows:
        shown = payout_object(row)
        owner = {
            "organization_id": str(row.organization_id),
            "organization": row.organization,
        }
        click.echo(json.dumps(shown | owner) if as_json else _spoken(shown | owner))
    if not rows and not as_json:
        click.echo("None.")


@payouts.command()
@_PAYOUT
def approve(payout: UUID) -> None:
    """Approve a payout."""
    from privata.payouts.settling import approve_payout

    _act(payout, lambda ctx: approve_payout(ctx, by=_by(), payout_id=payout))


@payouts.command()
@_PAYOUT
def process(payout: UUID) -> None:
    """Start sending a payout. It can no longer be canceled."""
    from privata.payouts.settling import process_payout

    _act(payout, lambda ctx: process_payout(ctx, by=_by(), payout_id=payout))


@payouts.command()
@_PAYOUT
@click.option("--tx", "tx_hash", required=True, help="transaction hash")
def sent(payout: UUID, tx_hash: str) -> None:
    """Mark a payout as sent. The partner is notified."""
    from privata.payouts.settling import mark_sent

    _act(payout, lambda ctx: mark_sent(ctx, by=_by(), payout_id=payout, tx_hash=tx_hash))


@payouts.command()
@_PAYOUT
@click.option(
    "--tx", "tx_hash", help="transaction hash; required if the payout was not marked as sent"
)
def settle(payout: UUID, tx_hash: str | None) -> None:
    """Mark a payout as settled. This is final."""
    from privata.payouts.settling import settle_payout

    _act(payout, lambda ctx: settle_payout(ctx, by=_by(), payout_id=payout, tx_hash=tx_hash))


@payouts.command()
@_PAYOUT
@click.option("--reason", required=True, help="shown to the partner")
def fail(payout: UUID, reason: str) -> None:
    """Mark a payout as failed and return the amount to the partner. Check the chain first."""
    from privata.payouts.settling import fail_payout

    _act(payout, lambda ctx: fail_payout(ctx, by=_by(), payout_id=payout, reason=reason))


@payouts.command()
@_PAYOUT
def cancel(payout: UUID) -> None:
    """Cancel a payout before it is processed and return the amount to the partner."""
    from privata.payouts.settling import call_off

    _act(payout, lambda ctx: call_off(ctx, by=_by(), payout_id=payout))


@payouts.command()
@click.option("--organization", type=click.UUID, help="only this organization; default: all")
@_JSON
def verify(organization: UUID | None, as_json: bool) -> None:
    """Compare payouts with the ledger. Prints mismatches and exits with code 1."""
    from privata.payouts.verify import verify as verify_payouts

    verification = once(lambda ctx: verify_payouts(ctx, organization_id=organization))
    for found in verification.findings:
        shown = dataclasses.asdict(found)
        line = f"{found.organization_id}  payout {found.payout_id}: {found.how}"
        click.echo(json.dumps(shown, default=str) if as_json else line)
    if not as_json:
        click.echo(f"{'WRONG' if verification.findings else 'ok'}, {verification.payouts} payouts")
    if verification.findings:
        sys.exit(1)


@payouts.group()
def address() -> None:
    """Payout addresses of an organization."""


@address.command("add")
@_ORGANIZATION
@click.option(
    "--currency", required=True, type=click.Choice([currency.value for currency in PayoutCurrency])
)
@click.option("--label", default="", help="label for the address")
@click.argument("text", metavar="ADDRESS")
def add_address(organization: UUID, currency: str, label: str, text: str) -> None:
    """Add an unverified address. Owners and finance are notified by email."""
    from privata.payouts.access import operator
    from privata.payouts.addresses import service as addresses

    row = once(
        lambda ctx: addresses.add_address(
            ctx,
            actor=operator(organization, _by()),
            currency=PayoutCurrency(currency),
            address=text,
            label=label,
        )
    )
    click.echo(f"{row.id}  {row.currency}  {row.address}")


@address.command("list")
@_ORGANIZATION
@_JSON
def list_addresses(organization: UUID, as_json: bool) -> None:
    """List the addresses of an organization, defaults first."""
    from privata.payouts import reading
    from privata.payouts.access import operator

    rows = once(lambda ctx: reading.addresses(ctx, actor=operator(organization, _by())))
    for row in rows:
        shown = reading.address_object(row)
        default = "  default" if shown["is_default"] else ""
        line = (
            f"{shown['address_id']}  {shown['currency']}  {shown['address']}"
            f"  {shown['state']}{default}"
        )
        click.echo(json.dumps(shown) if as_json else line)
    if not rows and not as_json:
        click.echo("None.")


@address.command("verify")
@_ORGANIZATION
@click.argument("address_id", type=click.UUID)
def verify_address(organization: UUID, address_id: UUID) -> None:
    """Verify an address yourself, after confirming that it belongs to the partner."""
    from privata.payouts.access import operator
    from privata.payouts.addresses.service import vouch_for_address

    row = once(
        lambda ctx: vouch_for_address(
            ctx, actor=operator(organization, _by()), address_id=address_id
        )
    )
    click.echo(_verified(row))


@address.command("text")
@_ORGANIZATION
@click.argument("address_id", type=click.UUID)
def text_to_sign(organization: UUID, address_id: UUID) -> None:
    """Print a text to sign with the address's key. Valid for 10 minutes."""
    from privata.payouts.access import operator
    from privata.payouts.addresses.proofs import begin_proof

    text = once(
        lambda ctx: begin_proof(ctx, actor=operator(organization, _by()), address_id=address_id)
    )
    click.echo(text)


@address.command("prove")
@_ORGANIZATION
@click.argument("address_id", type=click.UUID)
@click.argument("signature")
def prove_address(organization: UUID, address_id: UUID, signature: str) -> None:
    """Verify an address with the signature of its text (hex; base58 or base64 on Solana)."""
    from privata.payouts.access import operator
    from privata.payouts.addresses import proofs

    row = once(
        lambda ctx: proofs.prove_address(
            ctx,
            actor=operator(organization, _by()),
            address_id=address_id,
            signature=signature,
        )
    )
    click.echo(_verified(row))


@address.command("promote")
@_ORGANIZATION
@click.argument("address_id", type=click.UUID)
def promote_address(organization: UUID, address_id: UUID) -> None:
    """Make a verified address the default for its currency."""
    from privata.payouts.access import operator
    from privata.payouts.addresses import service as addresses

    row = once(
        lambda ctx: addresses.promote_address(
            ctx, actor=operator(organization, _by()), address_id=address_id
        )
    )
    click.echo(f"{address_id} is now the default for {row.currency}.")


@address.command("remove")
@_ORGANIZATION
@click.argument("address_id", type=click.UUID)
def remove_address(organization: UUID, address_id: UUID) -> None:
    """Remove an address permanently."""
    from privata.payouts.access import operator
    from privata.payouts.addresses import service as addresses

    once(
        lambda ctx: addresses.remove_address(
            ctx, actor=operator(organization, _by()), address_id=address_id
        )
    )
    click.echo(f"{address_id} is removed.")


def _verified(row: Any) -> str:
    from privata.payouts.access import moment_words

    return f"{row.id} is verified and can be used from {moment_words(row.usable_at)}."


def _act(payout: UUID, work: Callable[[Any], Awaitable[Any]]) -> None:
    row = once(work)
    click.echo(f"{payout} is {row.status}.")


def _spoken(one: dict[str, Any]) -> str:
    waits = "  needs approval" if one["needs_approval"] and one["status"] == "confirmed" else ""
    return (
        f"{one['payout_id']}  {one['status']:10}  {one['amount']:>12} USD  {one['organization']}"
        f"{waits}\n  {one['currency']} to {one['address']}"
    )
