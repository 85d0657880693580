"""Bitcoin Cash: CashAddr with and without its prefix, and the older Base58Check form.

Kinds: p2pkh, p2sh, p2sh32, with the suffix -token for the forms that also accept tokens (CashTokens
CHIP-2022-02; ordinary coins reach the same script). The canonical form of a CashAddr is lower case
with `bitcoincash:`. A legacy address stays as it is: it reads the same as a Bitcoin address, and
rewriting it would hide a mistake from whoever compares the two.
"""

from __future__ import annotations

from typing import Final

from privata.core.addresses.chains.bitcoin import Coin, legacy
from privata.core.addresses.codec import cashaddr
from privata.core.addresses.decoded import Decoded, refuse_zero
from privata.core.addresses.errors import TESTNET, WRONG_LENGTH, AddressError

_LEGACY: Final = Coin("Bitcoin Cash", 0x00, frozenset({0x05}))
_PREFIX: Final = "bitcoincash"
_TESTNET_PREFIXES: Final = ("bchtest", "bchreg")
_KINDS: Final = {
    (0, 20): "p2pkh",
    (1, 20): "p2sh",
    (1, 32): "p2sh32",
    (2, 20): "p2pkh-token",
    (3, 20): "p2sh-token",
    (3, 32): "p2sh32-token",
}


def bitcoin_cash(address: str) -> Decoded:
    """A mainnet Bitcoin Cash address in either format."""
    if ":" not in address and len(address) < 40:
        # A CashAddr without prefix has at least 42 characters, a legacy address at most 34.
        return legacy(_LEGACY, address)
    decoded = cashaddr.decode(address, default_prefix=_PREFIX)
    if decoded.prefix in _TESTNET_PREFIXES:
        raise AddressError(TESTNET)
    if decoded.prefix != _PREFIX:
        raise AddressError("This address belongs to another network, not Bitcoin Cash")
    if decoded.kind not in {kind for kind, _ in _KINDS}:
        raise AddressError("This address type is reserved and not in use yet")
    name = _KINDS.get((decoded.kind, len(decoded.payload)))
    if name is None:
        raise AddressError(WRONG_LENGTH)
    refuse_zero(decoded.payload)
    return Decoded(f"{_PREFIX}:{address.lower().rpartition(':')[2]}", name)
