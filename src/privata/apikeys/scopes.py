"""What a key may do (SPEC 5)."""

from __future__ import annotations

from enum import StrEnum


class Scope(StrEnum):
    ORDERS = "orders:rw"
    WEBHOOK_ADMIN = "webhook:admin"
    PAYOUTS_READ = "payouts:read"
    PAYOUTS_TRIGGER = "payouts:trigger"


DEFAULT_SCOPES = (Scope.ORDERS,)
