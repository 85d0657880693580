"""Bitcoin, Litecoin, Dogecoin and Bitcoin Cash."""

from __future__ import annotations

import pytest

from privata.core.addresses import AddressError, validate_address
from privata.core.addresses.errors import TESTNET
from privata.core.addresses.tests import encoders

HASH = bytes.fromhex("751e76e8199196d454941c45d1b3a323f1433bd6")
KEYS = b"\2" + bytes(range(32)) + b"\3" + bytes(range(32))

SEGWIT_VALID = [
    ("BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4", "p2wpkh"),
    (
        "bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kt5nd6y",
        "witness-v1",
    ),
    ("BC1SW50QGDZ25J", "witness-v16"),
    ("bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs", "witness-v2"),
    ("bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0", "p2tr"),
]
SEGWIT_TESTNET = [
    "tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7",
    "tb1qqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvsesrxh6hy",
    "tb1pqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvsesf3hn0c",
]
SEGWIT_INVALID = [
    # BIP-350.
    "tc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq5zuyut",
    "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd",
    "tb1z0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqglt7rf",
    "BC1S0XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ54WELL",
    "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kemeawh",
    "tb1q0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq24jc47",
    "bc1p38j9r5y49hruaue7wxjce0updqjuyyx0kh56v8s25huc6995vvpql3jow4",
    "BC130XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ7ZWS8R",
    "bc1pw5dgrnzv",
    "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v8n0nx0muaewav253zgeav",
    "BC1QR508D6QEJXTDG4Y5R3ZARVARYV98GJ9P",
    "tb1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq47Zagq",
    "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v07qwwzcrf",
    "tb1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vpggkg4j",
    "bc1gmk9yu",
    # BIP-173; its addresses of version 1 and later are invalid since BIP-350.
    "tc1qw508d6qejxtdg4y5r3zarvary0c5xw7kg3g4ty",
    "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5",
    "BC13W508D6QEJXTDG4Y5R3ZARVARY0C5XW7KN40WF2",
    "bc1rw5uspcuh",
    "bc10w508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kw5rljs90",
    "bc1zw508d6qejxtdg4y5r3zarvaryvqyzf3du",
    "bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7k7grplx",
    "BC1SW50QA3JX3S",
    "bc1zw508d6qejxtdg4y5r3zarvaryvg6kdaj",
]
CASHADDR_PAIRS = [
    ("1BpEi6DfDAUFd7GtittLSdBeYJvcoaVggu", "qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a"),
    ("1KXrWXciRDZUpQwQmuM1DbwsKDLYAYsVLR", "qr95sy3j9xwd2ap32xkykttr4cvcu7as4y0qverfuy"),
    ("16w1D5WRVKJuZUsSRzdLp9w3YGcgoxDXb", "qqq3728yw0y47sqn6l2na30mcw6zm78dzqre909m2r"),
    ("3CWFddi6m4ndiGyKqzYvsFYagqDLPVMTzC", "ppm2qsznhks23z7629mms6s4cwef74vcwvn0h829pq"),
    ("3LDsS579y7sruadqu11beEJoTjdFiFCdX4", "pr95sy3j9xwd2ap32xkykttr4cvcu7as4yc93ky28e"),
    ("31nwvkZwyPdgzjBJZXfDmSWsC4ZLKpYyUw", "pqq3728yw0y47sqn6l2na30mcw6zm78dzq5ucqzc37"),
]


@pytest.mark.parametrize(("address", "kind"), SEGWIT_VALID)
def test_segwit_addresses_of_bip_350(address: str, kind: str) -> None:
    valid = validate_address("BTC", address)
    assert (valid.kind, valid.address) == (kind, address.lower())


@pytest.mark.parametrize("address", SEGWIT_INVALID)
def test_invalid_segwit_addresses(address: str) -> None:
    with pytest.raises(AddressError):
        validate_address("BTC", address)


@pytest.mark.parametrize("address", [*SEGWIT_TESTNET, "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn"])
def test_testnet_is_named(address: str) -> None:
    with pytest.raises(AddressError, match=TESTNET):
        validate_address("BTC", address)


def test_an_anchor_that_anybody_can_spend_is_refused() -> None:
    with pytest.raises(AddressError, match="Anyone can spend"):
        validate_address("BTC", "bc1pfeessrawgf")


@pytest.mark.parametrize(
    ("network", "version", "kind"),
    [
        ("BTC", 0x00, "p2pkh"),
        ("BTC", 0x05, "p2sh"),
        ("LTC", 0x30, "p2pkh"),
        ("LTC", 0x32, "p2sh"),
        ("LTC", 0x05, "p2sh"),
        ("DOGE", 0x1E, "p2pkh"),
        ("DOGE", 0x16, "p2sh"),
        ("BCH", 0x00, "p2pkh"),
        ("BCH", 0x05, "p2sh"),
    ],
)
def test_version_bytes(network: str, version: int, kind: str) -> None:
    address = encoders.base58check(bytes([version]), HASH)
    assert validate_address(network, address).kind == kind
    zero = encoders.base58check(bytes([version]), bytes(20))
    with pytest.raises(AddressError, match="burn"):
        validate_address(network, zero)
    for size in (19, 21):
        with pytest.raises(AddressError, match="too short or too long"):
            validate_address(network, encoders.base58check(bytes([version]), b"\1" * size))


@pytest.mark.parametrize("network", ["BTC", "LTC", "DOGE"])
def test_segwit_of_another_coin(network: str) -> None:
    for prefix in {"bc", "ltc", "doge", "vtc"} - {{"BTC": "bc", "LTC": "ltc"}.get(network)}:
        with pytest.raises(AddressError):
            validate_address(network, encoders.segwit(prefix, 0, HASH))


def test_segwit_prefix_must_be_the_whole_prefix() -> None:
    with pytest.raises(AddressError, match="another network"):
        validate_address("BTC", encoders.segwit("bc1x", 0, HASH))


@pytest.mark.parametrize(("version", "size"), [(0, 20), (0, 32), (1, 32)])
def test_a_witness_program_of_zeros_is_a_burn_address(version: int, size: int) -> None:
    with pytest.raises(AddressError, match="burn"):
        validate_address("BTC", encoders.segwit("bc", version, bytes(size)))


def test_litecoin_taproot_and_upper_case() -> None:
    address = encoders.segwit("ltc", 1, b"\1" * 32)
    valid = validate_address("LTC", address.upper())
    assert (valid.address, valid.kind) == (address, "p2tr")


def test_an_upper_case_start_alone_does_not_make_a_segwit_address() -> None:
    """A legacy Litecoin address may happen to start with LTC1; the case decides."""
    with pytest.raises(AddressError, match="checksum"):
        validate_address("LTC", "LTC1ttvnKawAv6RcHQ4eBkNtifuiEA99PF")


def test_mweb_holds_two_compressed_keys() -> None:
    def mweb(version: int, keys: bytes, constant: int = 1) -> str:
        return encoders.bech32("ltcmweb", [version, *encoders.words(keys)], constant)

    assert validate_address("LTC", mweb(0, KEYS)).kind == "mweb"
    for bad in (
        mweb(1, KEYS),
        mweb(0, KEYS[:-1]),
        mweb(0, b"\4" + KEYS[1:]),
        mweb(0, KEYS, encoders.BECH32M_CONSTANT),
        encoders.bech32("ltcmweb", []),
    ):
        with pytest.raises(AddressError):
            validate_address("LTC", bad)


@pytest.mark.parametrize(("old", "new"), CASHADDR_PAIRS)
def test_cashaddr_pairs_of_the_specification(old: str, new: str) -> None:
    canonical = f"bitcoincash:{new}"
    for text in (new, canonical, new.upper(), canonical.upper()):
        assert validate_address("BCH", text).address == canonical
    assert validate_address("BCH", old).address == old
    assert validate_address("BCH", old).kind == validate_address("BCH", new).kind


@pytest.mark.parametrize(
    ("version", "size", "kind"),
    [
        (0x00, 20, "p2pkh"),
        (0x08, 20, "p2sh"),
        (0x0B, 32, "p2sh32"),
        (0x10, 20, "p2pkh-token"),
        (0x18, 20, "p2sh-token"),
        (0x1B, 32, "p2sh32-token"),
    ],
)
def test_cashaddr_kinds(version: int, size: int, kind: str) -> None:
    address = encoders.cashaddr("bitcoincash", version, b"\1" * size)
    assert validate_address("BCH", address).kind == kind


@pytest.mark.parametrize(
    ("prefix", "version", "size", "says"),
    [
        ("bitcoincash", 0x03, 32, "too short or too long"),  # no 32-byte key hash exists
        ("bitcoincash", 0x01, 24, "too short or too long"),
        ("bitcoincash", 0x00, 32, "too short or too long"),
        ("bitcoincash", 0x20, 20, "reserved"),
        ("bitcoincash", 0x78, 20, "reserved"),
        ("bitcoincash", 0x80, 20, "reserved"),
        ("bchtest", 0x00, 20, TESTNET),
        ("bchreg", 0x08, 20, TESTNET),
        ("ecash", 0x00, 20, "another network"),
        ("", 0x00, 20, "another network"),
    ],
)
def test_cashaddr_that_nobody_can_be_paid_at(
    prefix: str, version: int, size: int, says: str
) -> None:
    with pytest.raises(AddressError, match=says):
        validate_address("BCH", encoders.cashaddr(prefix, version, b"\1" * size))


def test_cashaddr_of_zeros_is_a_burn_address() -> None:
    with pytest.raises(AddressError, match="burn"):
        validate_address("BCH", encoders.cashaddr("bitcoincash", 0, bytes(20)))


def test_cashaddr_must_not_mix_case() -> None:
    with pytest.raises(AddressError, match="mixes uppercase and lowercase"):
        validate_address("BCH", "bitcoincash:QPM2QSZNHKS23Z7629MMS6S4CWEF74VCWVY22GDX6A")
