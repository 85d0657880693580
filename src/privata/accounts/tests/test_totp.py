"""TOTP against the published values, and codes that work once."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privata.accounts.factors import totp

#: The secret of RFC 4226, appendix D, and RFC 6238, appendix B.
SECRET = base64.b32encode(b"12345678901234567890").decode()

NOW = datetime(2026, 11, 21, 12, 0, 10, tzinfo=UTC)
STEP = int(NOW.timestamp()) // 30


RFC_4226 = [
    "755224", "287082", "359152", "969429", "338314",
    "254676", "287922", "162583", "399871", "520489",
]  # fmt: skip


@pytest.mark.parametrize(("counter", "code"), list(enumerate(RFC_4226)))
def test_the_values_of_rfc_4226(counter: int, code: str) -> None:
    assert totp.code_at(SECRET, counter) == code


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_the_values_of_rfc_6238(seconds: int, code: str) -> None:
    assert totp.code_at(SECRET, seconds // 30) == code


@pytest.mark.parametrize(
    ("off", "accepted"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)]
)
def test_one_step_of_tolerance(off: int, accepted: bool) -> None:
    code = totp.code_at(SECRET, STEP + off)
    assert (totp.matching_counter(SECRET, code, NOW) == STEP + off) is accepted


def test_a_used_step_and_those_before_it_are_not_accepted_again() -> None:
    code = totp.code_at(SECRET, STEP)
    assert totp.matching_counter(SECRET, code, NOW, after=STEP - 1) == STEP
    assert totp.matching_counter(SECRET, code, NOW, after=STEP) is None
    assert totp.matching_counter(SECRET, code, NOW + timedelta(seconds=30), after=STEP) is None


@given(st.text(max_size=12))
def test_whatever_is_typed_is_judged(typed: str) -> None:
    found = totp.matching_counter(SECRET, typed, NOW)
    assert (found is not None) == (
        typed in {totp.code_at(SECRET, STEP + off) for off in (-1, 0, 1)}
    )


def test_a_secret_is_160_bits_and_readable() -> None:
    secret = totp.new_secret()
    assert len(base64.b32decode(secret)) == 20
    assert totp.grouped(secret).replace(" ", "") == secret
    assert {len(group) for group in totp.grouped(secret).split()} == {4}
    assert totp.uri("ABC", "ada+x@wallet.example") == (
        "otpauth://totp/Privata:ada%2Bx%40wallet.example?secret=ABC&issuer=Privata"
    )
