"""Encoders written apart from the code under test, from the standards, for known payloads.

CRC-16 and Base32 come from the standard library here, so that the two sides share no code.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import zlib

from Crypto.Hash import keccak

BITCOIN = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
RIPPLE = "rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz"
BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
BECH32M_CONSTANT = 0x2BC830A3


def base58(data: bytes, alphabet: str = BITCOIN) -> str:
    values = [0]
    for byte in data:
        carry = byte
        for i, value in enumerate(values):
            carry, values[i] = divmod(value * 256 + carry, 58)
        while carry:
            carry, value = divmod(carry, 58)
            values.append(value)
    while values and values[-1] == 0:
        values.pop()
    zeros = next((i for i, byte in enumerate(data) if byte), len(data))
    return "".join(alphabet[v] for v in [0] * zeros + values[::-1])


def base58check(version: bytes, payload: bytes, alphabet: str = BITCOIN) -> str:
    data = version + payload
    checksum = hashlib.sha256(hashlib.sha256(data).digest()).digest()[:4]
    return base58(data + checksum, alphabet)


def words(data: bytes) -> list[int]:
    bits = "".join(f"{byte:08b}" for byte in data)
    bits += "0" * (-len(bits) % 5)
    return [int(bits[i : i + 5], 2) for i in range(0, len(bits), 5)]


def _remainder(values: list[int], generator: list[int], shift: int) -> int:
    chk = 1
    for value in values:
        top = chk >> shift
        chk = ((chk & ((1 << shift) - 1)) << 5) ^ value
        for i in range(5):
            chk ^= generator[i] if (top >> i) & 1 else 0
    return chk


def bech32(prefix: str, data: list[int], constant: int = 1) -> str:
    expanded = [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]
    generator = [0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3]
    chk = _remainder(expanded + data + [0] * 6, generator, 25) ^ constant
    checksum = [(chk >> 5 * (5 - i)) & 31 for i in range(6)]
    return prefix + "1" + "".join(BECH32[w] for w in data + checksum)


def segwit(prefix: str, version: int, program: bytes) -> str:
    return bech32(prefix, [version, *words(program)], BECH32M_CONSTANT if version else 1)


def cashaddr(prefix: str, version: int, payload: bytes) -> str:
    generator = [0x98F2BC8E61, 0x79B76D99E2, 0xF33E5FB3C4, 0xAE2EABE2A8, 0x1E4F43E470]
    data = words(bytes([version]) + payload)
    chk = _remainder([ord(c) & 31 for c in prefix] + [0] + data + [0] * 8, generator, 35) ^ 1
    checksum = [(chk >> 5 * (7 - i)) & 31 for i in range(8)]
    return prefix + ":" + "".join(BECH32[w] for w in data + checksum)


def strkey(version: int, body: bytes) -> str:
    data = bytes([version]) + body
    data += binascii.crc_hqx(data, 0).to_bytes(2, "little")
    return base64.b32encode(data).decode().rstrip("=")


def ton(flags: int, workchain: int, account: bytes, *, url_safe: bool = True) -> str:
    data = bytes([flags]) + workchain.to_bytes(1, "big", signed=True) + account
    data += binascii.crc_hqx(data, 0).to_bytes(2, "big")
    return (base64.urlsafe_b64encode if url_safe else base64.b64encode)(data).decode()


def x_address(prefix: bytes, account: bytes, flag: int, tag: int) -> str:
    return base58check(prefix, account + bytes([flag]) + tag.to_bytes(8, "little"), RIPPLE)


def monero(prefix: int, payload: bytes) -> str:
    data = bytes([prefix]) + payload
    data += keccak.new(digest_bits=256, data=data).digest()[:4]
    sizes = {8: 11, 7: 10, 6: 9, 5: 7, 4: 6, 3: 5, 2: 3, 1: 2}
    text = ""
    for start in range(0, len(data), 8):
        block = data[start : start + 8]
        text += base58(block).lstrip("1").rjust(sizes[len(block)], "1")
    return text


def ss58(prefix: int, account: bytes) -> str:
    if prefix < 64:
        head = bytes([prefix])
    else:
        head = bytes([0x40 | (prefix & 0xFC) >> 2, prefix >> 8 | (prefix & 3) << 6])
    checksum = hashlib.blake2b(b"SS58PRE" + head + account, digest_size=64).digest()[:2]
    return base58(head + account + checksum)


def byron(root: bytes, attributes: bytes = b"\xa0", kind: int = 0) -> str:
    return byron_item(b"\x83\x58\x1c" + root + attributes + bytes([kind]))


def byron_item(payload: bytes, *, head: bytes = b"\x82\xd8\x18", tail: bytes = b"") -> str:
    """An array of the tagged payload and its CRC-32, in the shortest encoding."""
    crc = zlib.crc32(payload)
    number = b"\x1a" + crc.to_bytes(4, "big") if crc >> 16 else b"\x19" + crc.to_bytes(2, "big")
    return base58(head + b"\x58" + bytes([len(payload)]) + payload + number + tail)


def shelley(header: int, payload: bytes, prefix: str = "addr") -> str:
    return bech32(prefix, words(bytes([header]) + payload))


def _blake(person: bytes, data: bytes, size: int) -> bytes:
    return hashlib.blake2b(data, digest_size=size, person=person).digest()


def jumble(message: bytes) -> bytes:
    """F4Jumble as ZIP-316 writes it, forwards."""
    left = min(64, len(message) // 2)
    a, b = message[:left], message[left:]

    def g(i: int, u: bytes) -> bytes:
        blocks = range(-(-len(b) // 64))
        person = b"UA_F4Jumble_G" + bytes([i])
        return b"".join(_blake(person + bytes([j % 256, j // 256]), u, 64) for j in blocks)

    def h(i: int, u: bytes) -> bytes:
        return _blake(b"UA_F4Jumble_H" + bytes([i, 0, 0]), u, left)

    def xor(x: bytes, y: bytes) -> bytes:
        return bytes(p ^ q for p, q in zip(x, y, strict=False))

    x = xor(b, g(0, a))
    y = xor(a, h(0, x))
    d = xor(x, g(1, y))
    c = xor(y, h(1, d))
    return c + d


def unified(*items: tuple[int, bytes], prefix: str = "u", padding: bytes = b"u") -> str:
    raw = b"".join(bytes([code, len(value)]) + value for code, value in items)
    return bech32(prefix, words(jumble(raw + padding.ljust(16, b"\0"))), BECH32M_CONSTANT)
