"""The colour of an hour of a provider: pure."""

from __future__ import annotations

from typing import Final

from privata.dashboard.home.figures import Tally

#: Below this share of successful swaps an hour is amber, and below the next red.
_FINE: Final = 0.9
_POOR: Final = 0.5


def state_of(tally: Tally) -> str:
    """`ok`, `warn` or `bad`; an hour without a finished order has no data: `none`."""
    if tally.success is None:
        return "none"
    if tally.success >= _FINE:
        return "ok"
    return "warn" if tally.success >= _POOR else "bad"
