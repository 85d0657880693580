"""What the grid shows of each provider, out of the figures that Home computes from.

Success, times and hours are of the partner's own orders of the last day; outages are those of the
installation. Each is one statement, however many providers there are.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from privata.access.tenants import Tenant
from privata.dashboard.home import figures
from privata.dashboard.home.states import state_of
from privata.dashboard.providers.percent import to_percent
from privata.infra.plane import app_context, wait
from privata.orders.figures import DAY
from privata.providers.failures import Fault
from privata.routing import reading
from privata.routing.rows import OfferedProvider, ProviderDown, Terms

_SLOW: Final = "It does not respond in time."
_AWAY: Final = "It cannot be reached."
_BROKEN: Final = "It responds with errors."
_LOCKED: Final = "It rejects our credentials. The operator can see this."
_ODD: Final = "Its responses are invalid."

_WHY: Final[dict[str, str]] = {
    Fault.TIMEOUT: _SLOW,
    Fault.CONNECTION: _AWAY,
    Fault.SERVER_ERROR: _BROKEN,
    Fault.UNKNOWN_ERROR: _BROKEN,
    Fault.CREDENTIALS: _LOCKED,
}


@dataclass(frozen=True, slots=True)
class Card:
    """One provider. `states` are its last 24 hours; `terms` None: it cannot be used now.

    `markup` is the partner's own for it in percent, "" where that for all holds.
    """

    name: str
    turned_on: bool
    listed: bool
    markup: str
    tally: figures.Tally
    median: float | None
    states: list[str]
    terms: Terms | None
    down: ProviderDown | None
    last_outage: ProviderDown | None

    @property
    def why(self) -> str:
        """What is known of the open outage, in a sentence."""
        return "" if self.down is None else _WHY.get(self.down.fault, _ODD)


@dataclass(frozen=True, slots=True)
class Grid:
    """The whole page."""

    cards: list[Card]
    markup: str

    @property
    def on(self) -> int:
        """How many the partner uses."""
        return sum(card.turned_on for card in self.cards)


def grid(tenant: Tenant, now: datetime) -> Grid:
    """Every provider that the operator enabled, what needs a look first, then by name."""
    ctx, actor = app_context(), tenant.actor
    every = wait(reading.offered(ctx.database.pool, actor=actor))
    markup = wait(reading.markup_of(ctx.database.pool, actor=actor))
    if not every:
        return Grid([], to_percent(markup))
    terms = wait(reading.terms_of(ctx, environment=tenant.environment))
    outages = wait(reading.outages_since(ctx, now - DAY))
    orders = figures.order_figures(tenant, now)
    times = figures.time_figures(tenant, now)
    cards = []
    for one in every:
        its = [outage for outage in outages if outage.provider == one.name]
        cards.append(
            Card(
                name=one.name,
                turned_on=one.turned_on,
                listed=one.listed_at is not None,
                markup=_own_markup(one),
                tally=orders.by_provider.get(one.name, figures.Tally()),
                median=times.by_provider.get(one.name),
                states=_states(one.name, orders, its, now),
                terms=terms.get(one.name),
                down=next((outage for outage in its if outage.ended_at is None), None),
                last_outage=its[-1] if its else None,
            )
        )
    return Grid(sorted(cards, key=_place), to_percent(markup))


def _own_markup(one: OfferedProvider) -> str:
    return "" if one.markup_bps is None else to_percent(one.markup_bps)


def _place(card: Card) -> tuple[bool, bool, str]:
    return not (card.turned_on and card.down), not card.turned_on, card.name


def _states(
    name: str, orders: figures.OrderFigures, outages: list[ProviderDown], now: datetime
) -> list[str]:
    """The colour of each hour. In an hour with an outage nothing is fine, whatever else it had."""
    states = []
    for hour in figures.hours_until(now):
        state = state_of(orders.provider_hours.get((name, hour), figures.Tally()))
        if any(
            outage.began_at < hour + figures.HOUR and (outage.ended_at or now) >= hour
            for outage in outages
        ):
            state = "warn" if state in ("ok", "warn") else "bad"
        states.append(state)
    return states
