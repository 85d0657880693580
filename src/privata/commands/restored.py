"""`privata restored`: what the database has forgotten, and the operator's word that it is whole."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import click

from privata.commands.forgotten import Forgotten, forgotten_events, forgotten_orders
from privata.commands.once import once
from privata.commands.operator import operator_label
from privata.core.errors import PrivataError
from privata.core.plurals import plural

if TYPE_CHECKING:
    from privata.infra.context import AppContext
    from privata.infra.generation import Generation
    from privata.payouts.restored.comparing import Difference

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@dataclasses.dataclass(frozen=True, slots=True)
class Asked:
    """What the operator has given: lists, and what they say themselves."""

    sent: tuple[Path, ...]
    orders: tuple[Path, ...]
    received: tuple[Path, ...]
    nothing_sent: bool
    accepted: frozenset[UUID]
    confirm: bool
    new_generation: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Found:
    """The generation and every difference, at the end; `repeated` were noted again."""

    generation: Generation
    differences: list[Difference]
    forgotten: list[Forgotten]
    repeated: list[UUID]
    confirmed_now: bool


@click.command()
@click.option(
    "--sent",
    multiple=True,
    type=_FILE,
    help="CSV list of payouts that were really sent; repeat for several",
)
@click.option(
    "--orders",
    multiple=True,
    type=_FILE,
    help="CSV list of a provider's orders since the backup; repeat for several",
)
@click.option(
    "--received",
    multiple=True,
    type=_FILE,
    help="CSV list of event IDs that a partner received; repeat for several",
)
@click.option(
    "--nothing-sent", is_flag=True, help="you checked: no payout was sent since the backup"
)
@click.option(
    "--accept",
    multiple=True,
    type=click.UUID,
    help="payout whose conflict you resolved yourself; repeat for several",
)
@click.option("--confirm", is_flag=True, help="correct the payouts and release the hold")
@click.option(
    "--new-generation",
    is_flag=True,
    help="also after a restore that the server does not show, such as a disk snapshot",
)
@click.option("--json", "as_json", is_flag=True, help="print one line of JSON for each")
def restored(
    sent: tuple[Path, ...],
    orders: tuple[Path, ...],
    received: tuple[Path, ...],
    nothing_sent: bool,
    accept: tuple[UUID, ...],
    confirm: bool,
    new_generation: bool,
    as_json: bool,
) -> None:
    """Compare the database with what happened outside after a restore or failover.

    Lists every difference. With --confirm, corrects the payouts and releases the hold. Exits with
    code 1 while anything is open.
    """
    asked = Asked(sent, orders, received, nothing_sent, frozenset(accept), confirm, new_generation)
    found: Found = once(lambda ctx: compare_and_confirm(ctx, asked))
    for difference in found.differences:
        click.echo(_json(difference) if as_json else _line(difference))
    for one in found.forgotten:
        line = f"{'forgotten':10}  {one.kind} {one.name}  is not in the database"
        shown = {"kind": f"forgotten_{one.kind}", one.kind: one.name}
        click.echo(json.dumps(shown) if as_json else line)
    if as_json:
        click.echo(json.dumps(_state(found)))
    else:
        _tell(found)
    if not found.generation.confirmed or (not confirm and any(d.open for d in found.differences)):
        sys.exit(1)


async def compare_and_confirm(ctx: AppContext, asked: Asked) -> Found:
    """Compare; with `confirm`, note again what was forgotten and release the hold.

    `PrivataError` if that cannot be: nothing to compare with, or conflicts that nobody accepted.
    """
    from privata.infra import generation
    from privata.payouts.restored.claims import Journal, furthest, read_claims
    from privata.payouts.restored.comparing import Kind, compare, repeat_all

    journal = Journal(ctx.settings.payout_journal)
    claims = [*journal.claims(), *(claim for path in asked.sent for claim in read_claims(path))]
    known = furthest(claims)
    state = await generation.note(ctx.database)
    differences = await compare(ctx, known)
    forgotten = [one for path in asked.orders for one in await forgotten_orders(ctx, path)]
    for path in asked.received:
        forgotten += await forgotten_events(ctx, path)
    if not asked.confirm:
        return Found(state, differences, forgotten, [], confirmed_now=False)
    told = bool(asked.sent) or asked.nothing_sent or bool(journal.path and journal.path.exists())
    if not told:
        if journal.path is not None:
            raise PrivataError(
                f"Nothing to compare with: the payout journal {journal.path} does not exist. Point"
                " PRIVATA_PAYOUT_JOURNAL to it, give a list of the payouts that were really sent"
                " (--sent), or say --nothing-sent."
            )
        raise PrivataError(
            "Nothing to compare with. Give a list of the payouts that were really sent (--sent),"
            " set PRIVATA_PAYOUT_JOURNAL, or say --nothing-sent."
        )
    conflicts = [
        one
        for one in differences
        if one.kind is Kind.CONFLICT and one.payout_id not in asked.accepted
    ]
    if conflicts:
        named = "; ".join(f"{one.payout_id}: {one.how}" for one in conflicts)
        raise PrivataError(
            f"Payouts stay on hold because of {plural(len(conflicts), 'conflict')}."
            f" Resolve each, and name it with --accept: {named}"
        )
    by = operator_label()
    repeated = await repeat_all(ctx, differences, by=by)
    if not state.confirmed or asked.new_generation or repeated:
        # A confirmed database that had forgotten something was restored without a sign of it.
        anew = asked.new_generation or (state.confirmed and bool(repeated))
        state = await generation.confirm(ctx.database, by=by, anew=anew)
        return Found(state, differences, forgotten, repeated, confirmed_now=True)
    return Found(state, differences, forgotten, repeated, confirmed_now=False)


def _line(one: Difference) -> str:
    return f"{one.kind:10}  payout {one.payout_id}  {one.how} ({one.here} -> {one.outside})"


def _json(one: Difference) -> str:
    shown = {"kind": one.kind, "payout_id": str(one.payout_id), "here": one.here}
    return json.dumps(shown | {"outside": one.outside, "how": one.how})


def _state(found: Found) -> dict[str, object]:
    return {
        "generation": found.generation.number,
        "confirmed": found.generation.confirmed,
        "corrected": [str(one) for one in found.repeated],
    }


def _tell(found: Found) -> None:
    number = found.generation.number
    differences = plural(sum(one.open for one in found.differences), "open difference")
    if found.repeated:
        click.echo(f"{plural(len(found.repeated), 'payout')} corrected.")
    if found.confirmed_now:
        click.echo(f"Generation {number} is confirmed. Payouts are released.")
    elif found.generation.confirmed:
        click.echo(f"Generation {number} is confirmed. {differences}.")
    else:
        click.echo(
            f"Generation {number} is not confirmed: live payouts are on hold."
            f" {differences}. Run again with --confirm to correct them."
        )
