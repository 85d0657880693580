"""A pasted signature header is taken apart, and the usual mistakes are named."""

from __future__ import annotations

import base64
import hmac
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privata.webhooks.signing.debugger import Finding, Key, check_header, fits
from privata.webhooks.signing.signatures import (
    Message,
    mint_secret,
    sign_privata,
    sign_standard,
    verify_privata,
)
from privata.webhooks.states import Dialect

_T = 1_760_000_000
_BODY = b'{"event":"order.completed","n":1.50}'
_SECRET = mint_secret("test")
_OLD = mint_secret("test")
_STANDARD = mint_secret("test", "standard")
_MESSAGE = Message("evt_1", "d1", 1, _T, _BODY)
_KEYS = [Key("whsec_test_new", _SECRET, "signs now", signed=True)]


def look(pasted: str, dialect: Dialect = Dialect.PRIVATA, now: float = _T + 10) -> list[Finding]:
    keys = _KEYS
    if dialect is Dialect.STANDARD:
        keys = [Key("whsec_std", _STANDARD, "signs now", signed=True)]
    return check_header(dialect, pasted, _MESSAGE, keys, now)


def of(key: bytes, signed: bytes) -> str:
    return base64.b64encode(hmac.digest(key, signed, "sha256")).decode()


def test_a_genuine_header_fits_by_value_and_with_its_name() -> None:
    value = sign_privata([_SECRET], _T, _BODY)
    for pasted in (
        value,
        f"X-Privata-Signature: {value}",
        f"\n  'x-privata-signature': '{value}',",
    ):
        found = look(pasted)
        assert fits(found), found
        assert [one.fits for one in found] == [True, True]


def test_standard_lines_fit() -> None:
    signature = sign_standard([_STANDARD], "evt_1", _T, _BODY)
    lines = f"webhook-id: evt_1\nwebhook-timestamp: {_T}\nwebhook-signature: {signature}"
    assert fits(look(lines, Dialect.STANDARD))
    assert fits(look(signature, Dialect.STANDARD))
    other = look(lines.replace("evt_1", "evt_2"), Dialect.STANDARD)
    assert not fits(other)
    assert other[0].fits is False


def test_an_old_attempt_is_genuine_and_its_age_is_said() -> None:
    found = look(sign_privata([_SECRET], _T, _BODY), now=_T + 7_200)
    assert fits(found)
    assert "2 hours ago" in found[0].text


_BODY_AGAIN = json.dumps(json.loads(_BODY)).encode()
_HEX = hmac.digest(_SECRET.encode(), b"%d." % _T + _BODY, "sha256").hex()


@pytest.mark.parametrize(
    ("pasted", "said"),
    [
        (f"t={_T},v1={of(_SECRET.encode(), _BODY)}", "without the timestamp"),
        (
            f"t={_T},v1={of(_SECRET.encode(), b'%d.' % _T + _BODY_AGAIN)}",
            "parsed and serialized again",
        ),
        (f"t={_T},v1={of(_SECRET.encode(), b'%d.' % _T + _BODY)[:-1]}", "padding"),
        (f"t={_T},v1={_HEX}", "hexadecimal"),
        (
            f"t={_T},v1={of(_SECRET.rpartition('_')[2].encode(), b'%d.' % _T + _BODY)}",
            "with its prefix",
        ),
        (f"t={_T + 1},v1={of(_SECRET.encode(), b'%d.' % _T + _BODY)}", "timestamp of this attempt"),
        (f"t={_T},v1={of(_OLD.encode(), b'%d.' % _T + _BODY)}", "none of this endpoint's secrets"),
        (f"t={_T}000,v1=AAAA", "milliseconds"),
        (f"t={_T},v1=AAAA", "3 bytes long"),
        (f"t={_T},v1=!", "neither base64"),
        (f"t={_T}", "no v1"),
        ("v1=AAAA", "no t="),
        (f"t={_T},t={_T},v1=AAAA", "more than one"),
        ("hello", "begins with t="),
        ("", "begins with t="),
    ],
    ids=lambda value: "" if value.startswith("t=") else value,  # the secret is another each time
)
def test_mistakes_are_named(pasted: str, said: str) -> None:
    found = look(pasted)
    assert not fits(found)
    assert said in " ".join(one.text for one in found)


def test_the_key_of_standard_is_decoded() -> None:
    signed = f"evt_1.{_T}.".encode() + _BODY
    found = look(f"v1,{of(_STANDARD.encode(), signed)}", Dialect.STANDARD)
    assert "base64-decoded first" in found[-1].text


def test_a_secret_that_ended_is_recognised() -> None:
    keys = [*_KEYS, Key("whsec_test_old", _OLD, "ended 3 May", signed=False)]
    value = sign_privata([_OLD], _T, _BODY)
    found = check_header(Dialect.PRIVATA, value, _MESSAGE, keys, _T)
    assert "ended 3 May" in found[-1].text
    assert "not signed with that secret" in found[-1].text


@given(st.text(max_size=300))
def test_nothing_that_is_pasted_breaks_it_or_lets_a_secret_out(text: str) -> None:
    for dialect in (Dialect.PRIVATA, Dialect.STANDARD):
        said = " ".join(f"{one.title} {one.text}" for one in look(text, dialect))
        assert said
        assert _SECRET not in said
        assert _HEX not in said


@given(st.binary(max_size=80), st.integers(min_value=0, max_value=99_999_999_999))
def test_it_accepts_what_the_verifier_accepts(body: bytes, at: int) -> None:
    value = sign_privata([_SECRET], at, body)
    message = Message("evt_1", "d1", 1, at, body)
    assert verify_privata(body, value, _SECRET, at)
    assert fits(check_header(Dialect.PRIVATA, value, message, _KEYS, at))
