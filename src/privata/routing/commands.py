"""`privata providers`: which real exchanges serve live keys, and with which credentials."""

from __future__ import annotations

import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import click

from privata.core.clock import iso
from privata.core.errors import ValidationFailed
from privata.core.plurals import plural
from privata.infra.context import AppContext
from privata.providers.port import Credentials
from privata.routing import setting
from privata.routing.rows import ShownProvider

#: Runs one task on the database; which program that is, only the command line knows.
RunOnce: TypeAlias = Callable[[Callable[[AppContext], Awaitable[Any]]], Any]

_PARTS = ("key", "secret", "account")
_JSON = click.option("--json", "as_json", is_flag=True, help="print one line of JSON")
_NAME = click.argument("name")


def providers_group(run_once: RunOnce) -> click.Group:
    """The group of commands, to be added to the program."""

    @click.group()
    def providers() -> None:
        """Exchanges that serve live orders."""

    for command in (_list(run_once), _credentials(run_once), _enable(run_once), _disable(run_once)):
        providers.add_command(command)
    return providers


def _list(run_once: RunOnce) -> click.Command:
    @click.command("list")
    @_JSON
    def command(as_json: bool) -> None:
        """List all providers: enabled or not, what they list, success, outages."""
        found: list[ShownProvider] = run_once(setting.providers)
        if as_json:
            click.echo(json.dumps({"providers": [_shown(one) for one in found]}))
            return
        for one in found:
            click.echo(f"{one.name:14} {_state(one)}")

    return command


def _credentials(run_once: RunOnce) -> click.Command:
    @click.command("credentials")
    @_NAME
    @click.option(
        "--stdin",
        "from_stdin",
        is_flag=True,
        help='read JSON from standard input: {"key": …, "secret": …, "account": …}',
    )
    def command(name: str, from_stdin: bool) -> None:
        """Store what the provider gave you, sealed. It is never shown again.

        Asks for key, secret, and account ID without showing what you type. Leave empty what the
        provider does not have.
        """
        given = _from_stdin() if from_stdin else {part: _asked(part) for part in _PARTS}
        run_once(lambda ctx: setting.set_credentials(ctx, name, Credentials(**given)))
        click.echo(f"{name}: credentials stored.")

    return command


def _enable(run_once: RunOnce) -> click.Command:
    @click.command("enable")
    @_NAME
    @click.option("--base-url", help='another address, such as a proxy; "" for the usual one')
    def command(name: str, base_url: str | None) -> None:
        """Ask a provider for live quotes. Workers read its list within seconds.

        Whether its credentials are right shows in the list after that: `privata providers list`.
        """
        run_once(
            lambda ctx: setting.enable(
                ctx, name, changes_url=base_url is not None, base_url=base_url or None
            )
        )
        click.echo(f"{name}: enabled.")

    return command


def _disable(run_once: RunOnce) -> click.Command:
    @click.command("disable")
    @_NAME
    def command(name: str) -> None:
        """Ask a provider for no more quotes. Its orders are followed to their end."""
        run_once(lambda ctx: setting.disable(ctx, name))
        click.echo(f"{name}: disabled.")

    return command


def _asked(part: str) -> str:
    given: str = click.prompt(part, default="", show_default=False, hide_input=True)
    return given


def _from_stdin() -> dict[str, str]:
    try:
        given = json.load(sys.stdin)
    except ValueError:
        given = None
    if (
        not isinstance(given, dict)
        or not given.keys() <= set(_PARTS)
        or not all(isinstance(value, str) for value in given.values())
    ):
        raise ValidationFailed(
            f"Standard input must be a JSON object of texts with {', '.join(_PARTS)}."
        )
    return given


def _state(one: ShownProvider) -> str:
    if not one.has_credentials:
        return "no credentials"
    parts = ["enabled" if one.enabled else "disabled"]
    if one.assets is not None:
        parts.append(plural(one.assets, "asset"))
    if one.base_url is not None:
        parts.append(one.base_url)
    if one.success is not None:
        parts.append(f"{one.success:.0%} completed in 24 hours")
    if one.down_since is not None:
        parts.append(f"down since {iso(one.down_since)}")
    elif one.refresh_fault is not None:
        parts.append(f"its list cannot be read: {one.refresh_fault}")
    return ", ".join(parts)


def _shown(one: ShownProvider) -> dict[str, Any]:
    return {
        "provider": one.name,
        "enabled": one.enabled,
        "has_credentials": one.has_credentials,
        "base_url": one.base_url,
        "assets": one.assets,
        "listed_at": None if one.listed_at is None else iso(one.listed_at),
        "refresh_fault": one.refresh_fault,
        "down_since": None if one.down_since is None else iso(one.down_since),
        "success_24h": None if one.success is None else str(one.success),
    }
