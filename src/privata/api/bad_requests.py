"""What is no HTTP is refused in the one shape of errors: the parser would answer in plain text."""

from __future__ import annotations

from typing import Final

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from privata.core.errors import ValidationFailed
from privata.core.ids import new_request_id

_HEAD: Final = """\
HTTP/1.1 400 Bad Request\r
Content-Type: application/json\r
Content-Length: {length}\r
Cache-Control: no-store\r
X-Request-Id: {request_id}\r
Connection: close\r
\r
"""


class JsonRefusals(HttpToolsProtocol):
    """uvicorn's protocol with answers of ours."""

    def send_400_response(self, msg: str) -> None:
        """Answer what could not be parsed, and close; there is no path to know a plane by."""
        self.transport.write(refusal())
        self.transport.close()


def refusal() -> bytes:
    """The whole answer, as it goes over the wire."""
    request_id = new_request_id()
    message = (
        "This is not a request of HTTP/1.1: look at its first line, its headers, and the length of"
        " its body."
    )
    error = {"code": ValidationFailed.code, "message": message, "request_id": request_id}
    body = msgspec.json.encode({"error": error})
    return _HEAD.format(length=len(body), request_id=request_id).encode() + body
