"""The Desk as an ASGI application: Django, with its static files in front."""

from __future__ import annotations

from django.core.handlers.asgi import ASGIHandler
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from privata.desk.live import hub
from privata.infra import plane
from privata.infra.kernel import Kernel
from privata.ui.static_files import static_prefix, static_root

_FOREVER = (b"cache-control", b"public, max-age=31536000, immutable")


class Static:
    """Files under a path that names their content: a browser may keep them for ever."""

    def __init__(self) -> None:
        self.prefix = static_prefix()
        self.files = StaticFiles(directory=static_root())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_cache(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] in (200, 304):
                message["headers"] = [*message.get("headers", ()), _FOREVER]
            await send(message)

        inner = dict(scope, path="/" + scope["path"].removeprefix(self.prefix), root_path="")
        await self.files(inner, receive, with_cache)


def end_streams() -> None:
    """End the live streams of this process, so that the server can stop at once."""
    hub.close()


def create_desk(kernel: Kernel) -> ASGIApp:
    """The dashboard on the database of `kernel`; Django must be booted."""
    plane.install(kernel)
    django_app, static = ASGIHandler(), Static()

    async def desk(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"].startswith(static.prefix):
            await static(scope, receive, send)
        else:
            await django_app(dict(scope), receive, send)  # type: ignore[arg-type]  # as in the ASGI spec

    return desk
