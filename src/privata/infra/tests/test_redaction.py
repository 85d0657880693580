"""Nothing secret and nothing forged in a log, whoever writes the line and in whichever format."""

from __future__ import annotations

import json
import logging

import pytest

from privata.infra.redaction import cleaned, escaped, masked
from privata.infra.telemetry import formatter

#: No real one; 43 characters, like ours.
TOKEN = "Zq3vX8kLm2Np7Rt5Wy9Bc4Df6Gh1Jk0QsUvEaTiOxPz"
FORMS = ("text", "json")

LEAKS = [
    ("GET /reset/{} 410", "GET /reset/*** 410"),
    ("Not Found: /invitations/{}", "Not Found: /invitations/***"),
    ("Forbidden (CSRF token missing.): /reset/{}", None),
    ("Not Found: /Reset/{}", None),
    ("Not Found: /old/{}/x", None),
    ("'GET http://127.0.0.1:8000/login?token={}&next=/' 302", None),
    ("/x?code={}&page=2", "/x?code=***&page=2"),
    ("key pk_live_{}", "key pk_live_Zq3vX8kL***"),
    ("secret whsec_test_{} rotated", None),
    ("whsec_{}", "whsec_***"),
    ("sk_test_{}", "sk_test_***"),
    ("Authorization: Bearer pat_{}", None),
    ("headers [('authorization', 'Basic {}'), ('accept', '*/*')]", None),
    ("(b'x-api-key', b'{}')", None),
    ("Cookie: privata={}; device={}", "Cookie: ***"),
    ("Set-Cookie: __Host-privata={}; Path=/", None),
    ("form <QueryDict: {{'password': ['{}']}}>", None),
    ('{{"password": "{}", "email": "a@x.example"}}', None),
    ("password={} login=ada", "password=*** login=ada"),
    ("PRIVATA_SECRET_KEYS={}", "PRIVATA_SECRET_KEYS=***"),
    ("cannot reach postgresql://app:{}@db:5432/x", "cannot reach postgresql://app:***@db:5432/x"),
    ("smtps://user%40x:{}@mail.example", None),
    ("csrfmiddlewaretoken={}", None),
    ("X-Privata-Signature: t=1,v1={}", None),
]

HARMLESS = [
    "GET /partner/v1/order/prv-1b4e28ba-2fa1-41d2-883f-0016d3cca427 200 3.1 ms",
    "GET /reset/sent 200",
    "GET /partner/v1/estimate 200",
    "delivery dlv_7 of pk_live_Ab3dEfgh failed: timeout",
    "listening on http://127.0.0.1:8000",
    "task_name risk_assessment compat_mode",
    "tx 0x88df016429689c079f3b2f6ad39fa052532c56795b733da78a91ebe6a713944b",
    "Müller, 三 and 🙂",
]


@pytest.mark.parametrize(("line", "wanted"), LEAKS)
def test_secrets_are_masked_in_every_form(line: str, wanted: str | None) -> None:
    found = cleaned(line.format(TOKEN, TOKEN))
    assert TOKEN not in found
    assert TOKEN[8:24] not in found
    assert wanted is None or found == wanted


@pytest.mark.parametrize("line", HARMLESS)
def test_what_is_no_secret_stays(line: str) -> None:
    assert cleaned(line) == line
    assert masked(line) == line


@pytest.mark.parametrize(
    "character",
    ["\n", "\r", "\x1b", "\x00", "\x7f", "\x85", "\x9b", "\u2028", "\u2029", "\u202e", "\ud800"],
)
@pytest.mark.parametrize("form", FORMS)
def test_log_lines_cannot_be_forged(character: str, form: str) -> None:
    """Neither in the message, its arguments, the logger's name nor an exception's text."""
    forged = f"x{character}12:00:00 INFO    privata.audit: approved"
    about = (ValueError, ValueError(forged), None)
    record = logging.LogRecord(f"privata.{forged}", 30, __file__, 1, "%s", (forged,), about)
    line = formatter(form).format(record)
    line.encode()
    if form == "json":
        assert line.isascii()
        assert "\n" not in line
        read = json.loads(line)
        assert character not in read["message"] + read["logger"]
        return
    first, *others = line.split("\n")
    assert others
    assert all(other.startswith("    | ") for other in others)
    assert character == "\n" or character not in line
    assert escaped(character) in first


@pytest.mark.parametrize("form", FORMS)
def test_traces_are_masked_too(form: str) -> None:
    about = (ValueError, ValueError(f"no such link: /reset/{TOKEN}"), None)
    record = logging.LogRecord("x", 40, __file__, 1, "died", (), about)
    assert TOKEN not in formatter(form).format(record)


@pytest.mark.parametrize(
    "line",
    ["a-" * 20_000 + "=", "password" * 5_000, "://" + "a" * 40_000, "/" * 40_000, "cookie" * 6_000,
     "a." * 20_000 + "secret", "?code" * 8_000, "x-" * 20_000 + "signature", "pk_live_" * 5_000,
     "://a:" * 8_000, "authorization:'" * 3_000],
)  # fmt: skip
def test_no_line_takes_long_to_clean(line: str) -> None:
    """Each pattern has bounds: a caller's path of 40,000 characters stops no server. The test's own
    limit of time would be passed by far where one has none."""
    for _ in range(20):
        cleaned(line)
