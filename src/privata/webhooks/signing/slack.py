"""The `slack` dialect: an ops event as a message of Slack's Block Kit. Pure.

A section with the event, the endpoint that it is about and its reason, and a context line with the
details. Slack takes at most 3,000 characters in a text object, and wants `&`,
`<` and `>` escaped in `mrkdwn`.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

HOST: Final = "hooks.slack.com"

#: Characters of one value and of a text object, after escaping.
MAX_VALUE: Final = 300
MAX_TEXT: Final = 3000

_SHOWN_ABOVE: Final = frozenset({"event", "reason", "alias"})
_ESCAPES: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def is_slack(url: str) -> bool:
    """Whether the URL is a Slack webhook: HTTPS to that host and no other."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme == "https" and parts.hostname == HOST


def slack_body(body: bytes) -> bytes:
    """The bytes to post for an event's body: the same on every attempt.

    Raises `ValueError` for a body that is not a JSON object.
    """
    event = msgspec.json.decode(body)
    if not isinstance(event, dict):
        raise ValueError("an event's body is a JSON object")  # noqa: TRY004
    name = _text(event.get("event", ""))
    title = name.replace("_", " ").replace(".", " ").capitalize()
    reason = _text(event.get("reason"))
    # Whom it is about, in the words of people; ids and URLs follow below.
    alias = _text(event.get("alias"))
    title = f"{title}: {alias}" if alias else title
    heading = f"*{title}*\nReason: {reason}" if reason else f"*{title}*"
    blocks: list[dict[str, Any]] = [{"type": "section", "text": _mrkdwn(heading)}]
    details = _details(event)
    if details:
        blocks.append({"type": "context", "elements": [_mrkdwn(details)]})
    # `text` is what notifications show.
    summary = f"{title} ({reason})" if reason else title
    return msgspec.json.encode({"text": summary, "blocks": blocks})


def _details(event: dict[str, Any]) -> str:
    kept = ""
    for name, value in event.items():
        if name in _SHOWN_ABOVE or value is None:
            continue
        part = f"{_text(name)}: {_text(value)}"
        longer = f"{kept}  |  {part}" if kept else part
        if len(longer) > MAX_TEXT:
            break
        kept = longer
    return kept


def _text(value: object) -> str:
    """A value on one line, escaped, cut between characters and never inside an escape."""
    if value is None:
        return ""
    plain = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    line = " ".join(plain.split())
    escaped = line.translate(_ESCAPES)
    if len(escaped) <= MAX_VALUE:
        return escaped
    kept, length = [], 0
    for char in line:
        shown = char.translate(_ESCAPES)
        length += len(shown)
        if length > MAX_VALUE - 1:
            break
        kept.append(shown)
    return "".join(kept) + "\N{HORIZONTAL ELLIPSIS}"


def _mrkdwn(text: str) -> dict[str, Any]:
    # Verbatim: Slack is to make no links and mentions of its own out of what partners typed.
    return {"type": "mrkdwn", "text": text, "verbatim": True}
