"""Groups of commands that are imported when one of them runs."""

from __future__ import annotations

from importlib import import_module
from typing import Final

import click

#: Name of the group -> its module and its name there. Together they import half of the program, of
#: which a command needs little.
GROUPS: Final = {
    "accounts": ("privata.commands.accounts", "accounts"),
    "audit": ("privata.commands.audit", "audit"),
    "keys": ("privata.commands.keys", "keys"),
    "ledger": ("privata.commands.ledger", "ledger"),
    "orders": ("privata.commands.orders", "orders"),
    "payouts": ("privata.commands.payouts", "payouts"),
    "prices": ("privata.commands.prices", "prices"),
    "providers": ("privata.commands.providers", "providers"),
    "restored": ("privata.commands.restored", "restored"),
    "secrets": ("privata.commands.secrets", "secrets"),
    "snapshots": ("privata.commands.snapshots", "snapshots"),
}


class LazyGroups(click.Group):
    """A group that also has `GROUPS`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands, sorted."""
        return sorted({*super().list_commands(ctx), *GROUPS})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name; imports its group."""
        if cmd_name not in GROUPS:
            return super().get_command(ctx, cmd_name)
        module, name = GROUPS[cmd_name]
        found: click.Command = getattr(import_module(module), name)
        return found
