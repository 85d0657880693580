"""Networks of accounts without a memo: EVM, TRON, Solana, Monero, Polkadot, Cosmos."""

from __future__ import annotations

import pytest

from privata.core.addresses import AddressError, networks, validate_address
from privata.core.addresses.errors import TESTNET
from privata.core.addresses.tests import encoders

KEY = bytes(range(1, 33))
POINT = bytes.fromhex("5866666666666666666666666666666666666666666666666666666666666666")
EVM = ["ETH", "ERC20", "BSC", "POLYGON", "MATIC", "ARBITRUM", "OPTIMISM", "BASE", "AVAXC"]
ERC55 = [
    # All upper and all lower case are valid as printed in ERC-55.
    "0x52908400098527886E0F7030069857D2E4169EE7",
    "0x8617E340B3D01FA5F11F306F4090FD50E238070D",
    "0xde709f2102306220921060314715629080e2fb77",
    "0x27b1fdb04752bbc536007a920d24acb045561c26",
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
    "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
    "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
]


@pytest.mark.parametrize("network", EVM)
@pytest.mark.parametrize("address", ERC55)
def test_erc_55(network: str, address: str) -> None:
    for text in (address, address.lower(), "0x" + address[2:].upper()):
        assert validate_address(network, text).address == address


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("0x" + "0" * 40, "burn address"),
        ("0x000000000000000000000000000000000000dEaD", "burn address"),
        ("5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "start with 0x"),
        ("0X5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "start with 0x"),
        ("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAe", "too short or too long"),
        ("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAedd", "too short or too long"),
        ("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeg", "other than 0 to 9"),
        ("0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "checksum does not match"),
    ],
)
def test_evm_refusals(address: str, says: str) -> None:
    with pytest.raises(AddressError, match=says):
        validate_address("ETH", address)


def test_tron() -> None:
    address = encoders.base58check(b"\x41", KEY[:20])
    assert validate_address("TRC20", address).address == address


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("41" + KEY[:20].hex(), "must start with T"),
        ("T" + "1" * 33, "checksum"),
        # Version bytes and lengths whose texts happen to start with T too.
        (encoders.base58check(b"\x40", b"\xff" * 20), "another network"),
        (encoders.base58check(b"\x04", b"\xff" * 19), "too short"),
        (encoders.base58check(b"\x41", bytes(20)), "burn"),
    ],
)
def test_tron_refusals(address: str, says: str) -> None:
    with pytest.raises(AddressError, match=says):
        validate_address("TRX", address)


def test_solana_off_curve_accounts_are_no_payee() -> None:
    """Token accounts, vaults and half of all mistyped addresses: orders were paid to them."""
    assert validate_address("SOL", encoders.base58(POINT)).kind == "account"
    for off_curve in (b"\2" + bytes(31), b"\xff" * 31 + b"\x7f"):
        with pytest.raises(AddressError, match="not a wallet") as refused:
            validate_address("SOL", encoders.base58(off_curve))
        assert refused.value.field == "address"


@pytest.mark.parametrize("size", [0, 31, 33, 64])
def test_solana_has_32_bytes(size: int) -> None:
    with pytest.raises(AddressError):
        validate_address("SOL", encoders.base58(b"\7" * size) or "1")


def test_solana_system_program_takes_no_payment() -> None:
    with pytest.raises(AddressError, match="burn"):
        validate_address("SOL", "1" * 32)


def test_monero_networks_and_lengths() -> None:
    keys = POINT + POINT
    assert validate_address("XMR", encoders.monero(18, keys)).kind == "standard"
    assert validate_address("XMR", encoders.monero(42, keys)).kind == "subaddress"
    assert validate_address("XMR", encoders.monero(19, keys + KEY[:8])).kind == "integrated"
    for prefix in (53, 63, 24, 36):
        with pytest.raises(AddressError, match=TESTNET):
            validate_address("XMR", encoders.monero(prefix, keys))
    for bad in (
        encoders.monero(18, keys + KEY[:8]),
        encoders.monero(19, keys),
        encoders.monero(18, keys[:-1]),
        encoders.monero(20, keys),
    ):
        with pytest.raises(AddressError):
            validate_address("XMR", bad)


def test_monero_keys_are_points() -> None:
    with pytest.raises(AddressError, match="public keys"):
        validate_address("XMR", encoders.monero(18, POINT + b"\2" + bytes(31)))


def test_monero_says_when_a_character_is_missing() -> None:
    with pytest.raises(AddressError, match="too short or too long"):
        validate_address("XMR", encoders.monero(18, POINT + POINT)[:-1])


def test_monero_block_that_overflows_its_bytes() -> None:
    with pytest.raises(AddressError, match="checksum"):
        validate_address("XMR", "z" * 95)


def test_polkadot_vectors() -> None:
    """One key, Alice of the Substrate development keys, on three networks."""
    alice = bytes.fromhex("d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d")
    polkadot = "15oF4uVJwmo4TdGW7VfQxNLavjCXviqxT9S1MgbjMNHr6Sp5"
    generic = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"
    kusama = "HNZata7iMYWmk5RvZRTiAsSDhV8366zq2YGb3tLH5Upf74F"
    assert [encoders.ss58(p, alice) for p in (0, 42, 2)] == [polkadot, generic, kusama]
    assert validate_address("DOT", polkadot).address == polkadot
    with pytest.raises(AddressError, match="generic Substrate address"):
        validate_address("DOT", generic)
    with pytest.raises(AddressError, match="another network"):
        validate_address("DOT", kusama)
    for bad in (encoders.ss58(0, alice[:31]), encoders.ss58(0, bytes(32))):
        with pytest.raises(AddressError):
            validate_address("DOT", bad)


def test_cosmos() -> None:
    long = encoders.bech32("cosmos", encoders.words(KEY))
    assert validate_address("ATOM", long).kind == "account32"
    assert validate_address("ATOM", long.upper()).address == long
    for bad in (
        encoders.bech32("cosmos", encoders.words(KEY[:21])),
        encoders.bech32("cosmos", encoders.words(KEY), encoders.BECH32M_CONSTANT),
        encoders.bech32("osmo", encoders.words(KEY)),
        encoders.bech32("cosmosvaloper", encoders.words(KEY[:20])),
        encoders.bech32("cosmos", encoders.words(bytes(20))),
    ):
        with pytest.raises(AddressError):
            validate_address("ATOM", bad)


def test_a_validator_of_the_cosmos_hub_is_named() -> None:
    with pytest.raises(AddressError, match="validator"):
        validate_address("ATOM", encoders.bech32("cosmosvaloper", encoders.words(KEY[:20])))


def test_the_evm_networks_are_all_here() -> None:
    assert set(EVM) <= networks()
