"""For any payload, what an independent encoder writes is read back as the right kind."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privata.core.addresses import validate_address
from privata.core.addresses.tests import encoders as e

M = e.BECH32M_CONSTANT
Case = tuple[str, str, int, Callable[[bytes], str]]


def _mweb(payload: bytes) -> str:
    keys = b"\2" + payload[:32] + b"\3" + payload[32:]
    return e.bech32("ltcmweb", [0, *e.words(keys)])


CASES: list[Case] = [
    ("BTC", "p2pkh", 20, lambda p: e.base58check(b"\x00", p)),
    ("BTC", "p2sh", 20, lambda p: e.base58check(b"\x05", p)),
    ("BTC", "p2wpkh", 20, lambda p: e.segwit("bc", 0, p)),
    ("BTC", "p2wsh", 32, lambda p: e.segwit("bc", 0, p)),
    ("BTC", "p2tr", 32, lambda p: e.segwit("bc", 1, p)),
    ("LTC", "p2wpkh", 20, lambda p: e.segwit("ltc", 0, p)),
    ("LTC", "mweb", 64, _mweb),
    ("DOGE", "p2pkh", 20, lambda p: e.base58check(b"\x1e", p)),
    ("DOGE", "p2sh", 20, lambda p: e.base58check(b"\x16", p)),
    ("BCH", "p2pkh", 20, lambda p: e.cashaddr("bitcoincash", 0, p)),
    ("BCH", "p2sh32", 32, lambda p: e.cashaddr("bitcoincash", 11, p)),
    ("TRX", "account", 20, lambda p: e.base58check(b"\x41", p)),
    ("XRP", "classic", 20, lambda p: e.base58check(b"\0", p, e.RIPPLE)),
    ("XLM", "account", 32, lambda p: e.strkey(6 << 3, p)),
    ("XLM", "muxed", 40, lambda p: e.strkey(12 << 3, b"\1" + p[1:])),
    ("TON", "bounceable", 32, lambda p: e.ton(0x11, 0, p)),
    ("TON", "non-bounceable", 32, lambda p: e.ton(0x51, -1, p, url_safe=False)),
    ("ADA", "base", 56, lambda p: e.shelley(0x01, p)),
    ("ADA", "enterprise-script", 28, lambda p: e.shelley(0x71, p)),
    ("ADA", "byron-icarus", 28, e.byron),
    ("DOT", "account", 32, lambda p: e.ss58(0, p)),
    ("ATOM", "account", 20, lambda p: e.bech32("cosmos", e.words(p))),
    ("ATOM", "account32", 32, lambda p: e.bech32("cosmos", e.words(p))),
    ("ZEC", "p2pkh", 20, lambda p: e.base58check(b"\x1c\xb8", p)),
    ("ZEC", "sapling", 43, lambda p: e.bech32("zs", e.words(p))),
    ("ZEC", "tex", 20, lambda p: e.bech32("tex", e.words(p), M)),
    ("ZEC", "unified", 43, lambda p: e.unified((0, p[:20]), (3, p))),
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c[0]}-{c[1]}")
@given(data=st.data())
def test_round_trip(case: Case, data: st.DataObject) -> None:
    network, kind, size, encode = case
    # The first byte is not zero: burn addresses are refused, and have their own tests.
    head = data.draw(st.integers(1, 255))
    payload = bytes([head]) + data.draw(st.binary(min_size=size - 1, max_size=size - 1))
    address = encode(payload)
    valid = validate_address(network, address)
    assert (valid.address, valid.kind) == (address, kind)


@given(st.binary(min_size=20, max_size=20).filter(any), st.integers(0, 2**32 - 1))
def test_x_address_round_trip(account: bytes, tag: int) -> None:
    classic = e.base58check(b"\0", account, e.RIPPLE)
    if account == bytes(19) + b"\1":
        return
    valid = validate_address("XRP", e.x_address(b"\x05\x44", account, 1, tag))
    assert (valid.address, valid.extra_id) == (classic, str(tag))
    without = validate_address("XRP", e.x_address(b"\x05\x44", account, 0, 0))
    assert (without.address, without.extra_id) == (classic, None)
