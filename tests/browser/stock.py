"""Orders in every state for the pages to show, put there without waiting for them to happen."""

from __future__ import annotations

from dataclasses import dataclass

from tests.browser.server import Server

#: The states and the timeline that leads there.
PATHS = {
    "waiting_deposit": (),
    "confirming": ("confirming",),
    "completed": ("confirming", "exchanging", "sending", "completed"),
    "expired": ("expired",),
    "failed": ("confirming", "failed"),
    "refund_required": ("confirming", "exchanging", "refund_required"),
    "manual_review": ("confirming", "refund_required", "manual_review"),
}

_SET = """
UPDATE orders SET status = %s, poll_at = NULL,
    completed_at = CASE WHEN %s = 'completed' THEN now() END,
    tx_in_hash = %s, tx_out_hash = %s, amount_to_actual = %s,
    failed_reason_code = %s, failed_reason_message = %s, last_seq = %s, updated_at = now()
WHERE id = %s
"""

_ENTER = """
INSERT INTO order_timeline (organization_id, order_id, seq, status, at, source)
SELECT o.organization_id, o.id, n + 1, entered.status, now() + make_interval(secs => n), 'provider'
FROM orders AS o, unnest(%s::text[]) WITH ORDINALITY AS entered(status, n) WHERE o.id = %s
"""


@dataclass(frozen=True)
class Stock:
    """Order ids by state."""

    orders: dict[str, str]

    def __getitem__(self, status: str) -> str:
        return self.orders[status]


def stock(server: Server) -> Stock:
    """One order in each state. None of them moves any more."""
    made = {}
    for status, entered in PATHS.items():
        order_id = server.create_order(
            partner_order_ref=f"shelf-{status}", sandbox_scenario="stuck", sandbox_ttl=3600
        )
        failed = status == "failed"
        server.execute(
            _SET,
            status,
            status,
            f"in{order_id[4:]}" if entered and status != "expired" else None,
            f"out{order_id[4:]}" if status == "completed" else None,
            "1.9" if status == "completed" else None,
            "underpayment" if failed else None,
            "Less arrived than was asked for." if failed else None,
            len(entered) + 1,
            order_id,
        )
        server.execute(_ENTER, list(entered), order_id)
        made[status] = order_id
    return Stock(made)
