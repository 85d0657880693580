"""Deposit addresses and hashes of the sandbox: well formed, with true checksums, nobody's.

They follow from the order's seed. The keys behind them are hashes nobody can invert into a
spending key, so nothing sent there by mistake is ours; the docs say never to send anything.
"""

from __future__ import annotations

import hashlib

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from privata.core.addresses.codec import base58, keccak

#: Version bytes of pay-to-public-key-hash addresses.
_P2PKH = {"BTC": 0x00, "LTC": 0x30, "DOGE": 0x1E, "TRX": 0x41, "TRC20": 0x41}

_RIPPLE = "rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz"

#: Monero writes each 8 bytes as 11 digits, the rest shorter: 69 bytes are 8 blocks and 5 bytes.
_MONERO_DIGITS = {8: 11, 5: 7}
_MONERO_MAINNET = 18


def deposit_address(network: str, seed: str) -> tuple[str, str | None]:
    """Where a test order is "paid", and the tag where the network needs one."""
    raw = hashlib.sha512(f"{seed}:{network}".encode()).digest()
    if network in _P2PKH:
        return base58.encode_check(bytes([_P2PKH[network]]) + raw[:20]), None
    if network in {"ETH", "ERC20"}:
        return _eip55(raw[:20]), None
    if network == "SOL":
        return base58.encode(_point(raw[:32])), None
    if network == "XMR":
        return _monero(raw), None
    if network == "XRP":
        tag = int.from_bytes(raw[20:24]) >> 1
        return base58.encode_check(b"\0" + raw[:20], _RIPPLE), str(tag)
    raise KeyError(network)


def tx_hash(seed: str, direction: str) -> str:
    """A transaction hash that follows from the order: 64 hexadecimal digits."""
    return hashlib.sha256(f"{seed}:tx:{direction}".encode()).hexdigest()


def _eip55(payload: bytes) -> str:
    text = payload.hex()
    digest = keccak.keccak256(text.encode()).hex()
    return "0x" + "".join(
        char.upper() if int(nibble, 16) >= 8 else char
        for char, nibble in zip(text, digest, strict=False)
    )


def _point(private: bytes) -> bytes:
    key = Ed25519PrivateKey.from_private_bytes(private)
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def _monero(raw: bytes) -> str:
    payload = bytes([_MONERO_MAINNET]) + _point(raw[:32]) + _point(raw[32:])
    data = payload + keccak.keccak256(payload)[:4]
    blocks = (data[start : start + 8] for start in range(0, len(data), 8))
    return "".join(_monero_block(block) for block in blocks)


def _monero_block(block: bytes) -> str:
    number, text = int.from_bytes(block), ""
    for _ in range(_MONERO_DIGITS[len(block)]):
        number, digit = divmod(number, 58)
        text = base58.BITCOIN[digit] + text
    return text
