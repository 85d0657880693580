"""Where a request comes from."""

from __future__ import annotations

from django.http import HttpRequest

from privata.accounts.place import Place


def place_of(request: HttpRequest) -> Place:
    """Address, browser and session of a request. Proxies are not believed until trusted ones are
    configured: the address is the peer's."""
    return Place(
        ip=request.META.get("REMOTE_ADDR") or None,
        user_agent=request.headers.get("User-Agent", "")[:256],
        session=request.session.session_key or "",
    )
