"""The classes an attempt can end in, what each means for the delivery, and the words for it.

`RULES` is the one table: does the class count toward pausing the endpoint, is the delivery
tried again, is the fault ours? An attempt that failed through our own fault never spends one of
the partner's attempts.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

GONE: Final = 410  # RFC 9110, 15.5.11: the receiver asks us to stop; the endpoint is paused


class Outcome(StrEnum):
    """How an attempt ended; stored with it."""

    DELIVERED = "delivered"
    HTTP_ERROR = "http_error"
    REDIRECT = "redirect"
    TIMEOUT = "timeout"
    CONNECTION = "connection"
    TLS = "tls"
    DNS = "dns"
    BLOCKED = "blocked"
    TOO_LARGE = "too_large"
    PROTOCOL = "protocol"
    INTERNAL = "internal"


class Phase(StrEnum):
    """Where a request was when its deadline came."""

    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    SEND = "send"
    HEADERS = "headers"
    BODY = "body"


@dataclass(frozen=True, slots=True)
class OutcomeRule:
    """What a class means. `sentence` takes `status`, `seconds` and `detail`."""

    counts: bool
    retried: bool
    ours: bool
    label: str
    title: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The answer to "why?" on the delivery page, in plain words."""

    title: str
    text: str


def _theirs(label: str, title: str, sentence: str) -> OutcomeRule:
    return OutcomeRule(True, True, False, label, title, sentence)


RULES: Final[dict[Outcome, OutcomeRule]] = {
    Outcome.DELIVERED: OutcomeRule(
        counts=False,
        retried=False,
        ours=False,
        label="Delivered",
        title="Delivered",
        sentence="Your server returned {status} after {seconds}.",
    ),
    Outcome.HTTP_ERROR: _theirs(
        "HTTP error",
        "Your server returned {status}",
        "Your server returned {status} after {seconds}. The request reached you, so DNS, "
        "the connection and TLS are fine.",
    ),
    Outcome.REDIRECT: _theirs(
        "Redirect",
        "Your server returned a redirect",
        "Your server returned {status} after {seconds}. Redirects are not followed. Enter the "
        "final URL in the endpoint.",
    ),
    Outcome.TIMEOUT: _theirs(
        "Timeout",
        "No complete response in time",
        "The attempt timed out after {seconds}.",
    ),
    Outcome.CONNECTION: _theirs(
        "Connection failed",
        "Could not connect to your server",
        (
            "The connection failed after {seconds}. Check that your server is up and its firewall "
            "allows us."
        ),
    ),
    Outcome.TLS: _theirs(
        "TLS failed",
        "The TLS handshake failed",
        "A secure connection could not be established. The event was not sent.",
    ),
    Outcome.DNS: _theirs(
        "DNS failed",
        "The host name could not be resolved",
        "DNS returned no address for the endpoint's host. The event was not sent.",
    ),
    Outcome.BLOCKED: _theirs(
        "Blocked",
        "The URL is not on the public internet",
        "Events are sent only to public addresses, and every address of the host must be one. "
        "The event was not sent.",
    ),
    Outcome.TOO_LARGE: _theirs(
        "Response too large",
        "The response headers were too large",
        "Your server's response headers exceeded our limit, so no status was accepted.",
    ),
    Outcome.PROTOCOL: _theirs(
        "Bad response",
        "The response was not valid HTTP",
        "Your server returned a response that is not valid HTTP/1.1.",
    ),
    Outcome.INTERNAL: OutcomeRule(
        counts=False,
        retried=True,
        ours=True,
        label="Our error",
        title="Error on our side",
        sentence="A problem on our side stopped this attempt. It does not count against your "
        "endpoint and will be repeated.",
    ),
}

_STATUS_HINTS: Final[dict[int, str]] = {
    400: "Your handler rejected the body. Check that you verify the signature before parsing it.",
    401: "Your handler rejected the signature. Check the secret, and verify the raw body.",
    403: "The request was blocked by a firewall, a bot filter, or the handler itself.",
    404: "No handler exists at this path.",
    405: "The path exists but does not accept POST.",
    408: "Your server, or a proxy in front of it, gave up waiting for the rest of the request.",
    410: "410 tells us to stop, so the endpoint is paused and its events are held.",
    413: "The body exceeded a size limit in front of your handler.",
    429: "Your server is rate limiting us. We honor a Retry-After header.",
    502: "A proxy in front of your application could not reach it.",
    503: "Your server says it is unavailable. We honor a Retry-After header.",
    504: "A proxy in front of your application timed out waiting for it.",
}


def classify(status_code: int) -> Outcome:
    """The class of a complete answer: 2xx is success, 3xx a redirect, anything else an error."""
    if 200 <= status_code <= 299:
        return Outcome.DELIVERED
    if 300 <= status_code <= 399:
        return Outcome.REDIRECT
    return Outcome.HTTP_ERROR


def diagnose(
    outcome: Outcome, status: int | None, duration_ms: float, detail: str = ""
) -> Diagnosis:
    """Title and text for one attempt. `detail` is the attempt's own sentence; it comes last."""
    rule = RULES[outcome]
    shown = {"status": status if status is not None else "nothing", "seconds": _span(duration_ms)}
    sentences = [rule.sentence.format_map(shown)]
    if outcome is Outcome.HTTP_ERROR and status in _STATUS_HINTS:
        sentences.append(_STATUS_HINTS[status])
    if detail:
        sentences.append(detail)
    return Diagnosis(rule.title.format_map(shown), " ".join(sentences))


def _span(duration_ms: float) -> str:
    if duration_ms < 1000:
        return f"{max(1, round(duration_ms))} ms"
    return f"{duration_ms / 1000:.1f} s"
