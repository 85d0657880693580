"""Canonical currencies: what we call an asset, and what a provider calls it.

An asset has the decimals and, as a token, the contract that stand here, never those that a provider
names: a token of the same ticker with another contract is another token, and is left out. So is
everything that does not stand here. Providers name chains in their own way; an adapter hands in its
words for them, and the provider's list says which assets there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from privata.providers.port import Asset


class Chain(StrEnum):
    """A blockchain, whatever our networks or a provider's codes call it."""

    BITCOIN = "bitcoin"
    ETHEREUM = "ethereum"
    BNB = "bnb"
    TRON = "tron"
    SOLANA = "solana"
    POLYGON = "polygon"
    ARBITRUM = "arbitrum"
    OPTIMISM = "optimism"
    BASE = "base"
    AVALANCHE = "avalanche"
    LITECOIN = "litecoin"
    DOGECOIN = "dogecoin"
    BITCOIN_CASH = "bitcoin_cash"
    MONERO = "monero"
    XRP = "xrp"
    STELLAR = "stellar"
    TON = "ton"
    CARDANO = "cardano"
    ZCASH = "zcash"
    COSMOS = "cosmos"


@dataclass(frozen=True, slots=True)
class Canonical:
    """An asset, the chain it lives on, and the contract of a token."""

    asset: Asset
    chain: Chain
    contract: str | None = None


@dataclass(frozen=True, slots=True)
class Code:
    """What a provider calls an asset."""

    ticker: str
    network: str


def _coin(ticker: str, network: str, name: str, decimals: int, chain: Chain) -> Canonical:
    return Canonical(Asset(ticker, network, name, decimals), chain)


def _tether(network: str, decimals: int, chain: Chain, contract: str) -> Canonical:
    return Canonical(Asset("USDT", network, "Tether USD", decimals), chain, contract)


def _usd_coin(network: str, decimals: int, chain: Chain, contract: str) -> Canonical:
    return Canonical(Asset("USDC", network, "USD Coin", decimals), chain, contract)


#: Contracts are public facts of their chains; each issuer publishes its own.
CANONICAL: Final = (
    _coin("BTC", "BTC", "Bitcoin", 8, Chain.BITCOIN),
    _coin("ETH", "ETH", "Ether", 18, Chain.ETHEREUM),
    _coin("ETH", "ARBITRUM", "Ether", 18, Chain.ARBITRUM),
    _coin("ETH", "OPTIMISM", "Ether", 18, Chain.OPTIMISM),
    _coin("ETH", "BASE", "Ether", 18, Chain.BASE),
    _coin("BNB", "BSC", "BNB", 18, Chain.BNB),
    _coin("POL", "POLYGON", "POL", 18, Chain.POLYGON),
    _coin("AVAX", "AVAXC", "Avalanche", 18, Chain.AVALANCHE),
    _coin("LTC", "LTC", "Litecoin", 8, Chain.LITECOIN),
    _coin("DOGE", "DOGE", "Dogecoin", 8, Chain.DOGECOIN),
    _coin("BCH", "BCH", "Bitcoin Cash", 8, Chain.BITCOIN_CASH),
    _coin("XMR", "XMR", "Monero", 12, Chain.MONERO),
    _coin("SOL", "SOL", "Solana", 9, Chain.SOLANA),
    _coin("TRX", "TRX", "TRON", 6, Chain.TRON),
    _coin("XRP", "XRP", "XRP", 6, Chain.XRP),
    _coin("XLM", "XLM", "Stellar Lumens", 7, Chain.STELLAR),
    _coin("TON", "TON", "Toncoin", 9, Chain.TON),
    _coin("ADA", "ADA", "Cardano", 6, Chain.CARDANO),
    _coin("ZEC", "ZEC", "Zcash", 8, Chain.ZCASH),
    _coin("ATOM", "ATOM", "Cosmos", 6, Chain.COSMOS),
    _tether("TRC20", 6, Chain.TRON, "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"),
    _tether("ERC20", 6, Chain.ETHEREUM, "0xdAC17F958D2ee523a2206206994597C13D831ec7"),
    _tether("BSC", 18, Chain.BNB, "0x55d398326f99059fF775485246999027B3197955"),
    _tether("POLYGON", 6, Chain.POLYGON, "0xc2132D05D31c914a87C6611C10748AEb04B58e8F"),
    _tether("ARBITRUM", 6, Chain.ARBITRUM, "0xFd086bC7CD5C481DCC9C85ebE478A1C0b69FCbb9"),
    _tether("SOL", 6, Chain.SOLANA, "Es9vMFrzaCERmJfrF4H2FYD4KCoNkY11McCe8BenwNYB"),
    _usd_coin("ERC20", 6, Chain.ETHEREUM, "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"),
    _usd_coin("BSC", 18, Chain.BNB, "0x8AC76a51cc950d9822D68b83fE1Ad97B32Cd580d"),
    _usd_coin("POLYGON", 6, Chain.POLYGON, "0x3c499c542cEF5E3811e1192ce70d8cC03d5c3359"),
    _usd_coin("ARBITRUM", 6, Chain.ARBITRUM, "0xaf88d065e77c8cC2239327C5EDb3A432268e5831"),
    _usd_coin("BASE", 6, Chain.BASE, "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913"),
    _usd_coin("SOL", 6, Chain.SOLANA, "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"),
)

_BY_PLACE: Final = {(one.asset.ticker, one.chain): one for one in CANONICAL}


@dataclass(frozen=True, slots=True)
class Listed:
    """An entry of a provider's list: its code, and the contract where it names one.

    `ticker` and `network` are what the canonical asset is found by, where these differ from the
    code that is sent: FixedFloat's `USDTTRC` is `USDT` on `TRX`.
    """

    code: Code
    contract: str | None = None
    ticker: str = ""
    network: str = ""


def matched(entries: Iterable[Listed], chains: Mapping[str, Chain]) -> dict[Asset, Code]:
    """The assets of a provider's list with its codes for them.

    `chains` are its words for chains, in lower case. The first entry for an asset counts.
    """
    found: dict[Asset, Code] = {}
    for entry in entries:
        network = (entry.network or entry.code.network).lower()
        ticker = (entry.ticker or entry.code.ticker).upper()
        chain = chains.get(network)
        known = None if chain is None else _BY_PLACE.get((ticker, chain))
        if known is not None and _same_contract(known.contract, entry.contract):
            found.setdefault(known.asset, entry.code)
    return found


def _same_contract(ours: str | None, theirs: str | None) -> bool:
    # Some name a placeholder such as 0xeeee… as the contract of a native coin.
    if ours is None or theirs is None:
        return True
    if ours.startswith("0x"):
        return ours.lower() == theirs.lower()
    return ours == theirs
