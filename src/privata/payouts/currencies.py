"""What payouts are paid in (docs/payouts.md), as data.

A US dollar is paid as one unit of a stablecoin.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from privata.core.addresses import AddressError
from privata.core.addresses.codec import base58


class PayoutCurrency(StrEnum):
    USDT_TRC20 = "USDT-TRC20"
    USDT_ERC20 = "USDT-ERC20"
    USDC_ERC20 = "USDC-ERC20"
    USDC_SOL = "USDC-SOL"

    @property
    def network(self) -> str:
        """The network as `core.addresses` names it."""
        return self.value.partition("-")[2]


@dataclass(frozen=True, slots=True)
class Token:
    """A stablecoin on its chain.

    `contract` is the token itself: no address to pay to (`core.addresses` refuses it). `is_hash`
    knows how the chain names a transaction, `hash_words` says it.
    """

    decimals: int
    contract: str
    is_hash: Callable[[str], bool]
    hash_words: str


def _is_signature(text: str) -> bool:
    """A transaction of Solana is called by its first signature: 64 bytes in Base58."""
    try:
        return len(base58.decode(text)) == _SIGNATURE_BYTES
    except AddressError:
        return False


def _matches(form: str) -> Callable[[str], bool]:
    pattern = re.compile(form)
    return lambda text: pattern.fullmatch(text) is not None


_SIGNATURE_BYTES: Final = 64

_EVM_HASH: Final = (_matches("0x[0-9a-f]{64}"), "0x followed by 64 lowercase hexadecimal digits")
_TRON_HASH: Final = (_matches("[0-9a-f]{64}"), "64 lowercase hexadecimal digits")
_SOLANA_HASH: Final = (_is_signature, "its first signature, 64 bytes in Base58")

#: The contracts as their issuers publish them (tether.to and circle.com, supported chains).
TOKENS: Final[dict[PayoutCurrency, Token]] = {
    PayoutCurrency.USDT_TRC20: Token(6, "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", *_TRON_HASH),
    PayoutCurrency.USDT_ERC20: Token(6, "0xdAC17F958D2ee523a2206206994597C13D831ec7", *_EVM_HASH),
    PayoutCurrency.USDC_ERC20: Token(6, "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48", *_EVM_HASH),
    PayoutCurrency.USDC_SOL: Token(
        6, "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v", *_SOLANA_HASH
    ),
}
