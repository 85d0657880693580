"""No token's own contract, no mint, no program and no issuer is paid, on any network."""

from __future__ import annotations

import hashlib

import pytest

from privata.core.addresses import AddressError, not_payees, validate_address
from privata.core.addresses.chains.evm import checksummed
from privata.core.addresses.codec import base58
from privata.core.addresses.tests import encoders

EVM = ("ETH", "ERC20", "BSC", "POLYGON", "MATIC", "ARBITRUM", "OPTIMISM", "BASE", "AVAXC")


def _refused(network: str, address: str) -> str:
    with pytest.raises(AddressError) as refused:
        validate_address(network, address)
    assert refused.value.field == "address"
    assert address not in refused.value.message
    return refused.value.message


def test_contracts_are_refused_on_every_evm_network_in_every_spelling() -> None:
    for contract in not_payees._EVM_TOKENS:
        for network in EVM:
            assert _refused(network, contract) == not_payees.TOKEN
        assert _refused("ETH", contract.lower()) == not_payees.TOKEN
        as_tron = base58.encode_check(b"\x41" + bytes.fromhex(contract[2:]))
        assert _refused("TRC20", as_tron) == not_payees.TOKEN


def test_the_list_is_free_of_typing_errors() -> None:
    """Each entry has the checksum that its network gives it."""
    for text in (*not_payees._EVM_TOKENS, *not_payees._EVM_BURNT, not_payees._EVM_PSEUDO):
        assert text == "0x" + checksummed(text[2:])
    for text in (*not_payees._TRON_TOKENS, not_payees._TRON_BLACK_HOLE):
        assert base58.decode_check(text)[0] == 0x41
        assert _refused("TRX", text)
    for text in not_payees._RIPPLE:
        assert base58.decode_check(text, base58.RIPPLE)[0] == 0
        assert _refused("XRP", text)
        account = base58.decode_check(text, base58.RIPPLE)[1:]
        assert _refused("XRP", encoders.x_address(b"\x05\x44", account, 1, 7))
    for text in not_payees._BASE58:
        base58.decode_check(text)
    for text in not_payees._SOLANA:
        assert len(base58.decode(text)) == 32
        assert _refused("SOL", text) == not_payees._SOLANA[text]
    for key, why in not_payees._STELLAR.items():
        assert _refused("XLM", encoders.strkey(6 << 3, key)) == why
        assert _refused("XLM", encoders.strkey(12 << 3, key + bytes(8))) == why
    for named, why in not_payees._TON.items():
        assert _refused("TON", f"0:{named}") == why
        assert _refused("TON", encoders.ton(0x51, -1, bytes.fromhex(named))) == why


@pytest.mark.parametrize(
    ("network", "address"),
    [
        ("ETH", "0x0000000000000000000000000000000000000001"),
        ("POLYGON", "0x0000000000000000000000000000000000001010"),
        ("ARBITRUM", "0x0000000000000000000000000000000000000064"),
        ("OPTIMISM", "0x4200000000000000000000000000000000000006"),
        ("ETH", "0x000000000000000000000000000000000000dEaD"),
        ("TRX", "TLsV52sRDL79HXGGm9yzwKibb6BeruhUzy"),
        ("TRX", encoders.base58check(b"\x41", bytes(19) + b"\1")),
        ("SOL", "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"),
        ("SOL", "Vote111111111111111111111111111111111111111"),
        ("SOL", "SysvarC1ock11111111111111111111111111111111"),
        ("SOL", "1nc1nerator11111111111111111111111111111111"),
        ("BTC", "1BitcoinEaterAddressDontSendf59kuE"),
        ("BCH", "1CounterpartyXXXXXXXXXXXXXXXUWLpVr"),
        ("ATOM", "cosmos1fl48vsnmsdzcv85q5d2q4z5ajdha8yu34mf0eh"),
        ("ATOM", "cosmos17xpfvakm2amg962yls6f84z3kell8c5lserqta"),
        ("DOT", "13UVJyLnbVp9RBZYFwFGyDvVd1y27Tt8tkntv6Q7JVPhFsTB"),
        ("TON", "Ef8zMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzM0vF"),
        ("TON", "EQCxE6mUtQJKFnGfaROTKOt1lZbDiiX1kCixRv7Nw2Id_sDs"),
    ],
)
def test_programs_and_system_accounts_are_no_payees(network: str, address: str) -> None:
    assert _refused(network, address)


def test_ordinary_accounts_are_not_caught_by_the_rules() -> None:
    for number in range(300):
        seed = hashlib.sha256(number.to_bytes(2)).digest()
        assert validate_address("ETH", "0x" + seed[:20].hex())
        assert validate_address("TRX", encoders.base58check(b"\x41", seed[:20]))
