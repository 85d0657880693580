"""Polkadot: SS58 with network prefix 0 and a 32-byte account id.

Kind: account. The generic prefix 42 (addresses that start with 5) is refused, although the same key
could hold DOT: other networks give out deposit addresses with prefix 42, Bittensor for one, and DOT
sent to those is lost. Every Polkadot wallet shows the form with prefix 0.
"""

from __future__ import annotations

from typing import Final

from privata.core.addresses.codec import ss58
from privata.core.addresses.decoded import Decoded, refuse_zero
from privata.core.addresses.errors import AddressError
from privata.core.addresses.not_payees import refuse_polkadot

_POLKADOT: Final = 0
_GENERIC: Final = 42


def polkadot(address: str) -> Decoded:
    """An account of Polkadot or one of its system chains."""
    prefix, account = ss58.decode(address)
    if prefix == _GENERIC:
        raise AddressError(
            "This is a generic Substrate address: use its Polkadot form, which starts with 1"
        )
    if prefix != _POLKADOT:
        raise AddressError("This address belongs to another network, not Polkadot")
    refuse_zero(account)
    refuse_polkadot(account)
    return Decoded(address, "account")
