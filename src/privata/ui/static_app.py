"""Serves the browser's files, under an address that changes with their content."""

from __future__ import annotations

import gzip
import mimetypes
from typing import Final

from starlette.datastructures import Headers
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from privata.ui.static_files import bundles, static_prefix, static_root

_FOREVER: Final = (b"cache-control", b"public, max-age=31536000, immutable")


class Static:
    """Files and bundles under a path that names their content: browsers may keep them for ever."""

    def __init__(self) -> None:
        self.prefix = static_prefix()
        self._files = ExceptionMiddleware(StaticFiles(directory=static_root()))
        self._bundles = {f"/{name}": _Bundle(name, data) for name, data in bundles().items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_cache(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] in (200, 304):
                message["headers"] = [*message.get("headers", ()), _FOREVER]
            await send(message)

        path = "/" + scope["path"].removeprefix(self.prefix)
        inner = dict(scope, path=path, root_path="")
        app: ASGIApp = self._files
        if scope["method"] in ("GET", "HEAD"):
            app = self._bundles.get(path, app)
        await app(inner, receive, with_cache)


class _Bundle:
    def __init__(self, name: str, data: bytes) -> None:
        kind = mimetypes.guess_type(name)[0]
        headers = {"Vary": "Accept-Encoding"}
        self._plain = Response(data, media_type=kind, headers=headers)
        small = gzip.compress(data, mtime=0)
        self._small = Response(
            small, media_type=kind, headers=headers | {"Content-Encoding": "gzip"}
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        taken = Headers(scope=scope).get("accept-encoding", "")
        response = self._small if "gzip" in taken else self._plain
        await response(scope, receive, send)
