"""Whose request it is: the kernel of the process, the caller's address, the caller's actor."""

from __future__ import annotations

from starlette.requests import Request

from privata.infra.kernel import Kernel


def kernel_of(request: Request) -> Kernel:
    """The kernel that the application was assembled with."""
    kernel: Kernel = request.app.state.kernel
    return kernel


def client_ip(request: Request) -> str | None:
    """The caller's address; behind trusted proxies the server has put it in the peer's place."""
    return request.client.host if request.client else None
