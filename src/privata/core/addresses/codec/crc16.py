"""CRC-16/XMODEM: polynomial x^16 + x^12 + x^5 + 1, start value 0 (TON addresses and SEP-23)."""

from __future__ import annotations

from typing import Final

_POLYNOMIAL: Final = 0x1021


def crc16(data: bytes) -> int:
    """The checksum; it finds every burst of errors of up to 16 bits."""
    crc = 0
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = crc << 1 ^ (_POLYNOMIAL if crc & 0x8000 else 0)
        crc &= 0xFFFF
    return crc
