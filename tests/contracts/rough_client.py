"""A client that sends what it is told, byte for byte, and notes what was answered with a 5xx.

httpx tidies addresses and refuses odd headers, which a hostile caller's client does not.
"""

from __future__ import annotations

import http.client
import itertools
from dataclasses import dataclass, field
from urllib.parse import urlsplit

Headers = list[tuple[str, bytes]]

_hosts = itertools.count(1)


@dataclass
class Answer:
    """What came back; status 0: the connection was cut."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass
class RoughClient:
    """Each call comes from an address of its own, which the server must trust."""

    base_url: str
    headers: Headers = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    calls: int = 0
    _connection: http.client.HTTPConnection | None = None

    def call(
        self,
        method: str,
        target: str,
        *,
        says: str = "",
        body: bytes | None = None,
        headers: Headers | None = None,
        kind: bytes = b"application/json",
    ) -> Answer:
        """One call; a 5xx that is no refusal on purpose stands in `wrong` afterwards."""
        number = next(_hosts)
        sent = [*self.headers, *(headers or [])]
        address = f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
        sent.append(("X-Forwarded-For", address.encode()))
        if body is not None:
            sent += [("Content-Type", kind), ("Content-Length", b"%d" % len(body))]
        self.calls += 1
        try:
            answer = self._sent(method, target, sent, body)
        except (http.client.HTTPException, OSError) as error:
            self.close()
            answer = Answer(0, {}, repr(error).encode())
        if answer.status >= 500:
            self.close()  # a server may end the connection after it
        # Without a provider for live orders, 503 is the right answer to a live key.
        planned = answer.status == 503 and b"NO_PROVIDERS_AVAILABLE" in answer.body
        if (answer.status >= 500 and not planned) or answer.status == 0:
            said = f"{answer.status} {answer.body[:80]!r}" if answer.status == 0 else answer.status
            self.wrong.append(f"{method} {target[:160]} ({says}): {said}")
        return answer

    def close(self) -> None:
        """End the connection; the next call opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def done(self) -> None:
        """The end of a sweep: fails with what was answered with a 5xx, or not at all."""
        self.close()
        assert not self.wrong, f"{len(self.wrong)} of {self.calls} calls:\n" + "\n".join(
            self.wrong[:60]
        )

    def _sent(self, method: str, target: str, headers: Headers, body: bytes | None) -> Answer:
        if self._connection is None:
            host = urlsplit(self.base_url).netloc
            self._connection = http.client.HTTPConnection(host, timeout=60)
        connection = self._connection
        connection.putrequest(method, target, skip_accept_encoding=True)
        for name, value in headers:
            connection.putheader(name, value)
        connection.endheaders(body)
        response = connection.getresponse()
        kind = response.headers.get("content-type", "")
        if kind.startswith("text/event-stream"):
            self.close()
            return Answer(response.status, dict(response.headers.items()), b"")
        return Answer(response.status, dict(response.headers.items()), response.read())
