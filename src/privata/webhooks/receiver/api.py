"""A receiver on this machine: verifies, remembers, and misbehaves when told to.

Part of the product (`privata receiver`): the demo delivers to it, partners develop against it,
tests and benches count with it. Reachable from this machine only; the Host header is checked
and changes must be JSON, so that a web page in a browser can do nothing with it.

    POST /hook…            takes a delivery
    GET  /                 the page          GET /deliveries[?event=&order_id=&limit=]
    GET  /deliveries/stats                   GET /deliveries/{number}
    DELETE /deliveries                       POST /secrets   {"secrets": [...]}
    GET, POST /behaviour   {"mode": "fail", "status": 503, "delay_ms": 0, "times": 3}
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import socket
import struct
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from privata.core.errors import StartupError
from privata.webhooks.receiver.log import ReceiverLog
from privata.webhooks.receiver.page import HEADERS, STYLE, render_page
from privata.webhooks.signing.signatures import verify_privata

DEFAULT_PORT: Final = 9099
MAX_BODY_BYTES: Final = 4 * 1024 * 1024
MAX_DELAY_MS: Final = 600_000
MODES: Final = ("ok", "fail", "slow", "hang", "reset", "redirect", "gone", "flaky")
_DEFAULT_STATUS: Final = {"fail": 500, "flaky": 500, "redirect": 302, "gone": 410}
_ABORT: Final = "privata.abort"


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How deliveries are answered. `times` counts down to `ok`; None means for ever.

    `flaky` fails every second delivery; `delay_ms` comes before any answer.
    """

    mode: str = "ok"
    status: int = 200
    delay_ms: int = 0
    times: int | None = None

    @classmethod
    def from_json(cls, data: object) -> Behaviour:
        """Read and check what was posted. Raises `ValueError` with a sentence."""
        if not isinstance(data, dict):
            raise ValueError("The request body must be a JSON object.")  # noqa: TRY004
        unknown = set(data) - {"mode", "status", "delay_ms", "times"}
        if unknown:
            raise ValueError(f"Unknown field: {', '.join(sorted(map(str, unknown)))}.")
        mode = data.get("mode", "ok")
        if mode not in MODES:
            raise ValueError(f"mode must be one of {', '.join(MODES)}.")
        default = _DEFAULT_STATUS.get(mode, 200)
        times = data.get("times")
        return cls(
            mode=mode,
            status=_number("status", data.get("status", default), 200, 599),
            delay_ms=_number(
                "delay_ms", data.get("delay_ms", 2000 if mode == "slow" else 0), 0, MAX_DELAY_MS
            ),
            times=None if times is None else _number("times", times, 1, 1_000_000),
        )


class Receiver(Starlette):
    """The application; its state is `log`, `behaviour` and `secrets`."""

    def __init__(self, secrets: Sequence[str], now: Callable[[], float]) -> None:
        self.log = ReceiverLog()
        self.behaviour = Behaviour()
        self.secrets = [secret for secret in secrets if secret]
        self._now = now
        self._turn = 0
        hook = [Route(path, self.take, methods=["POST"]) for path in ("/hook", "/hook/{rest:path}")]
        super().__init__(
            routes=[
                *hook,
                Route("/", self.page),
                Route("/style.css", self.style),
                Route("/behaviour", self.show_behaviour, methods=["GET"]),
                Route("/behaviour", self.set_behaviour, methods=["POST"]),
                Route("/secrets", self.set_secrets, methods=["POST"]),
                Route("/deliveries/stats", self.show_stats),
                Route("/deliveries/{number:int}", self.show_delivery),
                Route("/deliveries", self.list_deliveries, methods=["GET"]),
                Route("/deliveries", self.clear, methods=["DELETE"]),
            ],
            middleware=[
                Middleware(TrustedHostMiddleware, allowed_hosts=["localhost", "127.0.0.1"])
            ],
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            # ASGI has no word for a reset; the server's own transport has.
            scope[_ABORT] = getattr(getattr(send, "__self__", None), "transport", None)
        await super().__call__(scope, receive, send)

    async def take(self, request: Request) -> Response:
        """Take one delivery: verify over the raw bytes, remember, answer as told."""
        body = await _read(request)
        header = ",".join(request.headers.getlist("x-privata-signature")) or None
        now = self._now()
        verified = any(verify_privata(body, header, secret, now) for secret in self.secrets)
        behaviour = self._next_behaviour() if verified else Behaviour("fail", 401)
        answer = behaviour.mode if behaviour.mode in {"hang", "reset"} else str(behaviour.status)
        received = self.log.record(
            received_at=now,
            path=request.url.path,
            headers=[(name.lower(), value) for name, value in request.headers.items()],
            body=body,
            verified=verified,
            answer=answer,
        )
        await asyncio.sleep(behaviour.delay_ms / 1000)
        if behaviour.mode == "reset":
            _reset(request.scope[_ABORT])
        if behaviour.mode in {"hang", "reset"}:
            while (await request.receive())["type"] != "http.disconnect":
                continue
        headers = {"location": "/hook/elsewhere"} if behaviour.mode == "redirect" else None
        if behaviour.status in {204, 304}:
            return Response(status_code=behaviour.status)
        return JSONResponse(
            {"verified": verified, "duplicate": received.duplicate}, behaviour.status, headers
        )

    async def page(self, request: Request) -> Response:
        """What came, for people."""
        html = render_page(
            deliveries=self.log.find(),
            stats=self.log.stats(),
            behaviour=asdict(self.behaviour),
            secrets=len(self.secrets),
            hook_url=f"{request.base_url}hook",
        )
        return Response(html, media_type="text/html", headers=HEADERS)

    async def style(self, _request: Request) -> Response:
        return Response(STYLE, media_type="text/css", headers=HEADERS)

    async def show_behaviour(self, _request: Request) -> Response:
        return JSONResponse(asdict(self.behaviour))

    async def set_behaviour(self, request: Request) -> Response:
        try:
            self.behaviour = Behaviour.from_json(await _json(request))
        except ValueError as error:
            return _unprocessable(error)
        self._turn = 0
        return JSONResponse(asdict(self.behaviour))

    async def set_secrets(self, request: Request) -> Response:
        """Accept these secrets from now on: two of them during a rotation."""
        try:
            secrets = _secrets(await _json(request))
        except ValueError as error:
            return _unprocessable(error)
        self.secrets = secrets
        return JSONResponse({"secrets": len(secrets)})

    async def list_deliveries(self, request: Request) -> Response:
        query = request.query_params
        try:
            limit = _number("limit", int(query.get("limit", "100")), 1, 1000)
        except ValueError as error:
            return _unprocessable(error)
        found = self.log.find(
            event=query.get("event", ""), order_id=query.get("order_id", ""), limit=limit
        )
        return JSONResponse({"deliveries": [one.as_json() for one in found]})

    async def show_delivery(self, request: Request) -> Response:
        found = self.log.get(request.path_params["number"])
        if found is None:
            return JSONResponse({"error": "Delivery not found. It may have been discarded."}, 404)
        return JSONResponse(found.as_json())

    async def show_stats(self, _request: Request) -> Response:
        return JSONResponse(self.log.stats())

    async def clear(self, _request: Request) -> Response:
        self.log.clear()
        return Response(status_code=204)

    def _next_behaviour(self) -> Behaviour:
        chosen = self.behaviour
        if chosen.times is not None:
            left = chosen.times - 1
            self.behaviour = replace(chosen, times=left) if left else Behaviour()
        if chosen.mode == "flaky":
            self._turn += 1
            return replace(chosen, mode="fail") if self._turn % 2 else Behaviour()
        return chosen


def create_app(
    *secrets: str,
    now: Callable[[], float] = time.time,  # wall clock: a program of its own, without a context
) -> Receiver:
    """A receiver that accepts these secrets; with none it accepts nothing until told some."""
    return Receiver(secrets, now)


def run(app: Receiver, *, host: str = "127.0.0.1", port: int = DEFAULT_PORT) -> None:
    """Serve until a signal ends the program. Raises `StartupError` for a bad or taken address."""
    listening = _listen(host, port)
    uvicorn.Server(_config(app)).run(sockets=[listening])


@asynccontextmanager
async def running(app: Receiver, *, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Serve inside this event loop; gives the base URL. Signals stay with the caller."""
    listening = _listen(host, port)
    server = _Embedded(_config(app))
    task = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        while not server.started:
            if task.done():
                await task
                raise StartupError("The receiver did not start.")
            await asyncio.sleep(0.005)
        yield f"http://localhost:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        with suppress(asyncio.CancelledError):
            await task
        listening.close()


class _Embedded(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _config(app: Receiver) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        ws="none",
        timeout_graceful_shutdown=1,
    )


def _listen(host: str, port: int) -> socket.socket:
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise StartupError(f"The receiver can listen only on a loopback address, not on {host}.")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise StartupError(
            f"The receiver cannot listen on {host}:{port}: {error.strerror}."
        ) from error
    return listening


def _reset(transport: Any) -> None:
    if transport is None:
        raise HTTPException(501, "This server cannot reset a connection.")
    # With no time to linger the kernel sends RST instead of FIN.
    connection = transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


async def _read(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise HTTPException(413, f"The request body exceeds {MAX_BODY_BYTES} bytes.")
    return bytes(body)


async def _json(request: Request) -> object:
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise ValueError("Content-Type must be application/json.")
    found: object = json.loads(await _read(request))
    return found


def _secrets(data: object) -> list[str]:
    found = data.get("secrets") if isinstance(data, dict) else None
    if not isinstance(found, list) or not all(isinstance(one, str) and one for one in found):
        raise ValueError('The request body must be {"secrets": ["whsec_…"]}.')
    return list(found)


def _number(name: str, value: object, low: int, high: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise ValueError(f"{name} must be a whole number from {low} to {high}.")
    return value


def _unprocessable(error: ValueError) -> Response:
    return JSONResponse({"error": str(error)}, 422)
