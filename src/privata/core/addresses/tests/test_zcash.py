"""Zcash: vectors of ZIP-316 and ZIP-320, and addresses built from known payloads."""

from __future__ import annotations

import pytest

from privata.core.addresses import AddressError, validate_address
from privata.core.addresses.errors import TESTNET
from privata.core.addresses.tests import encoders

HASH = bytes(range(1, 21))
SHIELDED = bytes(range(1, 44))
P2PKH, P2SH, SAPLING, ORCHARD = (0, HASH), (1, HASH), (2, SHIELDED), (3, SHIELDED)

# Zcash's published test vectors: receivers by typecode, and the unified address.
UNIFIED = [
    (
        {
            0: ("e6cabf813929132d772d04b03ae85223d03b9be8"),
            3: (
                "d4714ee761d1ae823b6972152e20957fefa3f6e3129ea4dfb0a9e98703a63dab929589d6dc51"
                "c970f935b3"
            ),
            65533: (
                "f6ee6921481cdd86b3cc4318d9614fc820905d042bb1ef9ca3f24988c7b3534201cfb1cd8dbf"
                "69b8250c18ef41294ca97993db546c1fe0"
            ),
        },
        (
            "u1yy6w8n3jmjsgj9wvcenr8r5p6h38vyclhmq0wg9kzpxlu46z8v64k5gszr8yfwz4jvrylvvg3g633z02lu"
            "k85nmsck6d2sex3n5d7kn68hzz5tv4udt9p6sy7pgleeulvglvx2627dff57q9fep5wgdx8m0esx28m0zvux"
            "pmwyazt3jun2rpqw8nu6j2fceqghk55ced66js6k6jxn8y2xtue8f3paqjrk8q6nptnn"
        ),
    ),
    (
        {
            1: ("e6cabf813929132d772d04b03ae85223d03b9be8"),
            2: (
                "435b0bbc95b5b7d52531a3944f2b85603ee22aaf850963bc156eb561edf2cbe7cf0e770e393a"
                "e5d7049026"
            ),
        },
        (
            "u1k9kavjcgta8y9t9lv3grvry5fqs6avhe9panu4jlg5j5mkkn4wj844mau24n4hx79yst6glun3wa095upa"
            "pkqhgyrq9kfd7jr7q9dgpafhwvgl8ujxrlprl5zahl69cprsets6h2t98"
        ),
    ),
    (
        {
            0: ("3ca74c80ef1d1853423ae2891cd5d0ecbcfde137"),
            2: (
                "69a25a38699708e5f6e76e54e6a7a2ab84dcf288df0d1f2563670168d6c44ace0ef11155c60d"
                "5c225e9dec"
            ),
        },
        (
            "u149eavna6le6hj9ct0ggat9zu86utes626d2360epdnxezqp0r2xrg8p8rvswqe76pqe5wc7hwfa0rz9y5d"
            "kwpsyma365z5y2syguhzud7jhcegxzgklqmwucz56kkw2v54gcqx6wrkf"
        ),
    ),
    (
        {
            0: ("7bec9de217c04f7ce1a86f1fb458aa881c8f39e4"),
            3: (
                "d8e5ecb4e005c28718e61a5c336a4f369e771ccdb3363f4f7a04b02a966901a4c05da662d5fd"
                "75678f7fb4"
            ),
        },
        (
            "u1z5gu8x3dvkvwcmrj0qk5hrx9pcadl56h84f7wdyp6nv53r3d5cccedechmw985tge5w3c2r569qa72lggu"
            "u5xrqxh79ajzc7kqmes20pktzqrjlpx56qhgmqm56hn9wt2hcyxpdamak"
        ),
    ),
    (
        {
            3: (
                "31844683a07bf8e30057902b0d23e2b2ce9cad0b22190238ca4f329da92c7979052b00f735cb"
                "210671bdb0"
            ),
        },
        (
            "u1p5rt2l48lpmyyeypnffal288jgf2tz50fzn23jdp68vcujvwn0uz5u0evcp35jfmfvrl26az7suqqfm0sk"
            "n9mmz9un86gqkq9va32v4s"
        ),
    ),
    (
        {
            1: ("15fa08da52754a1095e3ff1abd5ce4fddfccfc3a"),
            3: (
                "c906109b51e2b37bf8b67761bfa917dc5059c357b7dc8107672b66189a0d15bc496d84ef9114"
                "c68c99c911"
            ),
        },
        (
            "u1qeh4dencp58m6knk4lsjcc7dp0dp5gtqas4uw0szmffarlpl7nsztfwpu8rdg7rhldny7q9c0hhqtfdrcj"
            "9v62w8fvc92teqrvm7dt8pehyrr3v72vc9rkz22xycuuhz06z5xugenjh"
        ),
    ),
]
# ZIP-320: the same key as a transparent and as a TEX address.
TEX = [
    ("t1V9mnyk5Z5cTNMCkLbaDwSskgJZucTLdgW", "tex10wur2u9clts5dcpu2vc6qg93uzyj7cca2xm732"),
    ("t1LZdE42PAt1wREUv1YMYRFwJDPHPW8toLL", "tex1rkq7seu3cukjjtusde7q8xnjne93laluyvdxu7"),
    ("t1M5AgJw56FNFRBNGtzAGX4AHfQh7ZCxd4w", "tex1yvvrncc9czsza45pgph67g39shmxywgyvsypwn"),
    ("t1bh6KjXccz6Ed45vFc3GeqoxWbwPxe8w2n", "tex1cd648x9ckalkx0720n9a4yqgx9rcj7wfvjcq63"),
]


@pytest.mark.parametrize(("items", "address"), UNIFIED)
def test_unified_addresses_of_zip_316(items: dict[int, str], address: str) -> None:
    assert validate_address("ZEC", address).kind == "unified"
    if max(items) <= 3:
        rebuilt = [(code, bytes.fromhex(value)) for code, value in sorted(items.items())]
        assert encoders.unified(*rebuilt) == address


@pytest.mark.parametrize(("transparent", "tex"), TEX)
def test_tex_addresses_of_zip_320(transparent: str, tex: str) -> None:
    assert validate_address("ZEC", transparent).kind == "p2pkh"
    assert validate_address("ZEC", tex).kind == "tex"


def test_kinds_from_known_payloads() -> None:
    p2sh = encoders.base58check(bytes.fromhex("1cbd"), HASH)
    sapling = encoders.bech32("zs", encoders.words(SHIELDED))
    assert validate_address("ZEC", p2sh).kind == "p2sh"
    assert validate_address("ZEC", sapling).kind == "sapling"
    assert validate_address("ZEC", sapling.upper()).address == sapling


@pytest.mark.parametrize(
    "items",
    [
        [SAPLING],
        [ORCHARD],
        [P2PKH, SAPLING, ORCHARD],
        [P2SH, ORCHARD],
        [P2PKH, (0x09, bytes(25))],
        [ORCHARD, (0x09, bytes(25))],
    ],
)
def test_unified_addresses_that_can_be_paid(items: list[tuple[int, bytes]]) -> None:
    address = encoders.unified(*items)
    assert validate_address("ZEC", address.upper()).address == address


@pytest.mark.parametrize(
    ("items", "says"),
    [
        ([P2PKH, P2SH, ORCHARD], "malformed"),
        ([ORCHARD, SAPLING], "malformed"),
        ([SAPLING, SAPLING], "malformed"),
        ([P2PKH, (2, SHIELDED[:-1])], "malformed"),
        ([(0, HASH + b"\1"), ORCHARD], "malformed"),
        ([(0x09, SHIELDED)], "no supported receiver"),
        ([ORCHARD, (0xE0, b"\1")], "unsupported feature"),
        ([P2PKH, (1, HASH)], "malformed"),
    ],
)
def test_unified_addresses_that_cannot_be_paid(items: list[tuple[int, bytes]], says: str) -> None:
    with pytest.raises(AddressError, match=says):
        validate_address("ZEC", encoders.unified(*items))


def test_only_transparent_receivers_are_too_short_to_be_jumbled() -> None:
    with pytest.raises(AddressError, match="too short"):
        validate_address("ZEC", encoders.unified(P2PKH))


@pytest.mark.parametrize(
    "tail",
    [
        b"\x09",  # no length
        b"\x09\x05abcd",  # cut off
        b"\xfd\x09\x00\x01a",  # a number longer than needed
        b"\xfd\x09",
        b"\xfe\x01\x00\x00\x02\x01a",  # above the last typecode
    ],
)
def test_items_that_cannot_be_read(tail: bytes) -> None:
    raw = bytes([3, 43]) + SHIELDED + tail + b"u".ljust(16, b"\0")
    words = encoders.words(encoders.jumble(raw))
    with pytest.raises(AddressError, match="unified address is malformed"):
        validate_address("ZEC", encoders.bech32("u", words, encoders.BECH32M_CONSTANT))


def test_an_address_of_another_network_is_named() -> None:
    with pytest.raises(AddressError, match="another network"):
        validate_address("ZEC", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa")


def test_padding_names_the_network() -> None:
    with pytest.raises(AddressError, match="malformed"):
        validate_address("ZEC", encoders.unified(ORCHARD, padding=b""))
    with pytest.raises(AddressError, match="malformed"):
        validate_address("ZEC", encoders.unified(ORCHARD, padding=b"utest"))


@pytest.mark.parametrize(
    "address",
    [
        encoders.base58check(bytes.fromhex("1d25"), HASH),
        encoders.base58check(bytes.fromhex("1cba"), HASH),
        encoders.bech32("ztestsapling", encoders.words(SHIELDED)),
        encoders.unified(ORCHARD, prefix="utest", padding=b"utest"),
    ],
)
def test_testnet_is_named(address: str) -> None:
    with pytest.raises(AddressError, match=TESTNET):
        validate_address("ZEC", address)


@pytest.mark.parametrize(
    "address",
    [
        encoders.bech32("zs", encoders.words(SHIELDED), encoders.BECH32M_CONSTANT),
        encoders.bech32("tex", encoders.words(HASH)),
        encoders.bech32("zs", encoders.words(SHIELDED[:-1])),
        encoders.bech32("zs1x", encoders.words(SHIELDED)),
        encoders.bech32("u1x", encoders.words(SHIELDED), encoders.BECH32M_CONSTANT),
        encoders.bech32("tex", encoders.words(bytes(20)), encoders.BECH32M_CONSTANT),
        encoders.base58check(bytes.fromhex("1cb8"), HASH[:-1]),
        encoders.base58check(bytes.fromhex("1cb8"), bytes(20)),
        encoders.base58check(b"\0", HASH),
        "zcU1Cd6zYyZCd2VJF8yKgmzjxdiiU1rgTTjEwoN1CGUWCziPkUTXUjXmX7TMqdMNsTfuiGN1jQoVN4kGxUR4sAPN4XZ7pxb",
    ],
)
def test_refusals(address: str) -> None:
    with pytest.raises(AddressError):
        validate_address("ZEC", address)


def test_sprout_says_why() -> None:
    with pytest.raises(AddressError, match="Sprout"):
        validate_address("ZEC", "zc" + "a" * 93)
