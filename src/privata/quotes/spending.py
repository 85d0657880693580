"""Spending a quote: the one write to a quote after it was made."""

from __future__ import annotations


def spending(quote_id: str, now: str) -> str:
    """The SQL that spends a quote and yields its id, to stand in a WITH of whoever makes an order.

    It yields nothing for a quote that was used, or has run out by `now`. Both arguments are
    placeholders of the statement that it becomes a part of. Text and no call, because order, quote
    and timeline are written by one statement: a call would cost each order a round trip.
    """
    return (
        f"UPDATE quote SET used_at = now() WHERE id = {quote_id} AND used_at IS NULL"  # noqa: S608
        f" AND expires_at > {now} RETURNING id"
    )
