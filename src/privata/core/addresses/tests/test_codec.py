"""The codecs by themselves, on vectors of their standards."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privata.core.addresses.codec import (
    base32,
    base58,
    bech32,
    cashaddr,
    cbor,
    f4jumble,
    monero58,
    ss58,
)
from privata.core.addresses.codec.crc16 import crc16
from privata.core.addresses.codec.ed25519 import is_point
from privata.core.addresses.codec.keccak import keccak256
from privata.core.addresses.errors import AddressError
from privata.core.addresses.tests import encoders

BIP173_VALID = [
    "A12UEL5L",
    "a12uel5l",
    "an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1tt5tgs",
    "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw",
    "11qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqc8247j",
    "split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w",
    "?1ezyfcl",
]
BIP350_VALID = [
    "A1LQFN3A",
    "a1lqfn3a",
    "an83characterlonghumanreadablepartthatcontainsthetheexcludedcharactersbioandnumber11sg7hg6",
    "abcdef1l7aum6echk45nj3s0wdvt2fg8x9yrzpqzd3ryx",
    "11llllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllludsr8",
    "split1checkupstagehandshakeupstreamerranterredcaperredlc445v",
    "?1v759aa",
]
BIP_INVALID = [
    "\x201nwldj5",
    "\x7f1axkwrx",
    "\x801eym55h",
    "an84characterslonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1569pvx",
    "pzry9x0s0muk",
    "1pzry9x0s0muk",
    "x1b4n0q5v",
    "li1dgmt3",
    "de1lg7wt\xff",
    "A1G7SGD8",
    "10a06t8",
    "1qzzfhee",
    "\x201xj0phk",
    "\x7f1g6xzxy",
    "\x801vctc34",
    "an84characterslonghumanreadablepartthatcontainsthetheexcludedcharactersbioandnumber11d6pts4",
    "qyrz8wqd2c9m",
    "1qyrz8wqd2c9m",
    "y1b0jsk6g",
    "lt1igcx5c0",
    "in1muywd",
    "mm1crxm3i",
    "au1s5cgom",
    "M1VUXWEZ",
    "16plkw9",
    "1p2gdwpf",
]
JUMBLED = [
    (
        (
            "5d7a8f739a2d9e945b0ce152a8049e294c4d6e66b164939daffa2ef6ee692148"
            "1cdd86b3cc4318d9614fc820905d042b"
        ),
        (
            "0304d029141b995da5387c125970673504d6c764d91ea6c082123770c7139ccd"
            "88ee27368cd0c0921a0444c8e5858d22"
        ),
    ),
    (
        (
            "b1ef9ca3f24988c7b3534201cfb1cd8dbf69b8250c18ef41294ca97993db546c"
            "1fe01f7e9c8e36d6a5e29d4e30a73594bf5098421c69378af1e40f64e125946f"
        ),
        (
            "5271fa3321f3adbcfb075196883d542b438ec6339176537daf859841fe6a5622"
            "2bff76d1662b5509a9e1079e446eeedd2e683c31aae3ee1851d7954328526be1"
        ),
    ),
]


@pytest.mark.parametrize("text", BIP173_VALID)
def test_bech32_strings_of_bip_173(text: str) -> None:
    assert bech32.decode(text).variant == "bech32"


@pytest.mark.parametrize("text", BIP350_VALID)
def test_bech32m_strings_of_bip_350(text: str) -> None:
    assert bech32.decode(text).variant == "bech32m"


@pytest.mark.parametrize("text", BIP_INVALID)
def test_invalid_strings_of_bip_173_and_350(text: str) -> None:
    with pytest.raises(AddressError):
        bech32.decode(text)


@pytest.mark.parametrize(
    ("text", "data"),
    [
        # draft-msporny-base58 section 5.
        ("2NEpo7TZRRrLZSi2U", b"Hello World!"),
        (
            "USm3fpXnKG5EUBx2ndxBDMPVciP5hGey2Jh4NDv6gmeo1LkMeiKrLJUUBk6Z",
            b"The quick brown fox jumps over the lazy dog.",
        ),
        ("11233QC4", bytes.fromhex("0000287fb4cd")),
    ],
)
def test_base58_of_its_draft(text: str, data: bytes) -> None:
    assert base58.decode(text) == data
    assert base58.encode(data) == text


@given(st.binary(max_size=80))
def test_base58_round_trip(data: bytes) -> None:
    assert base58.decode(encoders.base58(data)) == data
    assert base58.encode(data) == encoders.base58(data)


@pytest.mark.parametrize(
    "text",
    [
        "bitcoincash:qr6m7j9njldwwzlg9v7v53unlr4jkmx6eylep8ekg2",
        "bchtest:pr6m7j9njldwwzlg9v7v53unlr4jkmx6eyvwc0uz5t",
        "pref:pr6m7j9njldwwzlg9v7v53unlr4jkmx6ey65nvtks5",
    ],
)
def test_cashaddr_of_20_bytes(text: str) -> None:
    decoded = cashaddr.decode(text, default_prefix="bitcoincash")
    assert decoded.payload.hex().upper() == "F5BF48B397DAE70BE82B3CCA4793F8EB2B6CDAC9"


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("bitcoincash:q9adhakpwzztepkpwp5z0dq62m6u5v5xtyj7j3h2ws4mr9g0", 24),
        ("bchtest:pgagf7w02x4wnz3mkwnchut2vxphjzccwxgjvvjmlsxqwkcvs7md7wt", 28),
        ("pref:pvch8mmxy0rtfrlarg7ucrxxfzds5pamg73h7370aa87d80gyhqxq4k9m7qf9", 32),
        ("pref:pnq8zwpj8cq05n7pytfmskuk9r4gzzel8qtsvwz79zdskftrzxtar994cgutavfklv0vx5z0w3", 40),
    ],
)
def test_cashaddr_of_other_sizes(text: str, size: int) -> None:
    assert len(cashaddr.decode(text, default_prefix="bitcoincash").payload) == size


@pytest.mark.parametrize(
    "text",
    [
        # Right checksums over payloads that are none, from the specification.
        "prefix:x64nx6hz",
        "p:gpf8m4h7",
        "bitcoincash:qpzry9x8gf2tvdw0s3jn54khce6mua7lcw20ayyn",
        "bchtest:spectestnetaddressrealrealaddressqpan2k9lh",
        "bchreg:555555555555555555555555555555555555555555555udxmlmrz",
    ],
)
def test_cashaddr_without_a_valid_payload(text: str) -> None:
    with pytest.raises(AddressError, match=r"too short|malformed|reserved"):
        cashaddr.decode(text, default_prefix="bitcoincash")


def test_crc16_check_value() -> None:
    assert crc16(b"123456789") == 0x31C3


def test_keccak256_of_nothing_is_not_sha3() -> None:
    digest = "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    assert keccak256(b"").hex() == digest


@pytest.mark.parametrize(
    ("text", "data"), [("MZXW6YTBOI", b"foobar"), ("MZXW6", b"foo"), ("", b"")]
)
def test_base32_of_rfc_4648(text: str, data: bytes) -> None:
    assert base32.decode(text) == data


@pytest.mark.parametrize("text", ["MZXW7", "MZXW6Y", "A", "mzxw6", "MZXW6==="])
def test_base32_is_strict(text: str) -> None:
    with pytest.raises(AddressError):
        base32.decode(text)


@pytest.mark.parametrize(("normal", "jumbled"), JUMBLED)
def test_f4jumble_of_zip_316(normal: str, jumbled: str) -> None:
    assert f4jumble.unjumble(bytes.fromhex(jumbled)).hex() == normal
    assert encoders.jumble(bytes.fromhex(normal)).hex() == jumbled


@given(st.binary(min_size=48, max_size=300))
def test_f4jumble_round_trip(message: bytes) -> None:
    assert f4jumble.unjumble(encoders.jumble(message)) == message


@given(st.integers(0, 16383), st.binary(min_size=32, max_size=32))
def test_ss58_round_trip(prefix: int, account: bytes) -> None:
    assert ss58.decode(encoders.ss58(prefix, account)) == (prefix, account)


def test_ss58_reserved_prefix() -> None:
    body = b"\x80" + bytes(range(32))
    checksum = hashlib.blake2b(b"SS58PRE" + body).digest()[:2]
    with pytest.raises(AddressError, match="reserved"):
        ss58.decode(encoders.base58(body + checksum))


def test_monero_blocks_of_no_whole_bytes() -> None:
    with pytest.raises(AddressError, match="too short or too long"):
        monero58.decode_check("1" * 12)


def test_base58check_of_nothing() -> None:
    with pytest.raises(AddressError, match="too short or too long"):
        base58.decode_check(encoders.base58check(b"", b""))


def test_points_of_edwards25519() -> None:
    base = bytes.fromhex("5866666666666666666666666666666666666666666666666666666666666666")
    assert is_point(base)
    assert is_point(b"\1" + bytes(31))  # the neutral element
    assert not is_point(b"\1" + bytes(30) + b"\x80")  # x = 0 has no negative
    assert not is_point(b"\2" + bytes(31))
    assert not is_point(b"\xff" * 31 + b"\x7f")  # y not below p


@pytest.mark.parametrize(
    "data", ["1800ff", "1817", "190017", "1a00000017", "1c" + "ff" * 16, "1f", "40", ""]
)
def test_cbor_takes_only_the_shortest_whole_number(data: str) -> None:
    reader = cbor.Reader(bytes.fromhex(data))
    with pytest.raises(AddressError):
        reader.head(cbor.UINT)


@pytest.mark.parametrize(
    ("data", "value"),
    [
        ("17", 23),
        ("1818", 24),
        ("190100", 256),
        ("1a00010000", 65536),
        ("1b" + "f" * 16, 2**64 - 1),
    ],
)
def test_cbor_whole_numbers(data: str, value: int) -> None:
    reader = cbor.Reader(bytes.fromhex(data))
    assert reader.head(cbor.UINT) == value
    reader.end()
