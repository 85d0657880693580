"""The link with which an end user follows one order: an id alone opens nothing."""

from __future__ import annotations

import base64
import hmac

from privata.infra.context import AppContext

#: 128 bits of the HMAC are plenty against guessing and keep the link short.
TOKEN_BYTES = 16


def tracking_token(ctx: AppContext, order_id: str) -> str:
    """The token of an order's public page, under the newest secret key."""
    return _encode(ctx.sealer.digest(f"tracking:{order_id}"))


def tracking_url(ctx: AppContext, order_id: str) -> str:
    """The public page of an order."""
    token = tracking_token(ctx, order_id)
    return f"{ctx.settings.base_url}/track/{order_id}?token={token}"


def tracking_token_fits(ctx: AppContext, order_id: str, token: str) -> bool:
    """Whether `token` opens the page, under any secret key; compared in constant time."""
    given = token.encode(errors="replace")
    fits = [
        hmac.compare_digest(_encode(digest).encode(), given)
        for digest in ctx.sealer.digests(f"tracking:{order_id}")
    ]
    return any(fits)


def _encode(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest[:TOKEN_BYTES]).rstrip(b"=").decode()
