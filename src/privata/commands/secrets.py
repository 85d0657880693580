"""`privata secrets`: the installation's own keys, which are no API keys (`privata keys`)."""

from __future__ import annotations

import getpass
import json
import sys
from typing import TYPE_CHECKING
from uuid import UUID

import click

if TYPE_CHECKING:
    from privata.core.tenancy import Actor
    from privata.infra.context import AppContext
    from privata.infra.secret_keys.redigesting import Hanging
    from privata.infra.secret_keys.resealing import Resealed
    from privata.infra.secret_keys.status import Status


@click.group()
def secrets() -> None:
    """The installation's secret keys (PRIVATA_SECRET_KEYS). For API keys, see `keys`."""


@secrets.command()
@click.option("--json", "as_json", is_flag=True, help="print one line of JSON")
def status(as_json: bool) -> None:
    """List the secret keys and what depends on each."""
    from privata.infra.secret_keys.status import status_of
    from privata.startup import run_once

    found = run_once(status_of, any_keys=True)
    if as_json:
        click.echo(json.dumps(found.as_dict()))
        return
    _tell(found)


@secrets.command()
@click.option("--dry-run", is_flag=True, help="only count what would be sealed again")
def reseal(dry_run: bool) -> None:
    """Seal everything again under the first key. Safe to stop, to repeat, and under load."""
    from privata.infra.secret_keys.columns import sealed_uses
    from privata.infra.secret_keys.redigesting import hanging
    from privata.infra.secret_keys.resealing import reseal as reseal_all
    from privata.startup import run_once

    async def count(ctx: AppContext) -> None:
        first = ctx.sealer.marks[0]
        others = [use for use in await sealed_uses(ctx.database.pool) if use.key != first.name]
        for use in others:
            click.echo(f"{use.table:20} {use.count:>9,} under {use.shown}")
        if not others:
            click.echo(f"Nothing to seal again: everything is under {first.shown}.")

    async def work(ctx: AppContext) -> tuple[list[Resealed], list[Hanging]]:
        reports = await reseal_all(ctx.database.pool, ctx.sealer, _progress)
        return reports, await hanging(ctx.database.pool, ctx.sealer.marks[0].name)

    if dry_run:
        run_once(count)
        return
    reports, digests = run_once(work)
    for one in reports:
        click.echo(f"{one.table:20} {one.done:>9,} sealed again")
        if one.left:
            click.echo(f"{one.table:20} {one.left:>9,} were in use: run this again")
        for name, closed in sorted(one.closed.items()):
            click.echo(f"{one.table:20} {closed:>9,} do not open: their key is {name}")
    for digest in digests:
        under = "an unknown key" if digest.key is None else digest.key.hex()
        click.echo(
            f"{digest.what} {digest.id} ({digest.label}…) of organization"
            f" {digest.organization_id} needs {under} until it is used again"
        )
    if any(one.left or one.closed for one in reports):
        sys.exit(1)


@secrets.command()
@click.argument("key")
@click.option("--anyway", is_flag=True, help="even if values depend on it: they are lost")
def retire(key: str, anyway: bool) -> None:
    """Let processes start without KEY (8 hex digits, see `status`)."""
    from privata.audit import service as audit
    from privata.infra.secret_keys.retiring import retire as retire_key
    from privata.infra.secret_keys.status import uses_of
    from privata.startup import run_once

    async def work(ctx: AppContext) -> None:
        uses = await uses_of(ctx.database.pool)
        async with ctx.database.transaction() as tx:
            await retire_key(tx, key, uses, anyway=anyway)
            await audit.record(
                tx,
                actor=_operator(),
                action="secret_key.retired",
                target=key.lower(),
                changes={"anyway": anyway},
            )

    run_once(work, any_keys=True)
    click.echo(f"{key.lower()} is retired. Remove it from PRIVATA_SECRET_KEYS on every node.")


def _progress(report: Resealed) -> None:
    if sys.stderr.isatty():
        click.echo(f"{report.table:20} {report.done:>9,}", err=True)


def _tell(found: Status) -> None:
    for key in found.keys:
        since = f"since {key.seen_at:%Y-%m-%d}"
        click.echo(f"{key.shown}  {key.state:8} {since}")
    for process in found.running:
        first, *others = [name.hex() for name in process.keys]
        also = f", opens {', '.join(others)}" if others else ""
        click.echo(f"{process.label} seals with {first}{also}")
    for use in found.uses:
        click.echo(f"{use.table:20} {use.count:>9,} under {use.shown}")


def _operator() -> Actor:
    from privata.core.tenancy import Actor, ActorKind, Environment

    # No organization's: the entry stands in the platform's own chain.
    nobody: UUID = None  # type: ignore[assignment]  # null: the platform as a whole
    label = f"command line ({getpass.getuser()})"
    return Actor(ActorKind.OPERATOR, "cli", label, nobody, Environment.LIVE)
