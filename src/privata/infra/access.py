"""Whose request it is: the kernel of the process, the caller's address, the caller's actor."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request

from privata.infra.kernel import Kernel

#: Headers that layers further inside put on the answer, whatever it is: a list of pairs of bytes.
SCOPE_HEADERS: Final = "privata.headers"


def kernel_of(request: Request) -> Kernel:
    """The kernel that the application was assembled with."""
    kernel: Kernel = request.app.state.kernel
    return kernel


def client_ip(request: Request) -> str | None:
    """The caller's address; behind trusted proxies the server has put it in the peer's place."""
    return request.client.host if request.client else None
