"""What does not fit in a signature header that somebody pasted, part by part. Pure.

For those who verify and get no match: the pasted value may be what arrived, or what their own code
computed. The usual mistakes (the body parsed and written again, the timestamp left out, the key
decoded or not, hexadecimal instead of base64) each give a value of their own, so they can be named.
No secret and no computed signature ever comes out of here.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from privata.core.plurals import plural
from privata.webhooks.signing.signatures import TOLERANCE_S, Message
from privata.webhooks.states import Dialect

#: More than any header of ours; longer texts are cut before they are looked at.
MAX_PASTED: Final = 4096

#: Signatures that are looked at; a rotation has two.
MAX_SHOWN_SIGNATURES: Final = 6

_DIGEST_BYTES: Final = 32
_SECONDS: Final = re.compile(r"[0-9]{1,11}")
_MILLIS: Final = re.compile(r"[0-9]{12,14}")
_NAMED: Final = re.compile(r"\s*[\"']?([A-Za-z][A-Za-z0-9-]{2,40})[\"']?\s*:\s*(.*?)\s*,?\s*")
_CUT: Final = "\N{HORIZONTAL ELLIPSIS}"


@dataclass(frozen=True, slots=True)
class Key:
    """A secret of the endpoint. `when` says its part: `signs now`, `ended 3 May`, ..."""

    hint: str
    secret: str
    when: str
    signed: bool


@dataclass(frozen=True, slots=True)
class Finding:
    """One part of the header: does it fit (None: nothing to judge), and what to know about it."""

    fits: bool | None
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class _Parts:
    """The header taken apart."""

    ident: str | None
    stamps: list[str]
    signatures: list[str]


def check_header(
    dialect: Dialect, pasted: str, message: Message, keys: Sequence[Key], now: float
) -> list[Finding]:
    """Judge what was pasted against an attempt; `now` in unix seconds."""
    text = pasted[:MAX_PASTED].strip()
    parts = _standard_parts(text) if dialect is Dialect.STANDARD else _privata_parts(text)
    if not parts.stamps and not parts.signatures:
        return [Finding(False, "Header", _expected(dialect))]
    found = []
    if dialect is Dialect.STANDARD and parts.ident is not None:
        found.append(_ident(parts.ident, message))
    found.append(_stamp(dialect, parts.stamps, message, now))
    if not parts.signatures:
        found.append(Finding(False, "Signature", f"The header has no v1. {_expected(dialect)}"))
    stamp = parts.stamps[0] if parts.stamps else str(message.timestamp)
    found += [
        _signature(dialect, number, signature, stamp, message, keys)
        for number, signature in enumerate(parts.signatures[:MAX_SHOWN_SIGNATURES], 1)
    ]
    return found


def fits(found: Sequence[Finding]) -> bool:
    """Whether a receiver would accept it: nothing is wrong but signatures, and one of them fits."""
    signatures = [one.fits for one in found if one.title.startswith("Signature")]
    others = [one.fits for one in found if not one.title.startswith("Signature")]
    return any(signatures) and False not in others


def _privata_parts(text: str) -> _Parts:
    value = _named(text).get("x-privata-signature", text)
    items = [item.strip().partition("=") for item in value.split(",")]
    return _Parts(
        None,
        [rest for name, _, rest in items if name == "t"],
        [rest for name, _, rest in items if name == "v1"],
    )


def _standard_parts(text: str) -> _Parts:
    named = _named(text)
    value = named.get("webhook-signature", "" if named else text)
    stamp = named.get("webhook-timestamp")
    tokens = [token.partition(",") for token in value.split()]
    return _Parts(
        named.get("webhook-id"),
        [] if stamp is None else [stamp],
        [rest for version, _, rest in tokens if version == "v1"],
    )


def _named(text: str) -> dict[str, str]:
    """Lines of `Name: value`, by lower-case name; quotes as in a printed dictionary are taken."""
    found = {}
    for line in text.splitlines():
        match = _NAMED.fullmatch(line)
        if match:
            found[match[1].lower()] = match[2].strip("\"'")
    return found


def _expected(dialect: Dialect) -> str:
    if dialect is Dialect.STANDARD:
        return "Paste all 3 lines: webhook-id, webhook-timestamp, and webhook-signature."
    return "Paste the value of X-Privata-Signature. It begins with t= and has at least one v1=."


def _ident(ident: str, message: Message) -> Finding:
    if ident == message.event_id:
        return Finding(True, "ID", "Matches the ID of this event.")
    return Finding(
        False, "ID", "Does not match the ID of this event. The ID is part of the signed content."
    )


def _stamp(dialect: Dialect, stamps: Sequence[str], message: Message, now: float) -> Finding:
    name = "Timestamp"
    if not stamps:
        if dialect is Dialect.STANDARD:
            return Finding(None, name, "Not pasted. The timestamp of this attempt is used.")
        return Finding(False, name, "The header has no t=.")
    if len(stamps) > 1:
        return Finding(
            False, name, "The header has more than one t=. Two headers may have been joined."
        )
    stamp = stamps[0]
    if _MILLIS.fullmatch(stamp):
        return Finding(False, name, "The timestamp is in milliseconds. It must be in seconds.")
    if not _SECONDS.fullmatch(stamp):
        return Finding(False, name, "The timestamp is not a whole number of seconds.")
    age = now - int(stamp)
    same = int(stamp) == message.timestamp
    whose = "Matches this attempt" if same else "Does not match this attempt"
    if abs(age) <= TOLERANCE_S:
        return Finding(same or None, name, f"{whose}, {_span(age)}. Recent enough to be accepted.")
    return Finding(
        same or None,
        name,
        f"{whose}, {_span(age)}. Your code should reject it now, because it is more than "
        f"{TOLERANCE_S // 60} minutes old or ahead. What counts is your clock when it arrived.",
    )


def _signature(
    dialect: Dialect, number: int, signature: str, stamp: str, message: Message, keys: Sequence[Key]
) -> Finding:
    name = f"Signature {number}"
    shown = f"{signature[:8]}{_CUT}" if len(signature) > 8 else signature
    for key in keys:
        digest = _digest(dialect, key.secret, _signed(dialect, stamp, message, message.body))
        if hmac.compare_digest(_base64(digest).encode(), signature.encode()):
            text = f"{shown} is correct. It matches the secret {key.hint}{_CUT} ({key.when})."
            if not key.signed:
                text += " This attempt was not signed with that secret."
            return Finding(True, name, text)
    raw, spelling = _decoded(signature)
    if raw is None:
        return Finding(False, name, f"{shown} is neither base64 nor hexadecimal.")
    if len(raw) != _DIGEST_BYTES:
        return Finding(
            False, name, f"{shown} is {len(raw)} bytes long; HMAC-SHA256 has {_DIGEST_BYTES}."
        )
    for key in keys:
        for digest, why in _mistakes(dialect, key.secret, stamp, message):
            if hmac.compare_digest(digest, raw):
                said = f"{spelling} {why}".strip() if spelling else why
                return Finding(
                    False, name, f"{shown}: {said} The secret {key.hint}{_CUT} is correct."
                )
    return Finding(
        False,
        name,
        f"{shown} matches none of this endpoint's secrets for the body we sent. Check that you "
        "use the secret of this endpoint, without extra spaces or line breaks, and that the body "
        "was not changed. Compare its length.",
    )


def _mistakes(
    dialect: Dialect, secret: str, stamp: str, message: Message
) -> Iterator[tuple[bytes, str]]:
    """Digests that come of well-known mistakes, each with the sentence that names it."""
    body = message.body

    def signed(other: bytes) -> bytes:
        return _signed(dialect, stamp, message, other)

    yield (
        _digest(dialect, secret, signed(body)),
        "the digest is correct, but must be encoded in standard base64 with padding.",
    )
    yield (
        _digest(dialect, secret, _signed(dialect, str(message.timestamp), message, body)),
        "it was computed with the timestamp of this attempt, not with the pasted one.",
    )
    yield (
        _digest(dialect, secret, body),
        "it was computed from the body alone, without the timestamp.",
    )
    for other in _rewritten(body):
        yield (
            _digest(dialect, secret, signed(other)),
            "it was computed from JSON that was parsed and serialized again. Use the raw bytes.",
        )
    for other in (body + b"\n", body + b"\r\n"):
        yield (
            _digest(dialect, secret, signed(other)),
            "a line break was added to the end of the body.",
        )
    other_dialect = Dialect.PRIVATA if dialect is Dialect.STANDARD else Dialect.STANDARD
    wrong = _signed(other_dialect, stamp, message, body)
    yield (
        _digest(dialect, secret, wrong),
        "it was computed for the other signature format.",
    )
    for key, why in _wrong_keys(dialect, secret):
        yield hmac.digest(key, signed(body), "sha256"), why


def _wrong_keys(dialect: Dialect, secret: str) -> Iterator[tuple[bytes, str]]:
    if dialect is Dialect.STANDARD:
        yield secret.encode(), "the key must be base64-decoded first, without whsec_."
        yield secret.removeprefix("whsec_").encode(), "the key must be base64-decoded first."
        return
    yield secret.rpartition("_")[2].encode(), "the key is the whole secret, with its prefix."
    yield secret.encode() + b"\n", "a line break was added to the end of the secret."


def _rewritten(body: bytes) -> Iterator[bytes]:
    try:
        value = json.loads(body)
    except ValueError:
        return
    for options in ({}, {"separators": (",", ":")}, {"indent": 2}, {"indent": 4}):
        for ascii_only in (True, False):
            yield json.dumps(value, ensure_ascii=ascii_only, **options).encode()
    yield json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


def _signed(dialect: Dialect, stamp: str, message: Message, body: bytes) -> bytes:
    ident = f"{message.event_id}." if dialect is Dialect.STANDARD else ""
    return f"{ident}{stamp}.".encode() + body


def _digest(dialect: Dialect, secret: str, signed: bytes) -> bytes:
    key = secret.encode()
    if dialect is Dialect.STANDARD:
        key = base64.b64decode(secret.removeprefix("whsec_"))
    return hmac.digest(key, signed, "sha256")


def _decoded(signature: str) -> tuple[bytes | None, str]:
    """The bytes of a signature, and a word about their spelling if it is not ours."""
    if re.fullmatch(r"[0-9A-Fa-f]{64}", signature):
        return bytes.fromhex(signature), "it is hexadecimal, not base64;"
    plain = signature.replace("-", "+").replace("_", "/").rstrip("=")
    try:
        raw = base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (ValueError, binascii.Error):
        return None, ""
    return raw, "" if _base64(raw) == signature else "it is not standard base64 with padding;"


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _span(age: float) -> str:
    size = abs(round(age))
    for length, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")):
        if size >= length:
            words = plural(size // length, unit)
            return f"{words} ago" if age > 0 else f"{words} from now"
    return "just now"
