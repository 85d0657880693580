"""Where a request comes from."""

from __future__ import annotations

from django.http import HttpRequest

from privata.accounts.client import Client


def client_of(request: HttpRequest) -> Client:
    """Address, browser and session of a request. Proxies are not believed until trusted ones are
    configured: the address is the peer's."""
    return Client(
        ip=request.META.get("REMOTE_ADDR") or None,
        user_agent=request.headers.get("User-Agent", "")[:256],
        session=request.session.session_key or "",
    )
