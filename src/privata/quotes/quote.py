"""A quote: what the service makes, the store keeps and the routes show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from privata.core.tenancy import Environment
from privata.providers.port import Offer, QuoteRequest


@dataclass(frozen=True, slots=True)
class Quote:
    """A priced offer that an order can be made from until `expires_at`."""

    id: str
    environment: Environment
    request: QuoteRequest
    offer: Offer
    markup_bps: int
    expires_at: datetime
