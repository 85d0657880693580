"""What may not stand in a log: secrets in any of their forms, and characters that forge lines.

Both are taken out of the finished text of a line, so that it does not matter who wrote it: our
code, Django's own loggers (which print the path of every refused request), or an exception.
"""

from __future__ import annotations

import re
from typing import Final

#: What stands for a secret.
MASK: Final = "***"

#: Names whose value is a secret, as parts of names: `client_secret`, `X-API-Key`, `csrf_token`.
_NAMES: Final = (
    r"password|passwd|passphrase|secret|token|api[-_]?key|private[-_]?key|secret[-_]?keys?"
    r"|authorization|cookie|credential|signature|session(?:id|_key)?|csrf\w*|otp"
)

# The rest of a header with such a name is secret; of a field, a query's or a mapping's, its value.
_SECRETS: Final = re.compile(
    rf"""
      \b(?P<key>pk_(?:test|live)_[0-9A-Za-z]{{8}})[0-9A-Za-z]+
    | \b(?P<kind>whsec_(?:test_|live_)?|sk_(?:test_|live_)?|pat_)[0-9A-Za-z+/=_-]{{12,}}
    | (?P<path>/(?:reset|invitations)/)(?!sent\b)[^/\s?\#"'<>]+
    | (?P<slash>/)(?=[0-9a-fA-F]*[G-Zg-z_-])[\w-]{{42,}}
    | (?P<user>://[^/\s:@"']{{0,200}}:)[^/\s@"']{{1,500}}(?=@)
    | (?P<header>\b(?i:(?:set-)?cookie|(?:proxy-)?authorization|x-api-key|x-[\w-]{{1,40}}-signature)
        \b["']?\s*[:,]\s*b?["']?)[^"'\r\n]+
    | (?P<name>(?i:{_NAMES})[\w.-]{{0,40}}["']?\s?[=:]\s?[\[(]*)
        (?:b?"[^"]*"?|b?'[^']*'?|[^\s&;,)}}\]"']+)
    | (?P<code>[?&](?i:code|key|sig|state|nonce)=)[^\s&;,)}}\]"']+
    """,
    re.VERBOSE,
)

#: Without one of these in it a line has no secret; looking for them is much quicker than the above.
_MARKS: Final = (
    *("pk_", "sk_", "pat_", "whsec_", "/reset/", "/invitations/", "@", "?", "&"),
    *("passw", "passphrase", "secret", "token", "api", "key", "authorization", "cookie"),
    *("credential", "signature", "session", "csrf", "otp"),
)
_LONG: Final = re.compile(r"/[\w-]{42}")

# C0, DEL and C1 (ANSI sequences begin there), the line ends of Unicode, what turns the direction of
# text or has no width, and halves of surrogate pairs, which no stream can write.
_CONTROLS: Final = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]"
)


def masked(text: str) -> str:
    """The text with `***` in the place of secrets; of a key its first 16 characters stay, which
    pages show as well."""
    lowered = text.lower()
    for mark in _MARKS:  # not `any`: a generator costs as much again, and this is for every line
        if mark in lowered:
            return _SECRETS.sub(_mask, text)
    return _SECRETS.sub(_mask, text) if _LONG.search(text) else text


def escaped(text: str) -> str:
    """The text with control characters written out: it is one line, and moves no cursor."""
    return _CONTROLS.sub(_escape, text) if not text.isprintable() else text


def cleaned(text: str) -> str:
    """The text as one line of a log."""
    return escaped(masked(text))


def _mask(found: re.Match[str]) -> str:
    return f"{next(kept for kept in found.groups() if kept is not None)}{MASK}"


def _escape(found: re.Match[str]) -> str:
    character = found.group()
    named = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(character)
    number = ord(character)
    return named or (f"\\x{number:02x}" if number < 256 else f"\\u{number:04x}")
