"""Which rules hold on which network, and the one function through which everybody calls them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from privata.core.addresses.chains.bitcoin import bitcoin, dogecoin, litecoin
from privata.core.addresses.chains.bitcoin_cash import bitcoin_cash
from privata.core.addresses.chains.cardano import cardano
from privata.core.addresses.chains.cosmos import cosmos
from privata.core.addresses.chains.evm import evm
from privata.core.addresses.chains.monero import monero
from privata.core.addresses.chains.polkadot import polkadot
from privata.core.addresses.chains.ripple import ripple
from privata.core.addresses.chains.solana import solana
from privata.core.addresses.chains.stellar import stellar
from privata.core.addresses.chains.ton import ton
from privata.core.addresses.chains.tron import tron
from privata.core.addresses.chains.zcash import zcash
from privata.core.addresses.decoded import Decoded
from privata.core.addresses.errors import AddressError
from privata.core.addresses.extra_ids import (
    ATOM_MEMO,
    DESTINATION_TAG,
    STELLAR_MEMO,
    TON_COMMENT,
    ExtraId,
)
from privata.core.addresses.text import check_text


@dataclass(frozen=True, slots=True)
class ValidAddress:
    """An address that its network accepts.

    `address` is the form to send to; `kind` is named in the module of the network; `extra_id` is
    the tag or memo to send with it, if any, and `extra_id_type` what that is: `tag`, `comment`,
    `memo`, or one of Stellar's `text`, `id`, `hash`, `return`. `network` is the name that was asked
    for.
    """

    network: str
    address: str
    kind: str
    extra_id: str | None
    extra_id_type: str | None = None


@dataclass(frozen=True, slots=True)
class _Network:
    check: Callable[[str], Decoded]
    extra: ExtraId | None = None


_NETWORKS: Final[dict[str, _Network]] = {
    "BTC": _Network(bitcoin),
    "LTC": _Network(litecoin),
    "DOGE": _Network(dogecoin),
    "BCH": _Network(bitcoin_cash),
    "ETH": _Network(evm),
    "ERC20": _Network(evm),
    "BSC": _Network(evm),
    "POLYGON": _Network(evm),
    "MATIC": _Network(evm),
    "ARBITRUM": _Network(evm),
    "OPTIMISM": _Network(evm),
    "BASE": _Network(evm),
    "AVAXC": _Network(evm),
    "TRX": _Network(tron),
    "TRC20": _Network(tron),
    "SOL": _Network(solana),
    "XMR": _Network(monero),
    "XRP": _Network(ripple, DESTINATION_TAG),
    "XLM": _Network(stellar, STELLAR_MEMO),
    "TON": _Network(ton, TON_COMMENT),
    "ADA": _Network(cardano),
    "DOT": _Network(polkadot),
    "ATOM": _Network(cosmos, ATOM_MEMO),
    "ZEC": _Network(zcash),
}


def networks() -> frozenset[str]:
    """The names of all networks known here, aliases included."""
    return frozenset(_NETWORKS)


def extra_id_name(network: str) -> str | None:
    """What the network calls its extra id, for forms; None where it has none.

    An unknown network is an `AddressError`.
    """
    extra = _find(network).extra
    return extra.name if extra else None


def validate_address(network: str, address: str, extra_id: str | None = None) -> ValidAddress:
    """Check an address, and the tag or memo given with it, by the rules of its network.

    Checksums, lengths and network marks are checked, and that it is no burn address, no token's own
    contract and no program; that somebody holds the key cannot be. Nothing is trimmed or corrected.
    Raises `AddressError`, and nothing else, whose message may be shown and whose `field` says which
    input is meant.
    """
    rules = _find(network)
    check_text(address, "address")
    if extra_id is not None:
        free = rules.extra is not None and not rules.extra.ascii_only
        check_text(extra_id, "extra_id", ascii_only=not free)
    decoded = rules.check(address)
    kind = None
    if rules.extra:
        extra_id = rules.extra.rule(decoded, extra_id)
        kind = None if extra_id is None else rules.extra.kind(extra_id)
    elif extra_id is not None:
        raise AddressError(f"{network} does not use a memo or tag: omit it", field="extra_id")
    return ValidAddress(network, decoded.address, decoded.kind, extra_id, kind)


def _find(network: str) -> _Network:
    found = _NETWORKS.get(network)
    if found is None:
        raise AddressError("Unknown network")
    return found
