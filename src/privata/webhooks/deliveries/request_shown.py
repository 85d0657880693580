"""One attempt's request as it can be shown: headers with the signature masked, how the signature
was computed, and the same call as a shell command. Pure; no secret ever comes out of here.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from privata.webhooks.signing.signatures import TOLERANCE_S, Message, headers_for
from privata.webhooks.states import Dialect

#: Characters of a signature that are shown.
SHOWN_CHARS: Final = 8

_DIGEST: Final = re.compile(rf"(v1[=,][A-Za-z0-9+/]{{{SHOWN_CHARS}}})[A-Za-z0-9+/=]+")
_EXCERPT: Final = 160
_TIMESTAMP_NAMES: Final = {
    Dialect.PRIVATA: "t",
    Dialect.SLACK: "t",
    Dialect.STANDARD: "webhook-timestamp",
}

#: Takes the place of a signature that cannot be computed any more.
UNKNOWN_SIGNATURE: Final = "(signed with a secret that is no longer stored)"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the computation: what is done, a word about it, and the value."""

    title: str
    text: str
    value: str


def mask(value: str) -> str:
    """A header's value with every signature cut after 8 characters."""
    return _DIGEST.sub("\\1\N{HORIZONTAL ELLIPSIS}", value)


def shown_headers(
    dialect: Dialect, secrets: Sequence[str], message: Message, host: str
) -> list[tuple[str, str]]:
    """The headers of an attempt in the order they are sent, signatures masked."""
    signed = list(secrets) or [_placeholder(dialect)]
    headers = [(name, mask(value)) for name, value in headers_for(dialect, signed, message)]
    if not secrets:
        headers = [
            (name, UNKNOWN_SIGNATURE if name.endswith("Signature") else value)
            for name, value in headers
        ]
    return [("Host", host), *headers, ("Content-Length", str(len(message.body)))]


def signature_steps(
    dialect: Dialect, secrets: Sequence[str], hints: Sequence[str], message: Message
) -> list[Step]:
    """How a receiver gets to the signature of this attempt; `hints` name the secrets."""
    at = datetime.fromtimestamp(message.timestamp, UTC)
    prefix = f"{message.timestamp}."
    parts = "timestamp, a period, and the body"
    if dialect is Dialect.STANDARD:
        prefix = f"{message.event_id}.{prefix}"
        parts = "ID, timestamp, and body, separated by periods"
    key = "the full secret, as shown"
    if dialect is Dialect.STANDARD:
        key = "the part after whsec_, base64-decoded"
    steps = [
        Step(
            "Get the timestamp of the attempt",
            f"Unix seconds in {_TIMESTAMP_NAMES[dialect]}: {at:%d %b %Y, %H:%M:%S} UTC.",
            str(message.timestamp),
        ),
        Step(
            "Build the signed content",
            f"The {parts}. Use the body byte for byte as it arrived ({len(message.body):,} bytes).",
            _excerpt(prefix, message.body),
        ),
    ]
    for number, hint in enumerate(hints):
        signature = _signature(dialect, secrets[number], message) if number < len(secrets) else ""
        steps.append(
            Step(
                f"Compute HMAC-SHA256 with the secret {hint}\N{HORIZONTAL ELLIPSIS}",
                f"The key is {key}. Encoded in base64:",
                signature or UNKNOWN_SIGNATURE,
            )
        )
    minutes = TOLERANCE_S // 60
    steps.append(
        Step(
            "Compare the signatures",
            "Compare in constant time with each v1 in the header. One match is enough. Reject a "
            f"timestamp more than {minutes} minutes away from your clock.",
            "",
        )
    )
    return steps


def curl(dialect: Dialect, url: str, message: Message) -> str:
    """The attempt as a shell command that signs with $WEBHOOK_SECRET, at the present time."""
    body = shlex.quote(message.body.decode("utf-8", "replace"))
    lines = ["# WEBHOOK_SECRET is the endpoint's signing secret", f"BODY={body}", "T=$(date +%s)"]
    if dialect is Dialect.STANDARD:
        ident = message.event_id
        lines += [
            'KEY=$(printf %s "${WEBHOOK_SECRET#whsec_}" | base64 -d |',
            "  od -An -v -tx1 | tr -d ' \\n')",
            f'SIGNATURE=$(printf \'%s.%s.%s\' {shlex.quote(ident)} "$T" "$BODY" |',
            '  openssl dgst -sha256 -mac HMAC -macopt "hexkey:$KEY" -binary | base64)',
        ]
        signature = [
            f"-H {shlex.quote(f'Webhook-Id: {ident}')}",
            '-H "Webhook-Timestamp: $T"',
            '-H "Webhook-Signature: v1,$SIGNATURE"',
        ]
    else:
        lines += [
            'SIGNATURE=$(printf \'%s.%s\' "$T" "$BODY" |',
            '  openssl dgst -sha256 -hmac "$WEBHOOK_SECRET" -binary | base64)',
        ]
        signature = ['-H "X-Privata-Signature: t=$T,v1=$SIGNATURE"']
    call = [
        f"curl -X POST {shlex.quote(url)}",
        "-H 'Content-Type: application/json'",
        f"-H {shlex.quote(f'X-Privata-Event-Id: {message.event_id}')}",
        f"-H {shlex.quote(f'X-Privata-Delivery-Id: {message.delivery_id}')}",
        f"-H 'X-Privata-Attempt: {message.attempt}'",
        *signature,
        '--data-binary "$BODY"',
    ]
    return "\n".join([*lines, " \\\n  ".join(call)])


def _signature(dialect: Dialect, secret: str, message: Message) -> str:
    """The masked signature that this one secret gives."""
    for name, value in headers_for(dialect, [secret], message):
        if name.endswith("Signature"):
            found = _DIGEST.search(value)
            return f"{found.group(1)[3:]}\N{HORIZONTAL ELLIPSIS}" if found else ""
    return ""


def _excerpt(prefix: str, body: bytes) -> str:
    text = prefix + body.decode("utf-8", "replace")
    return text if len(text) <= _EXCERPT else f"{text[:_EXCERPT]}\N{HORIZONTAL ELLIPSIS}"


def _placeholder(dialect: Dialect) -> str:
    """A key of the right shape, for headers whose signature is then left out."""
    return "whsec_AAAA" if dialect is Dialect.STANDARD else "whsec"
