"""ChangeNOW's words for ours and back: networks, tickers, statuses. The only place of either.

Networks after PROVIDERS.md 0.4. A token and the native coin of its chain are on one network there
(`eth`), and on two here (`ERC20`, `ETH`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from privata.core.lifecycle import OrderStatus

Flow = Literal["standard", "fixed-rate"]
RateType = Literal["float", "fixed"]
Type = Literal["direct", "reverse"]
Side = Literal["send", "receive"]

NETWORKS: Final[Mapping[str, str]] = {
    "BTC": "btc",
    "LTC": "ltc",
    "DOGE": "doge",
    "BCH": "bch",
    "ETH": "eth",
    "ERC20": "eth",
    "BSC": "bsc",
    "POLYGON": "matic",
    "MATIC": "matic",
    "ARBITRUM": "arbitrum",
    "OPTIMISM": "op",
    "BASE": "base",
    "AVAXC": "avaxc",
    "TRX": "trx",
    "TRC20": "trx",
    "SOL": "sol",
    "XMR": "xmr",
    "XRP": "xrp",
    "XLM": "xlm",
    "TON": "ton",
    "ADA": "ada",
    "DOT": "dot",
    "ATOM": "atom",
    "ZEC": "zec",
}

#: Native AVAX is on a network of its own there. Wallets disagree about tokens of that chain, so
#: both words are understood for all of it.
_NATIVE_AVAX: Final = ("AVAX", "AVAXC")
_CCHAIN: Final = "cchain"
_ALIASES: Final[Mapping[str, str]] = {_CCHAIN: NETWORKS["AVAXC"]}

#: What the first version of their API added to the ticker of a token, by network (`usdterc20`).
_LEGACY: Final[Mapping[str, str]] = {
    "ERC20": "erc20",
    "TRC20": "trc20",
    "BSC": "bsc",
    "POLYGON": "matic",
    "MATIC": "matic",
    "ARBITRUM": "arb",
    "OPTIMISM": "op",
    "BASE": "base",
    "AVAXC": "avaxc",
    "SOL": "sol",
}

#: Native coins of networks that also have tokens.
_NATIVE: Final = frozenset(
    {
        ("BNB", "BSC"),
        ("POL", "POLYGON"),
        ("MATIC", "MATIC"),
        ("ETH", "ARBITRUM"),
        ("ETH", "OPTIMISM"),
        ("ETH", "BASE"),
        ("AVAX", "AVAXC"),
        ("SOL", "SOL"),
    }
)

#: Assets that are worth a dollar, by our tickers.
STABLE: Final = frozenset({"USDT", "USDC", "DAI"})

#: Contracts of tokens, as their issuers list them (tether.to, circle.com). None where we know none.
CONTRACTS: Final[Mapping[tuple[str, str], str]] = {
    ("USDT", "ERC20"): "0xdac17f958d2ee523a2206206994597c13d831ec7",
    ("USDC", "ERC20"): "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48",
    ("USDT", "TRC20"): "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t",
    ("USDC", "SOL"): "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v",
}

#: Their word for each of our statuses. What waits for a refund is `failed` there, and
#: `actionsAvailable` tells it from what is over.
STATUSES: Final[Mapping[OrderStatus, str]] = {
    OrderStatus.WAITING_DEPOSIT: "waiting",
    OrderStatus.CONFIRMING: "confirming",
    OrderStatus.EXCHANGING: "exchanging",
    OrderStatus.SENDING: "sending",
    OrderStatus.COMPLETED: "finished",
    OrderStatus.FAILED: "failed",
    OrderStatus.EXPIRED: "expired",
    OrderStatus.REFUND_REQUIRED: "failed",
    OrderStatus.REFUNDED: "refunded",
    OrderStatus.MANUAL_REVIEW: "verifying",
}

#: Our rate type for their flow.
RATE_TYPES: Final[Mapping[Flow, RateType]] = {"standard": "float", "fixed-rate": "fixed"}

#: Our side for their type: of what the amount is.
SIDES: Final[Mapping[Type, Side]] = {"direct": "send", "reverse": "receive"}


def network_of(ticker: str, network: str) -> str:
    """Their word for the network of one of our assets."""
    if (ticker, network) == _NATIVE_AVAX:
        return _CCHAIN
    return NETWORKS.get(network, network.lower())


def names_network(word: str, network: str) -> bool:
    """Whether their `word`, in any case, names our network."""
    wanted = word.lower()
    return NETWORKS.get(network, network.lower()) == _ALIASES.get(wanted, wanted)


def legacy_ticker(ticker: str, network: str) -> str:
    """The ticker in the first version of their API, where it says the network too."""
    if (ticker, network) in _NATIVE:
        return ticker.lower()
    return ticker.lower() + _LEGACY.get(network, "")
