"""`privata orders`: what the operator does with orders of every organization."""

from __future__ import annotations

import click

from privata.commands.once import once
from privata.orders.late.commands import late_group
from privata.refunds.commands import review_group


@click.group()
def orders() -> None:
    """Orders of every organization."""


orders.add_command(review_group(once))
orders.add_command(late_group(once))
