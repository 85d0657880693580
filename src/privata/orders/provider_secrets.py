"""What a provider wants to see again about an order, such as FixedFloat's token: sealed at rest."""

from __future__ import annotations

from typing import Final

from privata.infra.sealing import Sealer
from privata.infra.secret_keys.columns import SealedColumn
from privata.providers.port import OrderSecret


def context(order_id: str) -> str:
    """What an order's secret is bound to."""
    return f"provider_secret:{order_id}"


def sealed_secret(sealer: Sealer, order_id: str, secret: OrderSecret) -> bytes:
    """The secret as the order's row keeps it."""
    return sealer.seal(secret.to_bytes(), context(order_id))


def opened_secret(sealer: Sealer, order_id: str, sealed: bytes | None) -> OrderSecret | None:
    """The secret as the adapter gets it; `UnsealError` if no secret key opens it."""
    if sealed is None:
        return None
    return OrderSecret.from_bytes(sealer.unseal(sealed, context(order_id)))


#: The secrets of orders at their providers; most orders have none.
ORDERS: Final = SealedColumn(
    "orders",
    "provider_secret",
    {"organization_id": "uuid", "id": "text"},
    lambda row: context(row["id"]),
    where="provider_secret IS NOT NULL",
)
