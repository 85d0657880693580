"""No token that is swapped or paid out is its own payee."""

from __future__ import annotations

import pytest

from privata.core.addresses import AddressError, not_payees, validate_address
from privata.payouts.currencies import TOKENS
from privata.providers.simulator.assets import PRICES

#: The token itself, for each token of the catalogue.
CONTRACTS = {
    (currency.value.partition("-")[0], currency.network): token.contract
    for currency, token in TOKENS.items()
}

#: What is the coin of its network, and has no contract.
COINS = {"BTC", "ETH", "LTC", "DOGE", "XMR", "SOL", "TRX", "XRP"}


def test_no_token_of_the_catalogue_is_its_own_payee() -> None:
    """An order to the contract of USDT was taken."""
    tokens = {(one.ticker, one.network) for one in PRICES if one.ticker not in COINS}
    assert tokens == set(CONTRACTS)
    for (_, network), contract in CONTRACTS.items():
        with pytest.raises(AddressError) as refused:
            validate_address(network, contract)
        assert (refused.value.field, refused.value.message) == ("address", not_payees.TOKEN)
