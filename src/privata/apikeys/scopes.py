"""What a key may do (docs/authentication.md)."""

from __future__ import annotations

from enum import StrEnum


class Scope(StrEnum):
    """`ramp:embed` makes a publishable key: it stands alone and opens the ramp page only."""

    ORDERS = "orders:rw"
    WEBHOOK_ADMIN = "webhook:admin"
    PAYOUTS_READ = "payouts:read"
    PAYOUTS_TRIGGER = "payouts:trigger"
    RAMP_EMBED = "ramp:embed"


DEFAULT_SCOPES = (Scope.ORDERS,)
