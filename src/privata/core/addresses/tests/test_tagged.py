"""Networks with a tag, memo or comment: XRP, Stellar, TON; Cosmos' memo."""

from __future__ import annotations

import pytest

from privata.core.addresses import AddressError, stellar_memo, validate_address
from privata.core.addresses.errors import BURN_ADDRESS, TESTNET
from privata.core.addresses.tests import encoders

ACCOUNT = bytes(range(1, 33))
CLASSIC = "rGWrZyQqhTp9Xu7G5Pkayo7bXjH4k4QYpf"
# XLS-5d vectors as published with the address codec of the XRP Ledger Foundation.
X_ADDRESSES = [
    (None, "XVLhHMPHU98es4dbozjVtdWzVrDjtV5fdx1mHp98tDMoQXb"),
    ("0", "XVLhHMPHU98es4dbozjVtdWzVrDjtV8AqEL4xcZj5whKbmc"),
    ("1", "XVLhHMPHU98es4dbozjVtdWzVrDjtV8xvjGQTYPiAx6gwDC"),
    ("2", "XVLhHMPHU98es4dbozjVtdWzVrDjtV8zpDURx7DzBCkrQE7"),
    ("32", "XVLhHMPHU98es4dbozjVtdWzVrDjtVoYiC9UvKfjKar4LJe"),
    ("276", "XVLhHMPHU98es4dbozjVtdWzVrDjtVoKj3MnFGMXEFMnvJV"),
    ("65591", "XVLhHMPHU98es4dbozjVtdWzVrDjtVozpjdhPQVdt3ghaWw"),
    ("16781933", "XVLhHMPHU98es4dbozjVtdWzVrDjtVqrDUk2vDpkTjPsY73"),
    ("4294967294", "XVLhHMPHU98es4dbozjVtdWzVrDjtV1kAsixQTdMjbWi39u"),
    ("4294967295", "XVLhHMPHU98es4dbozjVtdWzVrDjtV18pX8yuPT7y4xaEHi"),
]
MUXED = "MA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJVAAAAAAAAAAAAAJLK"
PLAIN = "GA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJVSGZ"
SEP23_INVALID = [
    "GAAAAAAAACGC6",
    "MA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJUAAAAAAAAAAAACJUR",
    "GA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJVSGZA",
    "GA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJUACUSI",
    "G47QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJVP2I",
    "MA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJVAAAAAAAAAAAAAJLKA",
    "MA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJVAAAAAAAAAAAAAAV75I",
    "M47QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJUAAAAAAAAAAAACJUQ",
    "MA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJUAAAAAAAAAAAACJUK===",
    "MA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJUAAAAAAAAAAAACJUO",
]
NOT_PAYABLE = [
    # Valid strkeys of SEP-23 that are no accounts: a contract, a pool, a balance, a signer.
    ("CA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJUWDA", "contract"),
    ("LA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJUPJN", "liquidity pool"),
    ("BAAD6DBUX6J22DMZOHIEZTEQ64CVCHEDRKWZONFEUL5Q26QD7R76RGR4TU", "claimable balance"),
    ("SA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJUWDA", "secret key"),
]


@pytest.mark.parametrize(("tag", "address"), X_ADDRESSES)
def test_an_x_address_becomes_its_classic_form_and_tag(tag: str | None, address: str) -> None:
    valid = validate_address("XRP", address)
    assert (valid.address, valid.extra_id, valid.kind) == (CLASSIC, tag, "x-address")
    if tag is not None:
        assert validate_address("XRP", address, tag) == valid
    says = "no destination tag" if tag is None else "differs from"
    with pytest.raises(AddressError, match=says) as refused:
        validate_address("XRP", address, "77")
    assert refused.value.field == "extra_id"


@pytest.mark.parametrize(
    "address",
    [
        "XVLhHMPHU98es4dbozjVtdWzVrDjtV5fdx1mHp98tDMoQXa",  # wrong checksum
        "dGzKGt8CVpWoa8aWL1k18tAdy9Won3PxynvbbpkAqp3V47g",  # wrong prefix
        "XVLhHMPHU98es4dbozjVtdWzVrDjtV18pX8zeUygYrCgrPh",  # a tag of 64 bits
        encoders.x_address(b"\x05\x44", ACCOUNT[:20], 0, 5),
        encoders.x_address(b"\x05\x44", ACCOUNT[:20], 2, 5),
        encoders.x_address(b"\x05\x44", bytes(20), 1, 5),
        encoders.x_address(b"\x05\x45", ACCOUNT[:20], 1, 5),
        encoders.base58check(b"\x21", ACCOUNT[:16], encoders.RIPPLE),  # a seed
        encoders.base58check(b"\x01", ACCOUNT[:20], encoders.RIPPLE),
        encoders.base58check(b"\x00", ACCOUNT[:21], encoders.RIPPLE),
        "rrrrrrrrrrrrrrrrrrrrrhoLvTp",
        "rrrrrrrrrrrrrrrrrrrrBZbvji",
    ],
)
def test_xrp_refusals(address: str) -> None:
    with pytest.raises(AddressError):
        validate_address("XRP", address)


def test_xrp_testnet_is_named() -> None:
    with pytest.raises(AddressError, match=TESTNET):
        validate_address("XRP", "TVE26TYGhfLC7tQDno7G8dGtxSkYQn49b3qD26PK7FcGSKE")


@pytest.mark.parametrize("tag", ["0", "1", "4294967295"])
def test_destination_tags(tag: str) -> None:
    assert validate_address("XRP", CLASSIC, tag).extra_id == tag


@pytest.mark.parametrize(
    "tag", ["4294967296", "-1", "+1", "01", "1.0", "1e3", "0x1", "abc", "9" * 400]
)
def test_bad_destination_tags(tag: str) -> None:
    with pytest.raises(AddressError, match="destination tag") as refused:
        validate_address("XRP", CLASSIC, tag)
    assert refused.value.field == "extra_id"


def test_muxed_accounts_of_sep_23() -> None:
    zero = "MA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJUAAAAAAAAAAAACJUQ"
    for address, number in ((zero, "0"), (MUXED, "9223372036854775808")):
        for given in (None, number):
            valid = validate_address("XLM", address, given)
            assert (valid.address, valid.kind, valid.extra_id) == (address, "muxed", None)
        with pytest.raises(AddressError, match="includes its own id"):
            validate_address("XLM", address, "7")


@pytest.mark.parametrize("address", SEP23_INVALID)
def test_invalid_strkeys_of_sep_23(address: str) -> None:
    with pytest.raises(AddressError):
        validate_address("XLM", address)


@pytest.mark.parametrize(("address", "says"), NOT_PAYABLE)
def test_strkeys_that_take_no_payment(address: str, says: str) -> None:
    with pytest.raises(AddressError, match=says):
        validate_address("XLM", address)


def test_stellar_encodings() -> None:
    assert validate_address("XLM", encoders.strkey(6 << 3, ACCOUNT)).kind == "account"
    for bad in (encoders.strkey(6 << 3, bytes(32)), PLAIN.lower()):
        with pytest.raises(AddressError):
            validate_address("XLM", bad)


@pytest.mark.parametrize(
    ("memo", "sent", "kind"),
    [
        ("0", "0", "id"),
        ("18446744073709551615", "18446744073709551615", "id"),
        ("id:7", "7", "id"),
        ("invoice 7", "invoice 7", "text"),
        ("text:invoice 7", "invoice 7", "text"),
        ("x" * 28, "x" * 28, "text"),
        ("\u00e4" * 14, "\u00e4" * 14, "text"),
        ("ref:7", "text:ref:7", "text"),
        ("text:007", "text:007", "text"),
        ("text:" + "9" * 28, "text:" + "9" * 28, "text"),
        ("text:text:x", "text:text:x", "text"),
        ("AB" * 32, "ab" * 32, "hash"),
        ("7" * 64, "7" * 64, "hash"),
        ("hash:" + "AB" * 32, "ab" * 32, "hash"),
        ("return:" + "AB" * 32, "return:" + "ab" * 32, "return"),
    ],
)
def test_stellar_memos_of_each_type(memo: str, sent: str, kind: str) -> None:
    """Hashes and texts in other scripts were refused, and every memo was sent as whatever."""
    valid = validate_address("XLM", PLAIN, memo)
    assert (valid.extra_id, valid.extra_id_type) == (sent, kind)
    assert validate_address("XLM", PLAIN, sent) == valid
    value = sent.removeprefix("return:").removeprefix("text:") if ":" in sent else sent
    assert stellar_memo(sent)[0] == kind
    assert stellar_memo(sent)[1].endswith(value)


@pytest.mark.parametrize(
    "memo",
    [
        "x" * 29,
        "\u00e4" * 15,
        "007",
        "00",
        "18446744073709551616",
        "9" * 28,
        "9" * 250,
        "id:x",
        "id:-1",
        "hash:" + "ab" * 31,
        "return:",
        "text:",
        "ab" * 31,
        "zero\u200bwidth",
    ],
)
def test_bad_stellar_memos(memo: str) -> None:
    with pytest.raises(AddressError) as refused:
        validate_address("XLM", PLAIN, memo)
    assert refused.value.field == "extra_id"


def test_ton_forms() -> None:
    account = b"\xfb\xff" + ACCOUNT[2:]
    for workchain in (0, -1):
        for flags, kind in ((0x11, "bounceable"), (0x51, "non-bounceable")):
            for url_safe in (True, False):
                text = encoders.ton(flags, workchain, account, url_safe=url_safe)
                valid = validate_address("TON", text)
                assert (valid.address, valid.kind) == (text, kind)
            with pytest.raises(AddressError, match=TESTNET):
                validate_address("TON", encoders.ton(flags | 0x80, workchain, account))
        raw = f"{workchain}:{account.hex()}"
        assert validate_address("TON", raw.upper()).address == raw


def test_ton_testnet_address_of_its_documentation() -> None:
    with pytest.raises(AddressError, match=TESTNET):
        validate_address("TON", "kf/8uRo6OBbQ97jCx2EIuKm8Wmt6Vb15+KsQHFLbKSMiYIny")


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("EQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAM9c", BURN_ADDRESS),
        ("0:" + "0" * 64, BURN_ADDRESS),
        ("1:" + "a" * 64, "raw TON address"),
        ("0:" + "a" * 63, "raw TON address"),
        ("-0:" + "a" * 64, "raw TON address"),
        (encoders.ton(0x11, 5, ACCOUNT), "workchain"),
        (encoders.ton(0x31, 0, ACCOUNT), "flags"),
        ("EQ-/" + "A" * 44, "mixes the two"),
        ("EQCxE6mUtQJKFnGfaROTKOt1lZbDiiX1kCixRv7Nw2Id_sD=", "outside Base64"),
    ],
)
def test_ton_refusals(address: str, says: str) -> None:
    with pytest.raises(AddressError, match=says):
        validate_address("TON", address)


@pytest.mark.parametrize(
    ("network", "address", "limit"),
    [
        ("TON", "EQDKbjIcfM6ezt8KjKJJLshZJJSqX7XOA4ff-W72r5gqPrHF", 123),
        ("ATOM", "cosmos1hsk6jryyqjfhp5dhc55tc9jtckygx0eph6dd02", 256),
    ],
)
def test_free_text_has_a_limit(network: str, address: str, limit: int) -> None:
    assert validate_address(network, address, "a" * limit).extra_id == "a" * limit
    assert validate_address(network, address, "order 7/8").extra_id == "order 7/8"
    with pytest.raises(AddressError, match=f"at most {limit}") as refused:
        validate_address(network, address, "a" * (limit + 1))
    assert refused.value.field == "extra_id"
    # The limits are bytes, and free text is not Latin letters alone.
    assert validate_address(network, address, "\u017c\u00f3\u0142w").extra_id
    with pytest.raises(AddressError, match=f"at most {limit}"):
        validate_address(network, address, "\u017c" * (limit // 2 + 1))
