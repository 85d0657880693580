"""The newcomer's story: start the demo, make an order with curl's means, verify what arrived."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from privata.infra import embedded
from tests.conftest import ADDRESSES

FACTS = {
    "base_url", "test_key", "live_key", "owner_email", "owner_password", "operator_email",
    "operator_password", "receiver_url", "webhook_secret", "exchanges", "try",
}  # fmt: skip

SUCCESS = ["waiting_deposit", "confirming", "exchanging", "sending", "completed"]


def verify(raw_body: bytes, header: str, secret: str) -> bool:
    """Written from the published webhook page alone: raw body, base64, constant time."""
    t, v1 = None, []
    for item in header.split(","):
        name, _, value = item.partition("=")
        if name == "t":
            t = value
        elif name == "v1":
            v1.append(value)
    mac = hmac.new(secret.encode(), f"{t}.".encode() + raw_body, hashlib.sha256)
    expected = base64.b64encode(mac.digest()).decode()
    return any(hmac.compare_digest(expected, candidate) for candidate in v1)


@contextlib.contextmanager
def running_demo(home: Path, **more: str) -> Iterator[dict[str, Any]]:
    """`privata demo --json` from its one line until Ctrl-C, with `more` in its environment."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PRIVATA_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "privata", "demo", "--json"],
        env=kept | {"PRIVATA_HOME": str(home), "PRIVATA_PORT": "0"} | more,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        ready, _, _ = select.select([process.stdout], [], [], 120)
        assert ready, "the demo did not get ready"
        yield json.loads(process.stdout.readline())
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    embedded.destroy(tmp_path)


def until(condition: Any, seconds: float = 60.0) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError("it did not happen in time")


def make_order(demo: dict[str, Any], **query: Any) -> dict[str, Any]:
    api = httpx.Client(
        base_url=f"{demo['base_url']}/partner/v1", headers={"X-API-Key": demo["test_key"]}
    )
    with api:
        quote = api.get("/estimate", params={"from": "BTC", "to": "ETH", "amount": "0.1"}).json()
        body = {"quote_id": quote["quote_id"], "address": ADDRESSES["ETH"]}
        order = api.post("/order/create", params=query, json=body)
        assert order.status_code == 201, order.text
        order_id = order.json()["order_id"]

        def ended() -> Any:
            found = api.get(f"/order/{order_id}").json()
            return found if found["status"] == "completed" else None

        finished: dict[str, Any] = until(ended)
    return finished


def deliveries_of(demo: dict[str, Any], order_id: str) -> list[dict[str, Any]]:
    answer = httpx.get(f"{demo['receiver_url']}/deliveries", params={"order_id": order_id})
    found: list[dict[str, Any]] = answer.json()["deliveries"]
    return sorted(found, key=lambda one: one["number"])


def stats_of(demo: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(f"{demo['receiver_url']}/deliveries/stats").json()
    return found


def test_an_order_travels_from_curl_to_verified_webhooks(home: Path) -> None:
    with running_demo(home) as demo:
        assert set(demo) == FACTS
        order = make_order(demo, sandbox_scenario="success", sandbox_ttl=5)
        assert [entry["status"] for entry in order["timeline"]] == SUCCESS
        until(lambda: len(deliveries_of(demo, order["order_id"])) == len(SUCCESS))
        received = deliveries_of(demo, order["order_id"])
        bodies = [one["body"].encode() for one in received]
        assert [json.loads(body)["event"] for body in bodies] == [f"order.{s}" for s in SUCCESS]
        assert len({json.loads(body)["event_id"] for body in bodies}) == len(SUCCESS)
        for one, body in zip(received, bodies, strict=True):
            headers = dict(one["headers"])
            signature = headers["x-privata-signature"]
            assert verify(body, signature, demo["webhook_secret"])
            assert not verify(body + b" ", signature, demo["webhook_secret"])
            assert headers["x-privata-event-id"] == json.loads(body)["event_id"]
        endpoints = httpx.get(
            f"{demo['base_url']}/partner/v1/webhook/endpoints",
            headers={"X-API-Key": demo["test_key"]},
        )
        assert endpoints.status_code == 200, "the demo's key can use the webhook API"
        # The wallets are at work too: all five scenarios arrive by themselves.
        until(
            lambda: len(httpx.get(f"{demo['receiver_url']}/deliveries/stats").json()["events"]) >= 7
        )
        stats = httpx.get(f"{demo['receiver_url']}/deliveries/stats").json()
        assert (stats["unverified"], stats["duplicates"], stats["out_of_order"]) == (0, 0, 0)

    with running_demo(home) as again:
        kept = FACTS - {"base_url", "receiver_url", "exchanges", "try"}
        assert {name: again[name] for name in kept} == {name: demo[name] for name in kept}
        order = make_order(again, sandbox_ttl=0)
        until(lambda: len(deliveries_of(again, order["order_id"])) == len(SUCCESS))
