"""What the rules of one network hand back to the registry."""

from __future__ import annotations

from dataclasses import dataclass

from privata.core.addresses.errors import BURN_ADDRESS, AddressError


@dataclass(frozen=True, slots=True)
class Decoded:
    """An address that passed its network's rules.

    `carried` is the id inside the address itself (the tag of an X-address, the id of a muxed
    account), in decimal.
    """

    address: str
    kind: str
    carried: str | None = None


def refuse_zero(payload: bytes) -> None:
    """Refuse a key or hash of only zero bytes: nobody holds its key, on any network."""
    if not any(payload):
        raise AddressError(BURN_ADDRESS)
