"""Signed messages for verifiers that others wrote, and what they have to answer.

Run as `python cases.py` it prints them as JSON, for a library of another language.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from privata.webhooks.signing.signatures import Message, headers_for, mint_secret

EVENT_ID = "prv-0b8f3a52-6a7e-4d7c-9c3e-3f0d3b8f6c11:completed:1716293641000"

#: UTF-8 only: the official libraries decode the body before they look at it.
BODIES = [
    b'{"event":"order.completed","amount":"0.100000000000000001"}',
    b"{}",
    b'{"a": [1, 2, 3],\r\n "b": "\\ud800"}',
    '{"note":"zażółć gęślą jaźń \U0001f98a"}'.encode(),
    b'{"fill":"' + b"x" * 65536 + b'"}',
]


def cases(now: int) -> list[dict[str, Any]]:
    """Each with `secret`, `headers`, `body` and whether it has to be accepted."""
    secret, other = (mint_secret("test", "standard") for _ in range(2))
    found = [_case(f"body {number}", secret, [secret], now, body, accept=True)
             for number, body in enumerate(BODIES)]  # fmt: skip
    body = BODIES[0]
    found += [
        _case("in a rotation, the old secret", secret, [secret, other], now, body, accept=True),
        _case("in a rotation, the new secret", other, [secret, other], now, body, accept=True),
        _case("almost too old", secret, [secret], now - 290, body, accept=True),
        _case("almost too new", secret, [secret], now + 290, body, accept=True),
        _case("another secret", other, [secret], now, body, accept=False),
        _case("too old", secret, [secret], now - 320, body, accept=False),
        _case("too new", secret, [secret], now + 320, body, accept=False),
    ]
    changed = _case("another body", secret, [secret], now, body, accept=False)
    found.append(changed | {"body": changed["body"] + "\n"})
    for name, headers in {
        "another id": {"Webhook-Id": "other"},
        "another time": {"Webhook-Timestamp": str(now + 1)},
    }.items():
        changed = _case(name, secret, [secret], now, body, accept=False)
        found.append(changed | {"headers": changed["headers"] | headers})
    return found


def _case(
    name: str, secret: str, secrets: list[str], at: int, body: bytes, *, accept: bool
) -> dict[str, Any]:
    headers = headers_for("standard", secrets, Message(EVENT_ID, "dlv", 1, at, body))
    return {
        "name": name,
        "secret": secret,
        "headers": dict(headers),
        "body": body.decode(),
        "accept": accept,
    }


if __name__ == "__main__":
    json.dump(cases(int(time.time())), sys.stdout)
