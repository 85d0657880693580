"""`privata audit`: verifying the log, checkpoints, retention."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import click

from privata.core.plurals import plural

if TYPE_CHECKING:
    from privata.audit.verify import Verification


@click.group()
def audit() -> None:
    """The audit log."""


@audit.command()
@click.option("--organization", type=click.UUID, help="only this organization; default: all")
@click.option("--json", "as_json", is_flag=True, help="one line of JSON for each chain")
def verify(organization: UUID | None, as_json: bool) -> None:
    """Verify the audit chains. Prints the first broken entry of each and exits with code 1."""
    from privata.audit.verify import verify as verify_log
    from privata.startup import run_once

    verifications = run_once(lambda ctx: verify_log(ctx, organization_id=organization))
    for verification in verifications:
        click.echo(_json(verification) if as_json else _sentence(verification))
    if any(verification.broken for verification in verifications):
        sys.exit(1)


@audit.command()
def checkpoint() -> None:
    """Record the current head of each chain. The worker does this daily."""
    from privata.audit.checkpoints import make_checkpoints
    from privata.startup import run_once

    made = run_once(make_checkpoints)
    click.echo(f"{plural(made, 'checkpoint')} made." if made else "Nothing new to record.")


@audit.command()
@click.option(
    "--to",
    "folder",
    required=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False, writable=True),
    help="directory for the exported files; keep them",
)
@click.option("--drop", is_flag=True, help="remove the detached tables from the database")
def retain(folder: Path, drop: bool) -> None:
    """Export months older than 2 years and remove them from the log."""
    from privata.audit.retention import retain as retain_log
    from privata.infra.settings import settings

    archived = asyncio.run(retain_log(settings(), folder, remove=drop))
    for one in archived:
        click.echo(f"{one.month:%Y-%m}  {one.entries:>9,} entries  {one.file}  sha256 {one.digest}")
    if not archived:
        click.echo("No month is older than 2 years.")


def _sentence(verification: Verification) -> str:
    who = verification.organization_id or "platform"
    if verification.broken is not None:
        return f"{who}  BROKEN at entry {verification.broken.seq}: {verification.broken.reason}"
    return f"{who}  ok, {verification.entries} entries up to {verification.last_seq}"


def _json(verification: Verification) -> str:
    broken = verification.broken
    return json.dumps(
        {
            "organization_id": str(verification.organization_id)
            if verification.organization_id
            else None,
            "entries": verification.entries,
            "last_seq": verification.last_seq,
            "broken": None if broken is None else {"seq": broken.seq, "reason": broken.reason},
        }
    )
