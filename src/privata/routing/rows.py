"""Rows of this room, frozen; the credentials stay sealed in them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

import msgspec

from privata.infra.database.rows import reader
from privata.providers.port import Refunds


class ProviderRow(msgspec.Struct, frozen=True):
    """A provider with credentials, as processes read it again and again.

    `listed` is JSON, `[[ticker, network], …]`. `success` is the share of its live orders of the
    last 24 hours that completed, where some ended.
    """

    name: str
    enabled: bool
    base_url: str | None
    credentials: bytes
    version: int
    listed: str | None
    success: Decimal | None


class ShownProvider(msgspec.Struct, frozen=True):
    """A provider as the operator is shown it: without its credentials."""

    name: str
    enabled: bool
    base_url: str | None
    has_credentials: bool
    assets: int | None
    listed_at: datetime | None
    refresh_fault: str | None
    down_since: datetime | None
    success: Decimal | None


class PartnerChoice(msgspec.Struct, frozen=True):
    """What a partner wants of a provider; an empty name is the partner's markup for all."""

    provider: str
    enabled: bool
    markup_bps: int | None


class OfferedProvider(msgspec.Struct, frozen=True):
    """A provider that the operator enabled, with what a partner chose.

    `listed_at` is when its list was last read, None: never; `refresh_fault` why it could not be
    read since. No `markup_bps`: the partner's own for all.
    """

    name: str
    listed_at: datetime | None
    refresh_fault: str | None
    turned_on: bool
    markup_bps: int | None


class Terms(msgspec.Struct, frozen=True):
    """What a provider does about refunds, and how much of a partner's markup it collects, in basis
    points; 0: none."""

    refunds: Refunds
    most_markup_bps: int


class ProviderDown(msgspec.Struct, frozen=True):
    """An outage as partners are shown it; one without an end lasts."""

    provider: str
    fault: str
    began_at: datetime
    ended_at: datetime | None


class Outage(msgspec.Struct, frozen=True):
    """A time in which a provider did not answer."""

    id: UUID
    provider: str
    fault: str
    began_at: datetime
    ended_at: datetime | None
    told_after: UUID | None


class PairLimit(msgspec.Struct, frozen=True):
    """What a provider last said about a pair; no minimum: it has no such pair."""

    provider: str
    minimum: Decimal | None
    maximum: Decimal | None


provider_row = reader(ProviderRow)
shown_provider = reader(ShownProvider)
partner_choice = reader(PartnerChoice)
offered_provider = reader(OfferedProvider)
provider_down = reader(ProviderDown)
outage_row = reader(Outage)
pair_limit = reader(PairLimit)
