"""The command line: every program of Privata starts here."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import logging
import sys
from functools import partial
from pathlib import Path
from typing import Any

import click

from privata import __version__
from privata.commands.lazy import LazyGroups
from privata.commands.organizations import REVIEW
from privata.core.errors import PrivataError
from privata.core.plurals import plural
from privata.infra.redaction import cleaned
from privata.infra.settings import settings, unknown_settings
from privata.infra.telemetry import configure_logging

log = logging.getLogger(__name__)


@click.group(cls=LazyGroups, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="privata")
def privata() -> None:
    """Privata: swaps for partners, on one machine or many."""
    chosen = settings()
    configure_logging(chosen.log_level, chosen.log_format)
    for line in unknown_settings():
        log.warning("%s", line)


class Seconds(click.ParamType[float]):
    """A number of seconds, from 0 to `most`."""

    name = "seconds"

    def __init__(self, most: float) -> None:
        self._most = most

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """The number; a usage error says what to write."""
        try:
            seconds = float(value)
        except ValueError:
            seconds = float("nan")
        if not 0 <= seconds <= self._most:  # false for nan, too
            self.fail(
                f"{value!r} is not a number of seconds from 0 to {self._most:g}. For one hour,"
                " write 3600.",
                param,
                ctx,
            )
        return seconds


@privata.command()
@click.option(
    "--wait",
    metavar="SECONDS",
    type=Seconds(86_400),
    help="how long to try again while others hold a lock (600)",
)
def migrate(wait: float | None) -> None:
    """Bring the database schema up to date while everything runs."""
    from privata.dashboard.schema.watching import PATIENCE_S
    from privata.startup import migrate_schema

    patience_s = PATIENCE_S if wait is None else wait
    # What happens on the way is told beside the result.
    say = partial(click.echo, err=True)
    applied = migrate_schema(settings(), say=say, patience_s=patience_s)
    done = plural(len(applied), "migration")
    click.echo(f"{done} applied." if applied else "The schema is up to date.")


@privata.command()
@click.option(
    "--only",
    type=click.Choice(["api", "dashboard"]),
    help="serve only the API or only the dashboard",
)
def serve(only: str | None) -> None:
    """Serve the partner API and the dashboard."""
    from privata.serving import serve as run_server
    from privata.startup import run

    run(lambda ctx: run_server(ctx, only=only))


@privata.command()
def worker() -> None:
    """Deliver webhooks and track orders. You can run any number of workers."""
    from privata.startup import run
    from privata.worker.main import work

    run(work)


@privata.command("run")
def run_everything() -> None:
    """Run the server and a worker in one process, for a laptop or a small server."""
    from privata.serving import serve_and_work
    from privata.startup import run

    run(serve_and_work)


@privata.command()
@click.option("--json", "as_json", is_flag=True, help="print one line of JSON when ready")
def demo(as_json: bool) -> None:
    """Run everything with a demo partner and simulated wallets."""
    from privata.demo.main import run_demo

    run_demo(as_json=as_json)


@privata.command()
@click.option("--port", default=9099, show_default=True)
@click.option("--secret", multiple=True, help="whsec_…; repeat during a rotation")
def receiver(port: int, secret: tuple[str, ...]) -> None:
    """Run a local endpoint that verifies webhooks and can simulate failures."""
    from privata.webhooks.receiver.api import create_app
    from privata.webhooks.receiver.api import run as run_receiver

    run_receiver(create_app(*secret), port=port)


@privata.command()
def openapi() -> None:
    """Print the OpenAPI document of the partner API."""
    from privata.api.openapi import document

    click.echo(json.dumps(document(settings().base_url), indent=2, ensure_ascii=False))


@privata.command()
@click.option("--kind", type=click.Choice(["postman", "bruno"]), default="postman")
@click.argument("target", type=click.Path(path_type=Path))
def collection(kind: str, target: Path) -> None:
    """Write an API collection: a file for Postman or a folder for Bruno."""
    from privata.api.openapi import document
    from privata.docs.bruno import bruno_collection
    from privata.docs.postman import postman_collection

    made = document(settings().base_url)
    files = {target: json.dumps(postman_collection(made), indent=2, ensure_ascii=False) + "\n"}
    if kind == "bruno":
        files = {target / name: text for name, text in bruno_collection(made).items()}
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    click.echo(f"{plural(len(files), 'file')} written to {target}.")


@privata.group()
def org() -> None:
    """Manage partner organizations."""


@org.command("create")
@click.option("--name", required=True)
@click.option("--owner-email", required=True)
@click.option("--approve", is_flag=True, help="approve the organization for live keys")
@click.option("--keys", is_flag=True, help="also create API keys")
@click.option(
    "--scope",
    multiple=True,
    type=click.Choice(["orders:rw", "webhook:admin", "payouts:read", "payouts:trigger"]),
    default=["orders:rw"],
    show_default=True,
    help="scope of the keys; repeat for several",
)
@click.option("--json", "as_json", is_flag=True)
def org_create(
    name: str,
    owner_email: str,
    approve: bool,
    keys: bool,
    scope: tuple[str, ...],
    as_json: bool,
) -> None:
    """Create an organization and its owner. Prints the IDs and, once, the password and keys."""
    from privata.apikeys.scopes import Scope
    from privata.commands.provisioning import provision
    from privata.startup import run_once

    made = run_once(
        lambda ctx: provision(
            ctx,
            name=name,
            owner_email=owner_email,
            approve=approve,
            keys=keys,
            scopes=[Scope(one) for one in scope],
        ),
        django=True,  # which hashes the password
    )
    shown: dict[str, Any] = dataclasses.asdict(made) | {"owner_email": owner_email}
    shown["organization_id"] = str(made.organization_id)
    if as_json:
        click.echo(json.dumps(shown))
        return
    for label, value in shown.items():
        click.echo(f"{label:16} {value if value is not None else '-'}")


for command in REVIEW:
    org.add_command(command)


def main() -> None:
    """Run; a failure that was foreseen is one line on standard error and exit code 1."""
    try:
        privata.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt, asyncio.CancelledError):
        sys.exit(130)
    except PrivataError as error:
        click.echo(f"privata: {cleaned(error.message)}", err=True)
        sys.exit(1)
