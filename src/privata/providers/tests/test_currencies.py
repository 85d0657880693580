"""Canonical currencies: right contracts, no mistaken tokens, nothing of unknown decimals."""

from __future__ import annotations

from privata.core.addresses import AddressError, networks, validate_address
from privata.providers.currencies import CANONICAL, Chain, Code, Listed, matched
from privata.providers.port import Asset
from privata.providers.simulator.assets import PRICES

CHAINS = {"eth": Chain.ETHEREUM, "erc20": Chain.ETHEREUM, "trx": Chain.TRON}
USDT = Asset("USDT", "ERC20", "Tether USD", 6)
CONTRACT = "0xdAC17F958D2ee523a2206206994597C13D831ec7"


def test_every_contract_is_an_address_of_its_network() -> None:
    for one in CANONICAL:
        assert one.asset.network in networks()
        if one.contract is not None:
            assert _is_contract(one.asset.network, one.contract), one


def _is_contract(network: str, contract: str) -> bool:
    try:
        return validate_address(network, contract).address == contract
    except AddressError as error:
        # Our check knows these contracts, and that nobody is paid there.
        return "address of the token itself" in error.message


def test_no_asset_stands_twice() -> None:
    assert len({one.asset for one in CANONICAL}) == len(CANONICAL)
    assert len({(one.asset.ticker, one.chain) for one in CANONICAL}) == len(CANONICAL)


def test_the_simulator_swaps_canonical_assets() -> None:
    assert set(PRICES) <= {one.asset for one in CANONICAL}


def test_another_token_of_the_same_ticker_is_left_out() -> None:
    entry = Listed(Code("usdt", "eth"), "0x000000000000000000000000000000000000dEaD")
    assert matched([entry], CHAINS) == {}
    assert matched([Listed(Code("usdt", "eth"), CONTRACT.lower())], CHAINS) == {
        USDT: Code("usdt", "eth")
    }


def test_what_we_do_not_know_is_left_out() -> None:
    entries = [
        Listed(Code("usdt", "moonchain")),
        Listed(Code("moon", "eth")),
        Listed(Code("USDTTRC", "x"), ticker="USDT", network="TRX"),
        Listed(Code("USDT", "ERC20")),
        Listed(Code("usdt", "eth")),
    ]
    assert matched(entries, CHAINS) == {
        Asset("USDT", "TRC20", "Tether USD", 6): Code("USDTTRC", "x"),
        USDT: Code("USDT", "ERC20"),
    }
