"""Whether a text was signed with the key of an address, as the wallets of each chain sign. Pure.

- Ethereum: `personal_sign` (EIP-191, version E).
- TRON: `signMessageV2` (TIP-191).
- Solana: `signMessage`, Ed25519 over the text itself (RFC 8032).

A contract has no key: for a multi-signature wallet the operator vouches.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from privata.core.addresses import AddressError, validate_address
from privata.core.addresses.codec import base58
from privata.core.addresses.codec.keccak import keccak256
from privata.payouts.currencies import PayoutCurrency
from privata.payouts.signatures import secp256k1

#: Longer than every form of a signature.
MAX_SIGNATURE_CHARS: Final = 256

_ETHEREUM: Final = b"\x19Ethereum Signed Message:\n"
_TRON: Final = b"\x19TRON Signed Message:\n"
_TRON_VERSION: Final = b"\x41"
_ED25519_BYTES: Final = 64
_HEX: Final = re.compile(r"(0x)?([0-9a-fA-F]{2})+")

#: What signs for each currency's addresses, in the words of its wallets.
METHODS: Final[dict[PayoutCurrency, str]] = {
    PayoutCurrency.USDT_TRC20: "signMessageV2",
    PayoutCurrency.USDT_ERC20: "personal_sign",
    PayoutCurrency.USDC_ERC20: "personal_sign",
    PayoutCurrency.USDC_SOL: "signMessage",
}


def signed_by(currency: PayoutCurrency, address: str, text: str, signature: str) -> bool:
    """Whether `signature` (hexadecimal; base58 or base64 for Solana) is of `text` by `address`.

    False for whatever else is given.
    """
    if len(signature) > MAX_SIGNATURE_CHARS:
        return False
    return _CHECKS[currency](address, text.encode(), signature.strip())


def _ethereum(address: str, text: bytes, signature: str) -> bool:
    account = _recovered(_ETHEREUM, text, signature)
    if account is None:
        return False
    wanted = bytes.fromhex(validate_address(PayoutCurrency.USDT_ERC20.network, address).address[2:])
    return account == wanted


def _tron(address: str, text: bytes, signature: str) -> bool:
    account = _recovered(_TRON, text, signature)
    return account is not None and base58.encode_check(_TRON_VERSION + account) == address


def _solana(address: str, text: bytes, signature: str) -> bool:
    raw = _solana_bytes(signature)
    if raw is None:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(base58.decode(address)).verify(raw, text)
    except (InvalidSignature, ValueError):
        return False
    return True


def _recovered(prefix: bytes, text: bytes, signature: str) -> bytes | None:
    """The last 20 bytes of the hash of the key that signed: an account of both chains."""
    if not _HEX.fullmatch(signature):
        return None
    raw = bytes.fromhex(signature.removeprefix("0x"))
    digest = keccak256(prefix + b"%d" % len(text) + text)
    key = secp256k1.recover(raw, digest)
    return None if key is None else keccak256(key)[-20:]


def _solana_bytes(signature: str) -> bytes | None:
    """The 64 bytes of a signature; the forms that wallets and libraries give it."""
    if _HEX.fullmatch(signature) and len(signature.removeprefix("0x")) == 2 * _ED25519_BYTES:
        return bytes.fromhex(signature.removeprefix("0x"))
    for read in (_base58, _base64):
        raw = read(signature)
        if raw is not None and len(raw) == _ED25519_BYTES:
            return raw
    return None


def _base58(text: str) -> bytes | None:
    try:
        return base58.decode(text)
    except AddressError:
        return None


def _base64(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


_CHECKS: Final[dict[PayoutCurrency, Callable[[str, bytes, str], bool]]] = {
    PayoutCurrency.USDT_TRC20: _tron,
    PayoutCurrency.USDT_ERC20: _ethereum,
    PayoutCurrency.USDC_ERC20: _ethereum,
    PayoutCurrency.USDC_SOL: _solana,
}
