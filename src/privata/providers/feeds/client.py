"""The providers' HTTP client for sources of prices: as little is believed of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from privata.providers.http.client import ClientSettings, ProviderClient

#: Far above what a round asks, so that only a mistake of ours is held up.
_PER_MINUTE: Final = 120.0
_BURST: Final = 60.0

#: Seconds for one call, and bytes of one answer.
_CALL_S: Final = 10.0
_BODY_BYTES: Final = 256 * 1024


class Address:
    """A URL of a setting, in the parts that the client takes: keys may stand in path and query."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.base_url = f"{parts.scheme}://{parts.netloc}"
        self.path = parts.path
        self.query = dict(parse_qsl(parts.query))


def client_at(
    name: str, address: Address, headers: Mapping[str, str] | None = None
) -> ProviderClient:
    """A client for a source. `name` is what its errors and the log call it."""
    settings = ClientSettings(
        address.base_url,
        calls_per_minute=_PER_MINUTE,
        burst=_BURST,
        call_seconds=_CALL_S,
        body_bytes=_BODY_BYTES,
    )
    return ProviderClient(name, settings, headers=headers)
