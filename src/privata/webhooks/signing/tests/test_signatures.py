"""Signatures: vectors, and the conformance cases a verifier must answer the same everywhere."""

from __future__ import annotations

import base64
import hmac
import json
import string
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privata.webhooks.signing.signatures import (
    DIALECTS,
    Environment,
    Message,
    headers_for,
    mint_secret,
    sign_privata,
    sign_standard,
    verify_privata,
    verify_standard,
)

SECRET = "whsec_test_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"
OTHER = "whsec_test_anotherSecretAnotherSecretAnotherSecretAno"
STANDARD_SECRET = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
NOW = 1_700_000_000
BODY = b'{"event":"order.completed","order":{"amount_to_actual":"0.100000000000000001"}}'


def _digest(secret: str, signed: bytes) -> str:
    return base64.b64encode(hmac.new(secret.encode(), signed, "sha256").digest()).decode()


def _signature(secret: str = SECRET, body: bytes = BODY, stamp: object = NOW) -> str:
    return _digest(secret, f"{stamp}.".encode() + body)


GOOD = f"t={NOW},v1={_signature()}"


def _accepted(header: str | None, body: bytes = BODY, now: float = NOW) -> bool:
    return verify_privata(body, header, SECRET, now)


def test_the_value_is_what_the_definition_says() -> None:
    assert sign_privata([SECRET], NOW, BODY) == GOOD
    rotating = sign_privata([OTHER, SECRET], NOW, BODY)
    assert rotating == f"t={NOW},v1={_signature(OTHER)},v1={_signature()}"


@pytest.mark.parametrize(
    "body",
    [BODY, b"", b"\xff\xfe\x00 not text", b"x" * 2**20, b'"\\ud800 0.100000000000000001"', b"\n"],
)
def test_any_bytes_signed_are_accepted(body: bytes) -> None:  # cases 1, 5, 6, 7
    assert _accepted(sign_privata([SECRET], NOW, body), body)


@pytest.mark.parametrize("at", [0, len(BODY) // 2, len(BODY) - 1])
def test_one_flipped_bit_is_refused(at: int) -> None:  # case 2
    assert not _accepted(GOOD, BODY[:at] + bytes([BODY[at] ^ 1]) + BODY[at + 1 :])


@pytest.mark.parametrize(
    "body",
    [json.dumps(json.loads(BODY)).encode(), BODY + b"\n", b"\xef\xbb\xbf" + BODY, b""],
)
def test_other_spellings_of_the_body_are_refused(body: bytes) -> None:  # cases 3, 4
    assert not _accepted(GOOD, body)


ACCEPT = {
    "9 rotation": f"t={NOW},v1={_signature(OTHER)},v1={_signature()}",
    "10 malformed before valid": f"t={NOW},,=,v1,v1=,%%%,v1={_signature()}",
    "11 undecodable before valid": f"t={NOW},v1=*not base64*,v1={_signature()}",
    "13 other scheme beside valid": f"t={NOW},v1a=abc,v0=x,v1={_signature()}",
    "order of items": f"v1={_signature()},t={NOW}",
    "surrogate before valid": f"t={NOW},v1=\ud800,v1={_signature()}",
}
REFUSE = {
    "8 wrong secret": f"t={NOW},v1={_signature(OTHER)}",
    "12 unknown version": f"t={NOW},v2={_signature()},v0={_signature()}",
    "14 truncated": GOOD[:-4],
    "14 one character less": GOOD[:-1],
    "15 empty signature": f"t={NOW},v1=",
    "15 empty": "",
    "15 missing": None,
    "15 twice, joined": f"{GOOD}, {GOOD}",
    "15 twice, joined tight": f"{GOOD},{GOOD}",
    "16 fifty": f"t={NOW}" + f",v1={_signature()}" * 50,
    "16 64 KiB": GOOD + ",x" * 2**15,
    "20 timestamp changed": f"t={NOW + 1},v1={_signature()}",
    "21 two": f"t={NOW},t={NOW},v1={_signature()}",
    "21 none": f"v1={_signature()}",
    "25 unpadded": GOOD.rstrip("="),
    "25 junk inside": GOOD[:-3] + "*" + GOOD[-3:],
    "25 junk after": GOOD + "\n",
    "25 spaces": f"t={NOW}, v1={_signature()}",
    "25 base64url": GOOD.replace("+", "-").replace("/", "_") + "",
    "25 hex": f"t={NOW},v1={base64.b64decode(_signature()).hex().upper()}",
}


@pytest.mark.parametrize("name", ACCEPT)
def test_accepted(name: str) -> None:
    assert _accepted(ACCEPT[name])


@pytest.mark.parametrize("name", REFUSE)
def test_refused(name: str) -> None:
    assert not _accepted(REFUSE[name])


def test_the_base64url_case_has_teeth() -> None:
    assert set(_signature()) & {"+", "/"}


@pytest.mark.parametrize(
    ("age", "ok"), [(0, True), (299, True), (300, True), (301, False), (-299, True), (-301, False)]
)
def test_tolerance_both_ways(age: int, ok: bool) -> None:  # cases 17, 18, 19
    assert _accepted(GOOD, now=NOW + age) is ok


@pytest.mark.parametrize(
    "stamp",
    ["12.5", " 12", "12 ", "+12", "-12", "1e9", "0x10", "nan", "9" * 20, "", "012", "1_2",
     "\u0661\u0662", "12\n", f"{NOW}.0"],
)  # fmt: skip
def test_only_plain_integers_are_timestamps(stamp: str) -> None:  # case 21
    header = f"t={stamp},v1={_signature(stamp=stamp)}"
    for now in (NOW, 12, 16, 1e9):
        assert not verify_privata(BODY, header, SECRET, now)
    assert not verify_standard(
        BODY, "a", stamp, sign_standard([STANDARD_SECRET], "a", 12, BODY), STANDARD_SECRET, 12
    )


def test_the_same_message_twice_verifies_twice() -> None:  # case 24: the id store finds it
    assert _accepted(GOOD)
    assert _accepted(GOOD)


def test_large_hostile_headers_are_cheap() -> None:  # case 16
    header = "t=1," + "v1=A," * 200_000
    tracemalloc.start()
    try:
        assert not _accepted(header)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < len(header) / 10, "it is refused by its length, before it is taken apart"


@given(st.text(max_size=80), st.binary(max_size=40))
def test_no_header_makes_a_verifier_raise(header: str, body: bytes) -> None:
    assert not verify_privata(body, header, SECRET, NOW)
    assert not verify_privata(body, f"t={NOW},v1={header}", SECRET, NOW)
    assert not verify_standard(body, header, str(NOW), f"v1,{header}", STANDARD_SECRET, NOW)
    assert not verify_standard(body, "a", header, header, STANDARD_SECRET, NOW)


VECTORS = [
    (
        "evt_0001",
        (
            b'{"type":"order.completed","timestamp":"2023-11-14T22:13:20Z",'
            b'"data":{"id":"ord_1","status":"completed"}}'
        ),
        "v1,6sDdTDa26bSwapVx70UWfmb01cgnlB+RE32DWVYHJrk=",
    ),
    (
        "msg_1",
        b'{"type":"payout.confirmed","data":{"id":"po_1","amount":"0.100000000000000001"}}',
        "v1,fNj1n+E+uZIvvEvpg4s7stYrPevSve3QafsZEyEwb3M=",
    ),
]


@pytest.mark.parametrize(("message_id", "body", "expected"), VECTORS)
def test_standard_vectors(message_id: str, body: bytes, expected: str) -> None:
    assert sign_standard([STANDARD_SECRET], message_id, NOW, body) == expected
    assert verify_standard(body, message_id, str(NOW), expected, STANDARD_SECRET, NOW)


def test_standard_cases() -> None:
    other = mint_secret("test", "standard")
    good = sign_standard([STANDARD_SECRET], "a", NOW, BODY)
    both = sign_standard([other, STANDARD_SECRET], "a", NOW, BODY)

    def ok(
        signature: str | None, message_id: str | None = "a", stamp: str | None = str(NOW)
    ) -> bool:
        return verify_standard(BODY, message_id, stamp, signature, STANDARD_SECRET, NOW)

    assert ok(good)
    assert ok(both)
    assert ok(f"v1 v1, junk v1,%% v1a,xx {good}")
    for message_id in ("b", "", None, "a.1"):  # cases 22, 23
        assert not ok(good, message_id)
    for signature in ("", None, good[3:], good.replace("v1,", "v2,"), good[:-1], f"{good} " * 60):
        assert not ok(signature)
    assert not ok(good, "a", None)
    for secret in ("", "AAEC", "whsec_", "whsec_***", "whsec_live_abc"):
        with pytest.raises(ValueError, match="base64"):
            verify_standard(BODY, "a", str(NOW), good, secret, NOW)
    with pytest.raises(ValueError, match="full stop"):
        sign_standard([STANDARD_SECRET], "a.1", NOW, BODY)
    with pytest.raises(ValueError, match="empty"):
        verify_privata(BODY, GOOD, "", NOW)


@pytest.mark.parametrize("environment", ["live", "test"])
def test_minted_secrets(environment: Environment) -> None:
    minted = {mint_secret(environment) for _ in range(200)}
    assert len(minted) == 200
    for secret in minted:
        prefix, _, rest = secret.rpartition("_")
        assert prefix == f"whsec_{environment}"
        assert len(rest) == 43
        assert set(rest) <= set(string.ascii_letters + string.digits)
    standard = mint_secret(environment, "standard")
    assert len(base64.b64decode(standard.removeprefix("whsec_"), validate=True)) == 32


def test_all_request_headers() -> None:
    message = Message("prv-1:completed:1", "dlv_1", 3, NOW, BODY)
    headers = dict(headers_for("privata", [SECRET], message))
    assert headers.pop("User-Agent").startswith("Privata-Webhooks/")
    assert headers == {
        "Content-Type": "application/json",
        "X-Privata-Event-Id": "prv-1:completed:1",
        "X-Privata-Delivery-Id": "dlv_1",
        "X-Privata-Attempt": "3",
        "X-Privata-Signature": GOOD,
    }
    standard = dict(headers_for("standard", [STANDARD_SECRET], message))
    assert verify_standard(
        BODY,
        standard["Webhook-Id"],
        standard["Webhook-Timestamp"],
        standard["Webhook-Signature"],
        STANDARD_SECRET,
        NOW,
    )
    with pytest.raises(ValueError, match="at least one"):
        headers_for("privata", [], message)
    with pytest.raises(KeyError):
        headers_for("unknown", [SECRET], message)
    assert set(DIALECTS) == {"privata", "standard", "slack"}


def test_rotation_has_no_gap() -> None:
    for switched_at in range(0, 40, 7):
        for n in range(40):
            secrets = [OTHER, SECRET] if n < 30 else [SECRET]
            header = sign_privata(secrets, NOW + n, BODY)
            receiver = OTHER if n < min(switched_at, 30) else SECRET
            assert verify_privata(BODY, header, receiver, NOW + n)
