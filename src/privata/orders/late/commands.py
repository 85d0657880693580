"""`privata orders late`: the operator's hand on deposits that came too late."""

from __future__ import annotations

import getpass
import json
import os
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import click

from privata.core.clock import iso
from privata.core.money import format_amount
from privata.infra.context import AppContext
from privata.orders.late.deposits import close_late, late_deposits, note_by_hand
from privata.orders.late.store import OpenLate
from privata.orders.states import LATE_ENDS, LateState

#: Runs one task on the database; which program that is, only the command line knows.
RunOnce: TypeAlias = Callable[[Callable[[AppContext], Awaitable[Any]]], Any]

_JSON = click.option("--json", "as_json", is_flag=True, help="print one line of JSON")
_NOTE = click.option("--note", default="", help="shown to the partner")


def late_group(run_once: RunOnce) -> click.Group:
    """The group of commands, to be added to those about orders."""

    @click.group()
    def late() -> None:
        """Deposits that came after their order had expired."""

    late.add_command(_list(run_once))
    late.add_command(_note(run_once))
    late.add_command(_close(run_once))
    return late


def _list(run_once: RunOnce) -> click.Command:
    @click.command("list")
    @_JSON
    def command(as_json: bool) -> None:
        """List open late deposits, oldest first."""
        found = [_shown(row) for row in run_once(late_deposits)]
        if as_json:
            click.echo(json.dumps({"late_deposits": found}))
            return
        if not found:
            click.echo("No late deposit waits for a decision.")
        for one in found:
            click.echo(
                f"{one['order_id']}  {one['environment']}  {one['organization']}\n"
                f"  {one['amount_from']} {one['from']} on {one['from_network']} expected at"
                f" {one['provider']} ({one['provider_order_id']}), seen {one['seen_at']}"
            )

    return command


def _note(run_once: RunOnce) -> click.Command:
    @click.command("note")
    @click.argument("order_id")
    @click.option("--tx-hash", required=True, help="transaction hash of the deposit")
    @_NOTE
    def command(order_id: str, tx_hash: str, note: str) -> None:
        """Record a late deposit the provider does not report. The partner is notified."""
        run_once(
            lambda ctx: note_by_hand(
                ctx, operator=_operator(), order_id=order_id, tx_hash=tx_hash, note=note
            )
        )
        click.echo(f"{order_id} has a late deposit.")

    return command


def _close(run_once: RunOnce) -> click.Command:
    @click.command("close")
    @click.argument("order_id")
    @click.option("--to", required=True, type=click.Choice(sorted(one.value for one in LATE_ENDS)))
    @click.option("--tx-hash", help="transaction hash of the payment; for swapped and refunded")
    @_NOTE
    def command(order_id: str, to: str, tx_hash: str | None, note: str) -> None:
        """Close a late deposit. The order stays expired, and the partner is notified."""
        run_once(
            lambda ctx: close_late(
                ctx,
                operator=_operator(),
                order_id=order_id,
                to=LateState(to),
                tx_hash=tx_hash,
                note=note,
            )
        )
        click.echo(f"The late deposit of {order_id} is {to}.")

    return command


def _operator() -> str:
    """Who decides, as the audit log names them; a container's user may have no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def _shown(row: OpenLate) -> dict[str, Any]:
    assert row.late_seen_at is not None  # constraint orders_late_whole
    return {
        "order_id": row.id,
        "organization_id": str(row.organization_id),
        "organization": row.organization,
        "environment": row.environment,
        "provider": row.provider,
        "provider_order_id": row.provider_order_id,
        "partner_order_ref": row.partner_order_ref,
        "from": row.from_asset,
        "from_network": row.from_network,
        "amount_from": format_amount(row.amount_from, row.from_decimals),
        "deposit_address": row.deposit_address,
        "tx_in_hash": row.tx_in_hash,
        "seen_at": iso(row.late_seen_at),
    }
