"""Cardano: vectors of CIP-19 and addresses of the Byron era."""

from __future__ import annotations

import pytest

from privata.core.addresses import AddressError, validate_address
from privata.core.addresses.errors import BURN_ADDRESS, TESTNET, WRONG_LENGTH
from privata.core.addresses.tests import encoders

HASH = bytes(range(1, 29))
PATH = b"\xa1\x01\x58\x1e\x58\x1c" + HASH
MAGIC = b"\xa1\x02\x45\x1a\x41\x70\xcb\x17"

MAINNET = [
    (
        (
            "addr1qx2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzer3n0d3vllmyqwsx5wktcd8cc3sq835lu7drv2xw"
            "l2wywfgse35a3x"
        ),
        "base",
    ),
    (
        (
            "addr1z8phkx6acpnf78fuvxn0mkew3l0fd058hzquvz7w36x4gten0d3vllmyqwsx5wktcd8cc3sq835lu7drv2xw"
            "l2wywfgs9yc0hh"
        ),
        "base-script",
    ),
    (
        (
            "addr1yx2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzerkr0vd4msrxnuwnccdxlhdjar77j6lg0wypcc9u"
            "ar5d2shs2z78ve"
        ),
        "base",
    ),
    (
        (
            "addr1x8phkx6acpnf78fuvxn0mkew3l0fd058hzquvz7w36x4gt7r0vd4msrxnuwnccdxlhdjar77j6lg0wypcc9u"
            "ar5d2shskhj42g"
        ),
        "base-script",
    ),
    ("addr1gx2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzer5pnz75xxcrzqf96k", "pointer"),
    ("addr128phkx6acpnf78fuvxn0mkew3l0fd058hzquvz7w36x4gtupnz75xxcrtw79hu", "pointer-script"),
    ("addr1vx2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzers66hrl8", "enterprise"),
    ("addr1w8phkx6acpnf78fuvxn0mkew3l0fd058hzquvz7w36x4gtcyjy7wx", "enterprise-script"),
]
STAKE = [
    "stake1uyehkck0lajq8gr28t9uxnuvgcqrc6070x3k9r8048z8y5gh6ffgw",
    "stake178phkx6acpnf78fuvxn0mkew3l0fd058hzquvz7w36x4gtcccycj5",
]
TEST_NETWORK = [
    (
        "addr_test1qz2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzer3n0d3vllmyqwsx5wktcd8cc3sq835lu7drv2x"
        "wl2wywfgs68faae"
    ),
    "addr_test1gz2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzer5pnz75xxcrdw5vky",
    "addr_test1vz2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzerspjrlsz",
    "stake_test1uqehkck0lajq8gr28t9uxnuvgcqrc6070x3k9r8048z8y5gssrtvn",
    # A prefix of mainnet over a header of testnet, in CIP-19's own table of examples.
    "addr1vpu5vlrf4xkxv2qpwngf6cjhtw542ayty80v8dyr49rf5eg0yu80w",
    (
        "37btjrVyb4KDXBNC4haBVPCrro8AQPHwvCMp3RFhhSVWwfFmZ6wwzSK6JK1hY6wHNmtrpTf1kdbva8TCneM2YsiXT7mrz"
        "T21EacHnPpz5YyUdj64na"
    ),
    encoders.byron(HASH, MAGIC),
]


@pytest.mark.parametrize(("address", "kind"), MAINNET)
def test_payment_addresses_of_cip_19(address: str, kind: str) -> None:
    for text in (address, address.upper()):
        valid = validate_address("ADA", text)
        assert (valid.address, valid.kind) == (address, kind)


@pytest.mark.parametrize("address", STAKE)
def test_stake_addresses_take_no_payment(address: str) -> None:
    with pytest.raises(AddressError, match="stake address"):
        validate_address("ADA", address)


@pytest.mark.parametrize("address", TEST_NETWORK)
def test_test_networks_are_named(address: str) -> None:
    with pytest.raises(AddressError, match=TESTNET):
        validate_address("ADA", address)


@pytest.mark.parametrize(
    ("pointer", "good"),
    [
        ("010203", True),
        ("8198bd431b03", True),
        ("0102", False),
        ("01020304", False),
        ("010283", False),
        ("80010203", False),
        ("", False),
    ],
)
def test_pointers_are_three_numbers(pointer: str, good: bool) -> None:
    address = encoders.shelley(0x41, HASH + bytes.fromhex(pointer))
    if good:
        assert validate_address("ADA", address).kind == "pointer"
    else:
        with pytest.raises(AddressError):
            validate_address("ADA", address)


@pytest.mark.parametrize(
    "address",
    [
        encoders.shelley(0x61, HASH[:-1]),
        encoders.shelley(0x61, HASH + HASH),
        encoders.shelley(0x01, HASH),
        encoders.shelley(0xE1, HASH),
        encoders.shelley(0x82, HASH),
        encoders.shelley(0x62, HASH),
        encoders.shelley(0x61, bytes(28)),
        encoders.shelley(0x61, HASH, prefix="addr1x"),
        encoders.bech32("addr", []),
        encoders.bech32("addr", encoders.words(b"\x61" + HASH), encoders.BECH32M_CONSTANT),
    ],
)
def test_malformed_shelley_addresses(address: str) -> None:
    with pytest.raises(AddressError):
        validate_address("ADA", address)


def test_byron_kinds() -> None:
    assert validate_address("ADA", encoders.byron(HASH)).kind == "byron-icarus"
    assert validate_address("ADA", encoders.byron(HASH, PATH)).kind == "byron-daedalus"


@pytest.mark.parametrize(
    ("address", "says"),
    [
        (encoders.byron(HASH, kind=2), "redemption"),
        (encoders.byron(HASH, kind=1), "script"),
        (encoders.byron(bytes(28)), BURN_ADDRESS),
        (encoders.byron(HASH, b"\xa1\x07\x41\x00"), "attribute"),
        (encoders.byron(HASH, b"\xa2\x01\x41\x40\x01\x41\x40"), "repeated"),
        (encoders.byron(HASH, b"\xa1\x01\x42\x40\x40"), "malformed"),
        (encoders.byron(HASH, b"\xb8\x00"), "malformed"),
        (encoders.byron(HASH, b"\xbf\xff"), "malformed"),
        (encoders.byron(HASH, b"\xa0\x00"), "malformed"),
        ("2RhQhCGqYPDn", "malformed"),
    ],
)
def test_malformed_byron_addresses(address: str, says: str) -> None:
    with pytest.raises(AddressError, match=says):
        validate_address("ADA", address)


@pytest.mark.parametrize(
    "address",
    [
        encoders.shelley(0x61, HASH[:-1]),
        encoders.byron_item(b"\x83\x58\x1b" + HASH[:-1] + b"\xa0\x00"),
    ],
)
def test_wrong_length_is_said(address: str) -> None:
    with pytest.raises(AddressError, match=WRONG_LENGTH):
        validate_address("ADA", address)


@pytest.mark.parametrize(
    ("head", "tail"),
    [
        (b"\x82\xd8\x18", b"\x00"),  # something after the end
        (b"\x83\xd8\x18", b""),  # an array of three
        (b"\x82\xd8\x19", b""),  # another tag
    ],
)
def test_byron_envelope(head: bytes, tail: bytes) -> None:
    item = b"\x83\x58\x1c" + HASH + b"\xa0\x00"
    assert validate_address("ADA", encoders.byron_item(item)).kind == "byron-icarus"
    with pytest.raises(AddressError, match="malformed"):
        validate_address("ADA", encoders.byron_item(item, head=head, tail=tail))
