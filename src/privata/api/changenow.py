"""The ChangeNOW-compatible API, put together: `/v2/exchange/*` and `/v2/validate/address`.

Keys, limits, admission and logs are those of the partner API; only the words are others.
"""

from __future__ import annotations

from typing import Final

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response

from privata.api.admission import Admissions
from privata.api.changenow_openapi import PREFIX, ROUTERS, encoded_document
from privata.api.cors import Browsers
from privata.api.errors import HANDLERS
from privata.api.middleware import RequestIds
from privata.apikeys.access_api import HEADER
from privata.changenow_api.errors import in_their_words
from privata.infra.context import AppContext
from privata.infra.http.operations import NO_KEY, Operation
from privata.infra.http.routing import Router, plain_routes
from privata.infra.http.wire import JsonBytes
from privata.ui.static_files import static_url

__all__ = ["KEY_HEADERS", "PREFIX", "create_changenow_api"]

#: Where their clients put the key: of both, the first one counts.
KEY_HEADERS: Final = ("x-changenow-api-key", HEADER)

#: What stands for the picture of a currency: we have none of each.
_IMAGE: Final = "favicon.svg"

#: The document does not describe itself.
_document = Router("")


def create_changenow_api(ctx: AppContext) -> Starlette:
    """The API on the database of `ctx`; failures look as ChangeNOW's clients expect."""
    routes = plain_routes(PREFIX, (*ROUTERS, _document))
    app = Starlette(
        routes=routes,
        middleware=[
            Middleware(RequestIds),
            Middleware(Browsers, routes=routes, headers=KEY_HEADERS),
            Middleware(Admissions, ctx=ctx, prefix=PREFIX, headers=KEY_HEADERS),
        ],
        exception_handlers=HANDLERS,
    )
    app.router.redirect_slashes = False
    app.state.ctx = ctx
    app.state.failure_shape = in_their_words
    app.state.challenge = f'ApiKey realm="ChangeNOW API", header="{KEY_HEADERS[0]}"'
    # Made when it is asked for: the address says what all files of the pages are like.
    app.state.image_url = lambda: f"{ctx.settings.base_url}{static_url(_IMAGE)}"
    return app


@_document.route("GET", "/openapi.json", Operation(access=NO_KEY, documented=False))
async def _openapi(request: Request, nobody: None) -> Response:
    ctx: AppContext = request.app.state.ctx
    return JsonBytes(encoded_document(ctx.settings.base_url))
