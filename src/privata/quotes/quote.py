"""A quote: what the service makes, the store keeps and the routes show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import msgspec

from privata.core.tenancy import Environment
from privata.infra.database.rows import reader
from privata.providers.port import Offer, QuoteRequest, RateType, Side


@dataclass(frozen=True, slots=True)
class Quote:
    """A priced offer that an order can be made from until `expires_at`."""

    id: str
    environment: Environment
    request: QuoteRequest
    offer: Offer
    markup_bps: int
    expires_at: datetime


class UsableQuote(msgspec.Struct, frozen=True):
    """A row of `quote_facts` for one who would make an order of it."""

    id: str
    organization_id: UUID | None
    environment: str
    provider: str
    from_asset: str
    from_network: str
    to_asset: str
    to_network: str
    amount_from: Decimal
    amount_to: Decimal
    side: Side
    rate_type: RateType
    markup_bps: int
    usd_value: Decimal | None
    #: What holds a fixed rate at the provider, and until when.
    rate_id: str | None
    rate_until: datetime | None
    expires_at: datetime
    used_at: datetime | None
    #: The open order that has the wanted reference already.
    duplicate_of: str | None


usable_quote = reader(UsableQuote)
