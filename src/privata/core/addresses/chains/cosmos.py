"""Cosmos Hub: Bech32 with the prefix cosmos and 20 bytes, or 32 for module and contract accounts.

Kinds: account, account32 (ADR-028 of the Cosmos SDK).
"""

from __future__ import annotations

from typing import Final

from privata.core.addresses.codec import bech32
from privata.core.addresses.decoded import Decoded, refuse_zero
from privata.core.addresses.errors import BAD_CHECKSUM, WRONG_LENGTH, AddressError
from privata.core.addresses.not_payees import refuse_cosmos

_PREFIX: Final = "cosmos"
_KINDS: Final = {20: "account", 32: "account32"}


def cosmos(address: str) -> Decoded:
    """An account of the Cosmos Hub."""
    decoded = bech32.decode(address)
    if decoded.variant != "bech32":
        raise AddressError(BAD_CHECKSUM)
    if decoded.prefix != _PREFIX:
        if decoded.prefix.startswith(_PREFIX):
            raise AddressError("This is a validator address or a public key, not an account")
        raise AddressError("This address belongs to another network, not Cosmos Hub")
    account = bech32.to_bytes(decoded.words)
    kind = _KINDS.get(len(account))
    if kind is None:
        raise AddressError(WRONG_LENGTH)
    refuse_zero(account)
    refuse_cosmos(account)
    return Decoded(address.lower(), kind)
