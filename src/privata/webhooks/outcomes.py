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
        sentence="Your server answered {status} after {seconds}.",
    ),
    Outcome.HTTP_ERROR: _theirs(
        "HTTP error",
        "Your server answered {status}",
        "Your server answered {status} after {seconds}. The request reached you, so DNS, "
        "the connection and TLS are fine.",
    ),
    Outcome.REDIRECT: _theirs(
        "Redirect",
        "Your server answered with a redirect",
        "Your server answered {status} after {seconds}. Redirects are not followed: enter the "
        "final URL in the endpoint.",
    ),
    Outcome.TIMEOUT: _theirs(
        "Timeout",
        "No complete answer in time",
        "The attempt was ended after {seconds}.",
    ),
    Outcome.CONNECTION: _theirs(
        "Connection failed",
        "We could not talk to your server",
        "The connection failed after {seconds}. Is the server up, and does its firewall let us in?",
    ),
    Outcome.TLS: _theirs(
        "TLS failed",
        "The TLS handshake failed",
        "A secure connection could not be made. The event was not sent.",
    ),
    Outcome.DNS: _theirs(
        "DNS failed",
        "The host name could not be resolved",
        "DNS gave no address for the host of the endpoint. The event was not sent.",
    ),
    Outcome.BLOCKED: _theirs(
        "Blocked",
        "The URL does not lead to the public internet",
        "Events are sent only to public addresses, and every address of the host must be one. "
        "The event was not sent.",
    ),
    Outcome.TOO_LARGE: _theirs(
        "Response too large",
        "The headers of the answer were too large",
        "The headers of your server's answer went over our limit, so no status was accepted.",
    ),
    Outcome.PROTOCOL: _theirs(
        "Bad response",
        "The answer was not valid HTTP",
        "Your server answered something that is not valid HTTP/1.1.",
    ),
    Outcome.INTERNAL: OutcomeRule(
        counts=False,
        retried=True,
        ours=True,
        label="Our fault",
        title="This one is on us",
        sentence="A fault on our side stopped this attempt. It does not count against your "
        "endpoint and will be repeated.",
    ),
}

_STATUS_HINTS: Final[dict[int, str]] = {
    400: "Your handler did not accept the body: is it parsed before the signature is checked?",
    401: "Your handler refused the signature: check the secret, and verify over the raw body.",
    403: "Something refused us: a firewall, a bot filter or the handler itself.",
    404: "There is no handler at this path.",
    405: "The path exists but does not take POST.",
    408: "Your server, or a proxy in front of it, gave up waiting for the rest of the request.",
    410: "410 asks us to stop, so the endpoint is paused and its events are held.",
    413: "The body was too large for a limit in front of your handler.",
    429: "Your server is limiting us; a Retry-After header is honoured.",
    502: "A proxy in front of your application could not reach it.",
    503: "Your server says it is unavailable; a Retry-After header is honoured.",
    504: "A proxy in front of your application waited too long for it.",
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
