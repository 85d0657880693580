"""What the simulator swaps, at which fixed prices."""

from __future__ import annotations

from decimal import Decimal

from privata.providers.port import Asset

#: USD prices are fixed so that the same quote gives the same numbers at any time.
PRICES: dict[Asset, Decimal] = {
    Asset("BTC", "BTC", "Bitcoin", 8): Decimal(64000),
    Asset("ETH", "ETH", "Ether", 18): Decimal(3200),
    Asset("LTC", "LTC", "Litecoin", 8): Decimal(80),
    Asset("DOGE", "DOGE", "Dogecoin", 8): Decimal("0.125"),
    Asset("XMR", "XMR", "Monero", 12): Decimal(160),
    Asset("SOL", "SOL", "Solana", 9): Decimal(150),
    Asset("TRX", "TRX", "TRON", 6): Decimal("0.16"),
    Asset("XRP", "XRP", "XRP", 6): Decimal("0.5"),
    Asset("USDT", "TRC20", "Tether USD", 6): Decimal(1),
    Asset("USDT", "ERC20", "Tether USD", 6): Decimal(1),
    Asset("USDC", "ERC20", "USD Coin", 6): Decimal(1),
    Asset("USDC", "SOL", "USD Coin", 6): Decimal(1),
}

MIN_USD = Decimal(10)
MAX_USD = Decimal(250_000)

#: What the simulated exchange keeps, in parts of one.
SPREAD = {"float": Decimal("0.005"), "fixed": Decimal("0.010")}

#: By how much the final amount of a float order may differ from the quote, at most.
MAX_SLIPPAGE = Decimal("0.004")
