"""ChangeNOW's words for networks and tickers."""

from __future__ import annotations

import pytest

from privata.changenow_api.words import legacy_ticker, names_network, network_of


@pytest.mark.parametrize(
    ("ticker", "network", "word", "legacy"),
    [
        ("BTC", "BTC", "btc", "btc"),
        ("ETH", "ETH", "eth", "eth"),
        ("USDT", "ERC20", "eth", "usdterc20"),
        ("USDT", "TRC20", "trx", "usdttrc20"),
        ("USDC", "SOL", "sol", "usdcsol"),
        ("SOL", "SOL", "sol", "sol"),
        ("AVAX", "AVAXC", "cchain", "avax"),
        ("USDC", "AVAXC", "avaxc", "usdcavaxc"),
        ("DASH", "DASH", "dash", "dash"),
    ],
)
def test_words_of_an_asset(ticker: str, network: str, word: str, legacy: str) -> None:
    assert network_of(ticker, network) == word
    assert legacy_ticker(ticker, network) == legacy
    assert names_network(word.upper(), network)


def test_wallets_disagree_about_avalanche() -> None:
    assert names_network("cchain", "AVAXC")
    assert names_network("avaxc", "AVAXC")
    assert not names_network("cchain", "ETH")
