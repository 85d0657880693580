"""The local receiver over a real socket, driven by our own transport."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator

import httpx
import pytest

from privata.core.errors import StartupError
from privata.webhooks.outcomes import Outcome
from privata.webhooks.receiver.app import Behaviour, create_app, run, running
from privata.webhooks.signing.signatures import Message, headers_for
from privata.webhooks.tests.receivers import DEVELOPMENT, system_roots, transport
from privata.webhooks.transport.transport import OutboundRequest, SendResult, Transport

SECRET, NEW = "whsec_test_old", "whsec_test_new"


class Bench:
    """A receiver, our transport to deliver with, and a plain client to look with."""

    def __init__(self, url: str, client: Transport, web: httpx.AsyncClient) -> None:
        self.url, self.client, self.web = url, client, web

    async def deliver(
        self,
        number: int = 1,
        *,
        order: str = "prv-1",
        seq: int = 1,
        secrets: tuple[str, ...] = (SECRET,),
        body: bytes | None = None,
        deadline_s: float = 5.0,
    ) -> SendResult:
        payload = {"event": "order.completed", "order": {"order_id": order}, "seq": seq}
        sent = json.dumps(payload).encode() if body is None else body
        message = Message(f"evt:{number}", f"dlv_{number}", 1, int(time.time()), sent)
        headers = headers_for("privata", secrets, message)
        return await self.client.send(
            OutboundRequest(f"{self.url}/hook/x", headers, sent, DEVELOPMENT, deadline_s, "d")
        )

    async def behave(self, **behaviour: object) -> None:
        answer = await self.web.post("/behaviour", json=behaviour)
        assert answer.status_code == 200, answer.text

    async def stats(self) -> dict[str, object]:
        found: dict[str, object] = (await self.web.get("/deliveries/stats")).json()
        return found


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with (
        running(create_app(SECRET)) as url,
        transport() as client,
        httpx.AsyncClient(base_url=url, trust_env=False, verify=system_roots()) as web,
    ):
        yield Bench(url, client, web)


async def test_verified_repeated_and_out_of_order(bench: Bench) -> None:
    for number, seq in ((1, 1), (3, 3), (2, 2), (1, 1)):
        assert (await bench.deliver(number, seq=seq)).status_code == 200
    await bench.deliver(9, order="prv-2", seq=1)
    await bench.deliver(1, seq=1, body=b'{"event":"order.completed","other":"bytes"}')
    stats = await bench.stats()
    assert {name: stats[name] for name in ("received", "verified", "unique_events")} == {
        "received": 6, "verified": 6, "unique_events": 4,
    }  # fmt: skip
    assert (stats["duplicates"], stats["changed"], stats["out_of_order"]) == (2, 1, 1)
    found = (await bench.web.get("/deliveries", params={"order_id": "prv-1"})).json()["deliveries"]
    assert [(one["event_id"], one["out_of_order"], one["duplicate"]) for one in found] == [
        ("evt:1", False, True),
        ("evt:2", True, False),
        ("evt:3", False, False),
        ("evt:1", False, False),
    ]
    one = (await bench.web.get(f"/deliveries/{found[0]['number']}")).json()
    assert one["body"].startswith('{"event"')
    assert dict(one["headers"])["x-privata-delivery-id"] == "dlv_1"
    assert (await bench.web.get("/deliveries?event=none")).json() == {"deliveries": []}
    assert (await bench.web.get("/deliveries/99")).status_code == 404
    assert (await bench.web.delete("/deliveries")).status_code == 204
    assert (await bench.stats())["received"] == 0


async def test_unverified_is_401_and_spends_no_behaviour(bench: Bench) -> None:
    await bench.behave(mode="fail", times=1)
    assert (await bench.deliver(secrets=("whsec_test_wrong",))).status_code == 401
    assert (await bench.stats())["unverified"] == 1
    assert (await bench.deliver()).status_code == 500


async def test_rotation_accepts_both_secrets(bench: Bench) -> None:
    assert (await bench.deliver(1, secrets=(NEW,))).status_code == 401
    answer = await bench.web.post("/secrets", json={"secrets": [SECRET, NEW]})
    assert answer.json() == {"secrets": 2}
    for number, secrets in enumerate(((SECRET,), (NEW,), (SECRET, NEW))):
        assert (await bench.deliver(number, secrets=secrets)).status_code == 200


@pytest.mark.parametrize(
    ("behaviour", "outcome", "status"),
    [
        ({"mode": "fail", "status": 503}, Outcome.HTTP_ERROR, 503),
        ({"mode": "redirect"}, Outcome.REDIRECT, 302),
        ({"mode": "gone"}, Outcome.HTTP_ERROR, 410),
        ({"mode": "ok", "status": 204}, Outcome.DELIVERED, 204),
        ({"mode": "slow", "delay_ms": 20}, Outcome.DELIVERED, 200),
        ({"mode": "reset"}, Outcome.CONNECTION, None),
    ],
)
async def test_modes(
    bench: Bench, behaviour: dict[str, object], outcome: Outcome, status: int | None
) -> None:
    await bench.behave(**behaviour, times=1)
    result = await bench.deliver()
    assert (result.outcome, result.status_code) == (outcome, status)
    assert (await bench.web.get("/behaviour")).json()["mode"] == "ok"
    assert (await bench.deliver()).status_code == 200


async def test_hang_holds_until_the_sender_gives_up(bench: Bench) -> None:
    await bench.behave(mode="hang")
    result = await bench.deliver(deadline_s=0.2)
    assert result.outcome is Outcome.TIMEOUT
    assert (await bench.stats())["answers"] == {"hang": 1}


async def test_flaky_fails_every_second_time(bench: Bench) -> None:
    await bench.behave(mode="flaky", status=502)
    found = [(await bench.deliver(number)).status_code for number in range(4)]
    assert found == [502, 200, 502, 200]


@pytest.mark.parametrize(
    ("data", "word"),
    [
        ({"mode": "explode"}, "mode must be one of"),
        ({"mode": "fail", "status": 99}, "status"),
        ({"delay_ms": -1}, "delay_ms"),
        ({"times": 0}, "times"),
        ({"times": True}, "times"),
        ({"colour": 1}, "colour"),
        ([], "object"),
    ],
)
async def test_odd_behaviour_is_refused(data: object, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        Behaviour.from_json(data)


async def test_a_web_page_cannot_drive_it(bench: Bench) -> None:
    plain = await bench.web.post("/behaviour", content='{"mode":"hang"}')
    assert plain.status_code == 422
    for data in ('{"secrets": "x"}', "{", "[1]", '{"secrets": [""]}'):
        answer = await bench.web.post(
            "/secrets", content=data, headers={"content-type": "application/json"}
        )
        assert answer.status_code == 422
        assert answer.json()["error"]
    rebound = await bench.web.get("/deliveries", headers={"host": "evil.example.com"})
    assert rebound.status_code == 400
    assert (await bench.web.get("/behaviour")).json()["mode"] == "ok"
    assert (await bench.web.get("/deliveries?limit=0")).status_code == 422
    assert (await bench.web.get("/deliveries?limit=x")).status_code == 422


async def test_the_page_shows_what_came_and_escapes_it(bench: Bench) -> None:
    assert "No deliveries yet" in (await bench.web.get("/")).text
    await bench.deliver(1, order="<script>alert(1)</script>")
    await bench.deliver(1)
    answer = await bench.web.get("/")
    assert "<script" not in answer.text
    assert "&lt;script&gt;" in answer.text
    assert "duplicate" in answer.text
    assert "style=" not in answer.text
    assert SECRET not in answer.text
    assert "default-src 'none'; style-src 'self'" in answer.headers["content-security-policy"]
    style = await bench.web.get("/style.css")
    assert style.headers["content-type"].startswith("text/css")
    assert "prefers-color-scheme: dark" in style.text


async def test_only_the_last_thousand_are_kept(bench: Bench) -> None:
    app = create_app(SECRET)
    for number in range(1005):
        app.log.record(
            received_at=0.0,
            path="/hook",
            headers=[("x-privata-event-id", str(number))],
            body=b"not json",
            verified=True,
            answer="200",
        )
    stats = app.log.stats()
    assert (stats["received"], stats["kept"], stats["unique_events"]) == (1005, 1000, 1005)
    assert app.log.get(1) is None
    assert app.log.get(1005) is not None


def test_loopback_only() -> None:
    for host in ("0.0.0.0", "::", "192.168.1.1", "example.com"):
        with pytest.raises(StartupError, match="loopback"):
            run(create_app(SECRET), host=host, port=0)


async def test_a_taken_port_is_said_clearly(bench: Bench) -> None:
    port = int(bench.url.rpartition(":")[2])
    with pytest.raises(StartupError, match=f"cannot listen on 127.0.0.1:{port}"):
        run(create_app(SECRET), port=port)
