"""Our `standard` dialect before the official library of PyPI, as a black box."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from privata.webhooks.signing.signatures import sign_standard, verify_standard

from .cases import EVENT_ID, cases


def _accepted(case: dict[str, Any]) -> bool:
    try:
        Webhook(case["secret"]).verify(case["body"].encode(), case["headers"], json_parse=False)
    except WebhookVerificationError:
        return False
    return True


@pytest.mark.parametrize("name", [case["name"] for case in cases(0)])
def test_both_answer_alike(name: str) -> None:
    case = next(one for one in cases(int(time.time())) if one["name"] == name)
    headers = {name.lower(): value for name, value in case["headers"].items()}
    ours = verify_standard(
        case["body"].encode(),
        headers["webhook-id"],
        headers["webhook-timestamp"],
        headers["webhook-signature"],
        case["secret"],
        time.time(),
    )
    assert (_accepted(case), ours) == (case["accept"], case["accept"])


def test_our_verifier_accepts_what_it_signs() -> None:
    secret, body, now = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", '{"a":1}', 1700000000
    theirs = Webhook(secret).sign(EVENT_ID, datetime.fromtimestamp(now, UTC), body)
    assert theirs == sign_standard([secret], EVENT_ID, now, body.encode())
    assert verify_standard(body.encode(), EVENT_ID, str(now), theirs, secret, now)
