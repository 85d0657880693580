"""Signatures by the keys of addresses, with vectors that others published."""

from __future__ import annotations

import base64

import coincurve
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import (
    Prehashed,
    decode_dss_signature,
)
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given, settings
from hypothesis import strategies as st

from privata.core.addresses.codec import base58
from privata.core.addresses.codec.keccak import keccak256
from privata.payouts.currencies import PayoutCurrency
from privata.payouts.signatures import secp256k1
from privata.payouts.signatures.messages import signed_by

#: web3.js, documentation of `eth.accounts.sign`.
_WEB3 = (
    "0x2c7536E3605D9C16a7a3D7b1898e529396a65c23",
    "Some data",
    "0xb91467e570a6466aa9e9876cbcd013baba02900b8979d43fe208a4a4f339f5fd"
    "6007e74cd82e037b800186422fc2da167c747ef045e5d18a5f5d4300f8e1a0291c",
)

#: TronWeb, test/testcases/src/sign-message: digest, address, signature.
_TRONWEB = [
    (
        "cf02daeb2bea196ed5692322a66ed50080ce74ff8cb711199f1b04f3c13bc10d",
        "TMVQGm1qAQYVdetCeGRRkTWYYrLXuHK2HC",
        "0dc0b53d525e0103a6013061cf18e60cf158809149f2b8994a545af65a7004cb"
        "1eeaff560e801ab51b28df5d42549aa024c2aa7e9d34de1e01294b9afb5e6c7e1c",
    ),
    (
        "66733cf31ee3f133db9561efdca3d65ba930bdf57fb1af3b6cc0ba4966ecc882",
        "TVEZYjZyemfJoLUdGtzsM2ua1HAnbsNgAF",
        "dc3ffce3ffa792a3c76b9ea6909f715ffed0386bb9be0d1ece2d80bde37c3680"
        "28eed4c9a6fd9608407b224050db7c648a8a7668a7582893efcb2c19d3327b811b",
    ),
    (
        "c6bb689ca3663d132c07540d31f46e03b0e4291d990c77083c136a234f079455",
        "TBzEvowPVErmNWVegYMQcurDF3jgHU4VME",
        "4a32ec6cfd034304f6fb45767d98a2414a9ab439a829b60e756c79f7e3c0f4ed"
        "0d1f76d88839a4425146084a6ef3703a2a692fdacc76c80c269268f6ba6df38b1c",
    ),
]

#: RFC 8032, section 7.1, tests 1 and 2: key, signature, text.
_RFC8032 = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        "",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        "r",
    ),
]


def sign_65(key: int, digest: bytes) -> bytes:
    """A recoverable signature with a low s, by OpenSSL; for tests only."""
    private = ec.derive_private_key(key, ec.SECP256K1())
    r, s = decode_dss_signature(private.sign(digest, ec.ECDSA(Prehashed(SHA256()))))
    s = min(s, secp256k1.N - s)
    numbers = private.public_key().public_numbers()
    own = numbers.x.to_bytes(32) + numbers.y.to_bytes(32)
    for v in (27, 28):
        signature = r.to_bytes(32) + s.to_bytes(32) + bytes([v])
        if secp256k1.recover(signature, digest) == own:
            return signature
    raise AssertionError("neither bit recovers the key")


def test_the_published_ethereum_signature() -> None:
    address, text, signature = _WEB3
    assert signed_by(PayoutCurrency.USDT_ERC20, address, text, signature)
    assert signed_by(PayoutCurrency.USDC_ERC20, address, text, signature.removeprefix("0x").upper())
    assert signed_by(PayoutCurrency.USDC_ERC20, address, text, signature[:-2] + "01")
    other = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
    assert not signed_by(PayoutCurrency.USDT_ERC20, other, text, signature)
    assert not signed_by(PayoutCurrency.USDT_ERC20, address, text + " ", signature)
    assert not signed_by(PayoutCurrency.USDT_ERC20, address, text, signature[:-2] + "1b")
    # The same text signed for TRON is another digest.
    assert not signed_by(PayoutCurrency.USDT_TRC20, _TRONWEB[0][1], text, signature)


@pytest.mark.parametrize(("digest", "address", "signature"), _TRONWEB)
def test_the_published_tron_keys(digest: str, address: str, signature: str) -> None:
    key = secp256k1.recover(bytes.fromhex(signature), bytes.fromhex(digest))
    assert key is not None
    assert base58.encode_check(b"\x41" + keccak256(key)[-20:]) == address


def test_the_published_tron_signature() -> None:
    _, address, signature = _TRONWEB[0]
    for text in ("0x" + signature, signature):
        assert signed_by(PayoutCurrency.USDT_TRC20, address, "hello world", text)
    assert not signed_by(PayoutCurrency.USDT_TRC20, address, "hello worlds", signature)
    assert not signed_by(PayoutCurrency.USDT_TRC20, _TRONWEB[1][1], "hello world", signature)
    hex_address = "0x" + base58.decode_check(address)[1:].hex()
    assert not signed_by(PayoutCurrency.USDT_ERC20, hex_address, "hello world", signature)


@pytest.mark.parametrize(("key", "signature", "text"), _RFC8032)
def test_the_published_ed25519_signatures(key: str, signature: str, text: str) -> None:
    address, raw = base58.encode(bytes.fromhex(key)), bytes.fromhex(signature)
    forms = (signature, "0x" + signature, base58.encode(raw), base64.b64encode(raw).decode())
    for form in forms:
        assert signed_by(PayoutCurrency.USDC_SOL, address, text, form)
        assert not signed_by(PayoutCurrency.USDC_SOL, address, text + "x", form)


_KEYS = st.integers(1, secp256k1.N - 1)
_DIGESTS = st.binary(min_size=32, max_size=32)


@settings(max_examples=25, deadline=None)
@given(_KEYS, _DIGESTS, st.integers(0, 64 * 8 - 1))
def test_what_was_signed_recovers_its_key_and_nothing_else(
    key: int, digest: bytes, flipped: int
) -> None:
    signature = sign_65(key, digest)
    own = secp256k1.recover(signature, digest)
    assert own is not None
    r, s, v = signature[:32], int.from_bytes(signature[32:64]), signature[64]
    high = r + (secp256k1.N - s).to_bytes(32) + bytes([55 - v])
    assert secp256k1.recover(high, digest) is None
    changed = bytearray(signature)
    changed[flipped // 8] ^= 1 << flipped % 8
    assert secp256k1.recover(bytes(changed), digest) != own
    assert secp256k1.recover(signature, keccak256(digest)) != own


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(PayoutCurrency), st.text(max_size=140) | st.binary(max_size=70).map(bytes.hex)
)
def test_nothing_that_is_sent_breaks_it(currency: PayoutCurrency, junk: str) -> None:
    address = {
        "TRC20": _TRONWEB[0][1],
        "ERC20": _WEB3[0],
        "SOL": base58.encode(bytes.fromhex(_RFC8032[0][0])),
    }[currency.network]
    assert not signed_by(currency, address, "text", junk)


@pytest.mark.parametrize(
    "signature",
    [
        bytes(65),
        b"\xff" * 65,
        secp256k1.N.to_bytes(32) + b"\x01" * 32 + b"\x1b",
        b"\x01" * 32 + secp256k1.N.to_bytes(32) + b"\x1b",
        (5).to_bytes(32) + (1).to_bytes(32) + b"\x1b",
        b"\x01" * 64,
        b"\x01" * 64 + b"\x1d",
    ],
)
def test_edges_are_no_signatures(signature: bytes) -> None:
    assert secp256k1.recover(signature, b"\x00" * 32) is None


def test_no_other_recovery_bit_is_taken() -> None:
    digest = keccak256(b"digest")
    compact = sign_65(7, digest)[:64]
    taken = {v for v in range(256) if secp256k1.recover(compact + bytes([v]), digest)}
    assert taken == {0, 1, 27, 28}


def test_what_the_library_takes_beyond_one_form_is_refused() -> None:
    digest = keccak256(b"digest")
    signature = sign_65(7, digest)
    own = secp256k1.recover(signature, digest)
    s, bit = int.from_bytes(signature[32:64]), signature[64] - 27
    high = signature[:32] + (secp256k1.N - s).to_bytes(32) + bytes([1 - bit])
    by_library = coincurve.PublicKey.from_signature_and_message(high, digest, hasher=None)
    assert by_library.format(compressed=False)[1:] == own
    assert secp256k1.recover(high, digest) is None
    for wrong in (signature[:-1], signature + b"\0", b""):
        assert secp256k1.recover(wrong, digest) is None
    assert secp256k1.recover(signature, digest[:-1]) is None


def test_a_long_text_is_measured_in_bytes() -> None:
    text = "zażółć gęślą jaźń\n" * 20
    raw = text.encode()
    digest = keccak256(b"\x19TRON Signed Message:\n" + str(len(raw)).encode() + raw)
    key = secp256k1.recover(sign_65(7, digest), digest)
    assert key is not None
    address = base58.encode_check(b"\x41" + keccak256(key)[-20:])
    assert signed_by(PayoutCurrency.USDT_TRC20, address, text, sign_65(7, digest).hex())
    private = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
    solana = base58.encode(private.public_key().public_bytes_raw())
    assert signed_by(PayoutCurrency.USDC_SOL, solana, text, base58.encode(private.sign(raw)))
