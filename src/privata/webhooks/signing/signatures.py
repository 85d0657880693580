"""Signing dialects, minting secrets, and verifying what a receiver gets. Pure.

`privata`: `X-Privata-Signature: t=<unix>,v1=<base64>[,v1=<base64>]`, HMAC-SHA256 (RFC 2104) over
`<t>.<body>`; the key is the secret as shown, in UTF-8. `standard`: the Standard Webhooks
specification, HMAC-SHA256 over `<id>.<t>.<body>`; the key is what follows `whsec_`, decoded.

Both verifiers accept one spelling of a digest only, standard base64 with padding, and answer
False to whatever a sender may write; a secret that cannot be a key raises `ValueError`, because
that is the receiver's own configuration.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
import secrets as entropy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

from privata import __version__
from privata.core.ids import base62_token
from privata.webhooks.signing.slack import slack_body

TOLERANCE_S: Final = 300
SECRET_BYTES: Final = 32
MAX_HEADER_CHARS: Final = 4096
MAX_SIGNATURES: Final = 32
USER_AGENT: Final = f"Privata-Webhooks/{__version__}"

Environment = Literal["live", "test"]

_TIMESTAMP: Final = re.compile(r"0|[1-9][0-9]{0,11}", re.ASCII)
_STANDARD_PREFIX: Final = "whsec_"


@dataclass(frozen=True, slots=True)
class Message:
    """What one attempt sends. `timestamp` is that of the attempt, in unix seconds."""

    event_id: str
    delivery_id: str
    attempt: int
    timestamp: int
    body: bytes


Headers = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a notification is signed and shaped: how its secrets are made, which headers carry the
    signature, and which bytes are sent for an event's body (None: the body as it is).
    """

    name: str
    mint: Callable[[Environment], str]
    sign: Callable[[Sequence[str], Message], Headers]
    shape: Callable[[bytes], bytes] | None = None


def secret_context(secret_id: UUID) -> str:
    """What a sealed signing secret is bound to."""
    return f"webhook_secret:{secret_id}"


def mint_secret(environment: Environment, dialect: str = "privata") -> str:
    """A new secret: 32 random bytes in the shape the dialect wants. Shown once, stored sealed."""
    return DIALECTS[dialect].mint(environment)


def body_for(dialect: str, body: bytes) -> bytes:
    """The bytes that the dialect sends for an event's body, the same on every attempt.

    Raises `KeyError` for an unknown dialect, `ValueError` for a body it cannot be made of.
    """
    shape = DIALECTS[dialect].shape
    return body if shape is None else shape(body)


def headers_for(dialect: str, secrets: Sequence[str], message: Message) -> Headers:
    """All request headers of an attempt but those of the transport (Host, length, encoding).

    `secrets` are those valid at this moment, oldest first: one, or old and new in a rotation.
    Raises `KeyError` for an unknown dialect, `ValueError` for no secret or an unusable one.
    """
    if not secrets:
        raise ValueError("an attempt needs at least one secret")
    return [
        ("Content-Type", "application/json"),
        ("User-Agent", USER_AGENT),
        ("X-Privata-Event-Id", message.event_id),
        ("X-Privata-Delivery-Id", message.delivery_id),
        ("X-Privata-Attempt", str(message.attempt)),
        *DIALECTS[dialect].sign(secrets, message),
    ]


def sign_privata(secrets: Sequence[str], timestamp: int, body: bytes) -> str:
    """The value of `X-Privata-Signature`, one `v1` for each secret in the order given."""
    signed = b"%d." % timestamp + body
    signatures = (f",v1={_digest(secret.encode(), signed)}" for secret in secrets)
    return f"t={timestamp}{''.join(signatures)}"


def verify_privata(
    body: bytes, header: str | None, secret: str, now: float, tolerance: int = TOLERANCE_S
) -> bool:
    """Whether the header proves that the secret's holder sent these bytes about `now`.

    Every `v1` is tried; items of other versions and malformed ones are skipped. Exactly one
    timestamp, at most `tolerance` seconds away in either direction.
    """
    if not secret:
        raise ValueError("the webhook secret is empty")
    if header is None or len(header) > MAX_HEADER_CHARS:
        return False
    stamps: list[str] = []
    signatures: list[str] = []
    for item in header.split(","):
        name, _, value = item.partition("=")
        if name.strip() == "t":
            # With spaces too: two headers joined by a proxy ("a, b") must not pass as one.
            stamps.append(value)
        elif name == "v1":
            signatures.append(value)
    if len(stamps) != 1 or not _is_recent(stamps[0], now, tolerance):
        return False
    return _any_equal(signatures, _digest(secret.encode(), stamps[0].encode() + b"." + body))


def sign_standard(secrets: Sequence[str], message_id: str, timestamp: int, body: bytes) -> str:
    """The value of `webhook-signature`: `v1,<base64>` tokens with single spaces.

    Raises `ValueError` for an id with a full stop (it would shift the signed text's fields) and
    for a secret that is not `whsec_` and base64.
    """
    if not message_id or "." in message_id:
        raise ValueError("a Standard Webhooks id is not empty and has no full stop")
    signed = f"{message_id}.{timestamp}.".encode() + body
    return " ".join(f"v1,{_digest(_standard_key(secret), signed)}" for secret in secrets)


def verify_standard(
    body: bytes,
    message_id: str | None,
    timestamp: str | None,
    signature: str | None,
    secret: str,
    now: float,
    tolerance: int = TOLERANCE_S,
) -> bool:
    """The same for Standard Webhooks; the three texts are the `webhook-*` headers as received."""
    key = _standard_key(secret)
    if not message_id or "." in message_id or timestamp is None or signature is None:
        return False
    if len(message_id) + len(timestamp) + len(signature) > MAX_HEADER_CHARS:
        return False
    if not _is_recent(timestamp, now, tolerance):
        return False
    tokens = (token.partition(",") for token in signature.split(" "))
    signatures = [value for version, _, value in tokens if version == "v1"]
    signed = f"{message_id}.{timestamp}.".encode("utf-8", "surrogatepass") + body
    return _any_equal(signatures, _digest(key, signed))


def _digest(key: bytes, signed: bytes) -> str:
    return binascii.b2a_base64(hmac.digest(key, signed, "sha256"), newline=False).decode("ascii")


def _any_equal(signatures: Sequence[str], expected: str) -> bool:
    # Canonical base64 texts are compared, so a digest has one accepted spelling. All are
    # compared, whichever matches, and each comparison takes constant time.
    wanted = expected.encode("ascii")
    found = False
    if len(signatures) > MAX_SIGNATURES:
        return False
    for signature in signatures:
        found |= hmac.compare_digest(wanted, signature.encode("utf-8", "surrogatepass"))
    return found


def _is_recent(text: str, now: float, tolerance: int) -> bool:
    return _TIMESTAMP.fullmatch(text) is not None and abs(now - int(text)) <= tolerance


def _standard_key(secret: str) -> bytes:
    encoded = secret.removeprefix(_STANDARD_PREFIX)
    try:
        key = base64.b64decode(encoded, validate=True)
    except ValueError:
        key = b""
    if encoded == secret or not key:
        raise ValueError("the secret is not whsec_ followed by base64")
    return key


def _mint_privata(environment: Environment) -> str:
    return f"whsec_{environment}_{base62_token()}"


def _mint_standard(_environment: Environment) -> str:
    # The specification leaves no room for the environment: the rest must be plain base64.
    return _STANDARD_PREFIX + base64.b64encode(entropy.token_bytes(SECRET_BYTES)).decode("ascii")


def _privata_headers(secrets: Sequence[str], message: Message) -> Headers:
    value = sign_privata(secrets, message.timestamp, message.body)
    return [("X-Privata-Signature", value)]


def _standard_headers(secrets: Sequence[str], message: Message) -> Headers:
    value = sign_standard(secrets, message.event_id, message.timestamp, message.body)
    return [
        ("Webhook-Id", message.event_id),
        ("Webhook-Timestamp", str(message.timestamp)),
        ("Webhook-Signature", value),
    ]


# A new dialect is one row here: how to mint its secret, how to sign with it, how to shape a body.
DIALECTS: Final[dict[str, Dialect]] = {
    dialect.name: dialect
    for dialect in (
        Dialect("privata", _mint_privata, _privata_headers),
        Dialect("standard", _mint_standard, _standard_headers),
        Dialect("slack", _mint_privata, _privata_headers, slack_body),
    )
}
