"""`privata snapshots`: who keeps dead rows of the database, and how to end that."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from privata.infra.context import AppContext
    from privata.infra.database.snapshots import Holder


@click.command()
@click.option("--json", "as_json", is_flag=True, help="print one line of JSON")
def snapshots(as_json: bool) -> None:
    """List sessions that hold old snapshots, oldest first, and how to end each."""
    from privata.startup import run_once

    complete, holders = run_once(_look)
    if as_json:
        found = [dataclasses.asdict(one) for one in holders]
        click.echo(json.dumps({"complete": complete, "snapshots": found}))
        return
    for one in holders:
        held = "" if one.seconds is None else f"{one.seconds:.0f} s, "
        click.echo(f"{held}{one.transactions} transactions  {one.who}\n    {one.remedy}")
    if not holders:
        click.echo("No snapshots are held.")
    if not complete:
        click.echo(
            "Sessions of other roles are hidden: GRANT pg_read_all_stats to the role that owns"
            " the tables.",
            err=True,
        )


async def _look(ctx: AppContext) -> tuple[bool, list[Holder]]:
    from privata.infra.database.snapshots import old_snapshots, sees_all

    return await sees_all(ctx.database), await old_snapshots(ctx.database)
