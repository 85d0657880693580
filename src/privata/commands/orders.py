"""`privata orders`: what the operator does with orders of every organization."""

from __future__ import annotations

import click

from privata.orders.late.commands import late_group
from privata.refunds.commands import RunOnce, review_group


def orders_group(run_once: RunOnce) -> click.Group:
    """The group of commands, to be added to the program."""

    @click.group()
    def orders() -> None:
        """Orders of every organization."""

    orders.add_command(review_group(run_once))
    orders.add_command(late_group(run_once))
    return orders
