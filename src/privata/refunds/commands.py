"""`privata orders review`: the operator's decisions at the command line."""

from __future__ import annotations

import getpass
import json
import os
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import click

from privata.core.clock import iso
from privata.core.lifecycle import FailedReason, OrderStatus
from privata.core.money import format_amount
from privata.infra.context import AppContext
from privata.refunds.review import DECISIONS, decide, orders_in_review
from privata.refunds.store import InReview

#: Runs one task on the database; which program that is, only the command line knows.
RunOnce: TypeAlias = Callable[[Callable[[AppContext], Awaitable[Any]]], Any]

_JSON = click.option("--json", "as_json", is_flag=True, help="print one line of JSON")


def review_group(run_once: RunOnce) -> click.Group:
    """The group of commands, to be added to those about orders."""

    @click.group()
    def review() -> None:
        """Orders that wait for a person's decision."""

    review.add_command(_list(run_once))
    review.add_command(_decide(run_once))
    return review


def _list(run_once: RunOnce) -> click.Command:
    @click.command("list")
    @_JSON
    def command(as_json: bool) -> None:
        """List orders in manual review, oldest first."""
        found = [_shown(row) for row in run_once(orders_in_review)]
        if as_json:
            click.echo(json.dumps({"orders": found}))
            return
        if not found:
            click.echo("No order waits for a decision.")
        for one in found:
            click.echo(_spoken(one))

    return command


def _decide(run_once: RunOnce) -> click.Command:
    @click.command("decide")
    @click.argument("order_id")
    @click.option("--to", required=True, type=click.Choice([one.value for one in DECISIONS]))
    @click.option("--tx-hash", help="transaction hash of the refund; required for refunded")
    @click.option(
        "--reason",
        type=click.Choice([reason.value for reason in FailedReason]),
        help="why it failed; only with --to failed",
    )
    @click.option(
        "--note",
        default="",
        help="stored in the audit log; shown to the partner if the order failed",
    )
    @_JSON
    def command(
        order_id: str, to: str, tx_hash: str | None, reason: str | None, note: str, as_json: bool
    ) -> None:
        """Move an order out of manual review. The partner receives an event."""
        order = run_once(
            lambda ctx: decide(
                ctx,
                operator=_operator(),
                order_id=order_id,
                to=OrderStatus(to),
                tx_hash=tx_hash,
                reason=None if reason is None else FailedReason(reason),
                note=note,
            )
        )
        click.echo(json.dumps(order) if as_json else f"{order_id} is {to}.")

    return command


def _operator() -> str:
    """Who decides, as the audit log names them; a container's user may have no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def _spoken(one: dict[str, Any]) -> str:
    text = (
        f"{one['order_id']}  {one['environment']}  {one['organization']}\n"
        f"  holds {one['amount_from']} {one['from']} on {one['from_network']}"
        f" at {one['provider']} ({one['provider_order_id']}) since {one['since']}"
    )
    return f"{text}\n  {one['failure']}" if one["failure"] else text


def _shown(row: InReview) -> dict[str, Any]:
    return {
        "order_id": row.id,
        "organization_id": str(row.organization_id),
        "organization": row.organization,
        "environment": row.environment,
        "provider": row.provider,
        "provider_order_id": row.provider_order_id,
        "from": row.from_asset,
        "from_network": row.from_network,
        "amount_from": format_amount(row.amount_from, row.from_decimals),
        "to": row.to_asset,
        "to_network": row.to_network,
        "refund_capability": row.refund_capability,
        "failed_reason_code": row.failed_reason_code,
        "tx_in_hash": row.tx_in_hash,
        "action": row.action,
        "refund_state": row.state,
        "failure": row.failure,
        "since": iso(row.updated_at),
    }
