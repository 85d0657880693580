"""What onboarding asks, as data: choices, countries, and the high-risk list."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from pathlib import Path

from privata.core.errors import StartupError

_DATA = Path(__file__).with_name("data")

#: An operator's own list in the home is used instead of ours.
FATF_FILE = "fatf.json"


class BusinessType(StrEnum):
    WALLET = "wallet"
    EXCHANGE = "exchange"
    PAYMENT_APP = "payment_app"
    OTHER = "other"


class Volume(StrEnum):
    """Orders expected a month."""

    UNDER_100 = "under_100"
    UNDER_1000 = "under_1000"
    UNDER_10000 = "under_10000"
    UNDER_100000 = "under_100000"
    MORE = "more"


class Integration(StrEnum):
    """How a partner mainly means to work with us."""

    WEBHOOKS = "webhooks"
    STREAMS = "streams"
    SDK = "sdk"
    CHANGENOW = "changenow"
    RAMP = "ramp"


BUSINESS_TYPES = {
    BusinessType.WALLET: ("Wallet", "People hold their own coins in your wallet."),
    BusinessType.EXCHANGE: ("Exchange", "You trade for customers or match their trades."),
    BusinessType.PAYMENT_APP: ("Payment app", "People pay, send, or receive money."),
    BusinessType.OTHER: ("Something else", "Tell us during the review."),
}
VOLUMES = {
    Volume.UNDER_100: "Fewer than 100",
    Volume.UNDER_1000: "100 to 1,000",
    Volume.UNDER_10000: "1,000 to 10,000",
    Volume.UNDER_100000: "10,000 to 100,000",
    Volume.MORE: "More than 100,000",
}
INTEGRATIONS = {
    Integration.WEBHOOKS: ("API and webhooks", "Your server calls us, and we send it webhooks."),
    Integration.STREAMS: ("API and streams", "You follow orders over an open connection."),
    Integration.SDK: ("SDK", "Our Python or JavaScript client does both."),
    Integration.CHANGENOW: ("ChangeNOW-compatible", "You already have a ChangeNOW integration."),
    Integration.RAMP: ("Ramp page", "People buy with a card on a page that we host."),
}


@dataclass(frozen=True, slots=True)
class HighRisk:
    """The FATF's high-risk jurisdictions as of a day, and where that stands."""

    as_of: date
    source: str
    countries: frozenset[str]

    def among(self, countries: list[str]) -> list[str]:
        """Those of `countries` that are on the list, by name."""
        return sorted(country_name(code) for code in countries if code in self.countries)


@cache
def countries() -> dict[str, str]:
    """Names of countries by their ISO 3166-1 code, in the order of the names."""
    data: dict[str, dict[str, str]] = json.loads((_DATA / "countries.json").read_text())
    return data["countries"]


def country_name(code: str) -> str:
    """The country's name, or the code itself if nobody knows it."""
    return countries().get(code, code)


def high_risk(home: Path) -> HighRisk:
    """The list in force: the operator's `fatf.json` in the home, else the one we ship.

    It is read anew each time, so that an edit counts at once. `StartupError` names what is wrong
    with the operator's file; it is never passed over in favour of ours.
    """
    own = home / FATF_FILE
    path = own if own.exists() else _DATA / FATF_FILE
    try:
        data = json.loads(path.read_text())
        found = HighRisk(
            date.fromisoformat(data["as_of"]), str(data["source"]), frozenset(data["countries"])
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StartupError(f"{path} is not a list of high-risk countries: {error!r}") from None
    unknown = sorted(found.countries - countries().keys())
    if unknown:
        raise StartupError(f"{path} names {', '.join(unknown)}, which are not country codes.")
    return found
