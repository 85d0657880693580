"""What is shown of a signature proves nothing to a thief, and the code to copy works."""

from __future__ import annotations

import shutil
import subprocess
import time
from typing import Any

import pytest

from privata.webhooks.deliveries.request_shown import (
    UNKNOWN_SIGNATURE,
    curl,
    mask,
    shown_headers,
    signature_steps,
)
from privata.webhooks.signing.signatures import (
    Message,
    headers_for,
    mint_secret,
    verify_privata,
    verify_standard,
)
from privata.webhooks.signing.snippets import verifying
from privata.webhooks.states import Dialect

_BODY = b'{"event":"order.completed","note":"it\'s \xc3\xa9"}'


def _message(timestamp: int = 1_700_000_000) -> Message:
    return Message("prv-1:completed:5", "d-1", 2, timestamp, _BODY)


def _secret(dialect: Dialect) -> str:
    return mint_secret("test", dialect.value)


@pytest.mark.parametrize("dialect", Dialect)
def test_no_header_holds_a_whole_signature(dialect: Dialect) -> None:
    secrets = [_secret(dialect), _secret(dialect)]
    whole = dict(headers_for(dialect.value, secrets, _message()))
    shown = dict(shown_headers(dialect, secrets, _message(), "example.com"))
    name = next(name for name in whole if name.endswith("Signature"))
    assert shown[name] != whole[name]
    assert shown[name].count("…") == 2
    assert len(max(shown[name].replace("=", " ").replace(",", " ").split(), key=len)) <= 12
    assert shown["Host"] == "example.com"
    assert shown["Content-Length"] == str(len(_BODY))


def test_mask_keeps_eight_characters() -> None:
    assert mask("t=1,v1=abcdefghijkl+/==") == "t=1,v1=abcdefgh…"
    assert mask("v1,abcdefghijkl= v1,ABCDEFGHIJKL=") == "v1,abcdefgh… v1,ABCDEFGH…"


@pytest.mark.parametrize("dialect", Dialect)
def test_a_lost_secret_is_said_and_not_made_up(dialect: Dialect) -> None:
    shown = dict(shown_headers(dialect, [], _message(), "example.com"))
    assert UNKNOWN_SIGNATURE in shown.values()
    steps = signature_steps(dialect, [], ["whsec_test_abc"], _message())
    assert UNKNOWN_SIGNATURE in [step.value for step in steps]


@pytest.mark.parametrize("dialect", Dialect)
def test_steps_lead_to_the_signature_and_hold_no_secret(dialect: Dialect) -> None:
    secret = _secret(dialect)
    steps = signature_steps(dialect, [secret], [secret[:16]], _message())
    header = dict(shown_headers(dialect, [secret], _message(), "h"))
    shown = next(value for name, value in header.items() if name.endswith("Signature"))
    assert steps[2].value
    assert steps[2].value in shown
    assert all(secret not in step.title + step.text + step.value for step in steps)


def _run(code: str) -> Any:
    names: dict[str, Any] = {}
    exec(code, names)
    return names["is_genuine"]


def test_python_code_to_copy_verifies_privata() -> None:
    secret, now = _secret(Dialect.PRIVATA), int(time.time())
    is_genuine = _run(verifying(Dialect.PRIVATA)[0][2])
    header = dict(headers_for("privata", ["whsec_old", secret], _message(now)))
    signature = header["X-Privata-Signature"]
    assert is_genuine(_BODY, signature, secret)
    assert not is_genuine(_BODY + b" ", signature, secret)
    assert not is_genuine(_BODY, signature, "whsec_test_other")
    assert not is_genuine(_BODY, "junk", secret)
    old = dict(headers_for("privata", [secret], _message(now - 900)))["X-Privata-Signature"]
    assert not is_genuine(_BODY, old, secret)


def test_python_code_to_copy_verifies_standard() -> None:
    secret, now = _secret(Dialect.STANDARD), int(time.time())
    is_genuine = _run(verifying(Dialect.STANDARD)[0][2])
    signed = headers_for("standard", [_secret(Dialect.STANDARD), secret], _message(now))
    headers = {name.lower(): value for name, value in signed}
    assert is_genuine(_BODY, headers, secret)
    assert not is_genuine(_BODY + b" ", headers, secret)
    assert not is_genuine(_BODY, headers, _secret(Dialect.STANDARD))


@pytest.mark.parametrize("dialect", Dialect)
def test_code_to_copy_is_short(dialect: Dialect) -> None:
    for _, language, code in verifying(dialect):
        assert len(code.splitlines()) <= (36 if language == "go" else 16)
        assert max(map(len, code.splitlines())) <= 100


@pytest.mark.parametrize("dialect", Dialect)
def test_the_shell_command_signs_what_it_sends(dialect: Dialect) -> None:
    """Run with a `curl` that prints its arguments; without openssl only its text is looked at."""
    secret = _secret(dialect)
    command = curl(dialect, "https://example.com/a?b='c'", _message())
    assert secret not in command
    if shutil.which("openssl") is None:
        return
    script = f'curl() {{ printf "%s\\n" "$@"; }}\nWEBHOOK_SECRET={secret}\n{command}\n'
    ran = subprocess.run(["bash", "-c", script], check=True, capture_output=True, text=True)
    printed = ran.stdout.splitlines()
    assert "https://example.com/a?b='c'" in printed
    assert printed[-1].encode() == _BODY
    sent = dict(line.split(": ", 1) for line in printed if ": " in line and line[0] != "{")
    if dialect is not Dialect.STANDARD:
        assert verify_privata(_BODY, sent["X-Privata-Signature"], secret, time.time())
    else:
        found = (sent["Webhook-Id"], sent["Webhook-Timestamp"], sent["Webhook-Signature"])
        assert verify_standard(_BODY, *found, secret, time.time())
