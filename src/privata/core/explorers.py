"""Where a transaction can be looked at, by network: pages of public block explorers."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import quote


class Explorer(NamedTuple):
    """A block explorer; `page` ends where the transaction's hash begins."""

    name: str
    page: str


_ETHERSCAN = Explorer("Etherscan", "https://etherscan.io/tx/")
_TRONSCAN = Explorer("Tronscan", "https://tronscan.org/#/transaction/")
_POLYGONSCAN = Explorer("PolygonScan", "https://polygonscan.com/tx/")

EXPLORERS: dict[str, Explorer] = {
    "ADA": Explorer("Cardanoscan", "https://cardanoscan.io/transaction/"),
    "ARBITRUM": Explorer("Arbiscan", "https://arbiscan.io/tx/"),
    "ATOM": Explorer("Mintscan", "https://www.mintscan.io/cosmos/tx/"),
    "AVAXC": Explorer("Snowtrace", "https://snowtrace.io/tx/"),
    "BASE": Explorer("BaseScan", "https://basescan.org/tx/"),
    "BCH": Explorer("Blockchair", "https://blockchair.com/bitcoin-cash/transaction/"),
    "BSC": Explorer("BscScan", "https://bscscan.com/tx/"),
    "BTC": Explorer("mempool.space", "https://mempool.space/tx/"),
    "DOGE": Explorer("Blockchair", "https://blockchair.com/dogecoin/transaction/"),
    "DOT": Explorer("Subscan", "https://polkadot.subscan.io/extrinsic/"),
    "ERC20": _ETHERSCAN,
    "ETH": _ETHERSCAN,
    "LTC": Explorer("litecoinspace", "https://litecoinspace.org/tx/"),
    "MATIC": _POLYGONSCAN,
    "OPTIMISM": Explorer("Optimism Explorer", "https://optimistic.etherscan.io/tx/"),
    "POLYGON": _POLYGONSCAN,
    "SOL": Explorer("Solscan", "https://solscan.io/tx/"),
    "TON": Explorer("Tonviewer", "https://tonviewer.com/transaction/"),
    "TRC20": _TRONSCAN,
    "TRX": _TRONSCAN,
    "XLM": Explorer("StellarExpert", "https://stellar.expert/explorer/public/tx/"),
    "XMR": Explorer("xmrchain", "https://xmrchain.net/tx/"),
    "XRP": Explorer("XRPL Explorer", "https://livenet.xrpl.org/transactions/"),
    "ZEC": Explorer("Blockchair", "https://blockchair.com/zcash/transaction/"),
}


class ExplorerLink(NamedTuple):
    """A link to one transaction."""

    name: str
    url: str


def explorer_link(network: str, tx_hash: str, *, sandbox: bool) -> ExplorerLink | None:
    """The transaction's page; None where no explorer is known, and for simulated hashes."""
    explorer = None if sandbox else EXPLORERS.get(network)
    if explorer is None:
        return None
    return ExplorerLink(explorer.name, explorer.page + quote(tx_hash, safe=""))
