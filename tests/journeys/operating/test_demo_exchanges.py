"""What the demo shows of live orders: three exchanges, one slow, one failing, and a refund."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from conftest import Cluster
from privata.infra.context import AppContext
from privata.providers.port import Credentials
from privata.routing import setting
from tests.conftest import ADDRESSES
from tests.journeys.operating.test_demo import running_demo, until

NAMES = {"changenow", "fixedfloat", "exolix"}

QUERY = {"from": "BTC", "to": "ETH", "to_network": "ETH", "amount": "0.1"}


@pytest.fixture
def environment(cluster: Cluster, database_name: str) -> dict[str, str]:
    return {
        "PRIVATA_DATABASE_URL": cluster.app(database_name),
        "PRIVATA_DATABASE_OWNER_URL": cluster.owner(database_name),
        "PRIVATA_RATE_OFFERS_PER_MINUTE": "1000",
    }


@contextmanager
def live_api(demo: dict[str, Any]) -> Iterator[httpx.Client]:
    url, headers = f"{demo['base_url']}/partner/v1", {"X-API-Key": demo["live_key"]}
    with httpx.Client(base_url=url, headers=headers, timeout=20) as api:
        yield api


def offers(api: httpx.Client) -> dict[str, dict[str, Any]]:
    answer = api.get("/estimate", params=QUERY | {"include": "all"})
    found = answer.json().get("offers", []) if answer.status_code == 200 else []
    return {one["provider"]: one for one in found}


def offers_of_all(api: httpx.Client) -> dict[str, dict[str, Any]]:
    """An offer of each, as soon as there is one. Some calls of one of them fail."""

    def all_offered() -> dict[str, dict[str, Any]] | None:
        found = offers(api)
        return found if set(found) == NAMES else None

    return until(all_offered)  # type: ignore[no-any-return]


def orders(api: httpx.Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.get("/me/orders", params={"limit": 100}).json()["orders"]
    return found


def outages(api: httpx.Client) -> set[str]:
    """The exchanges of whose outage the partner was told."""
    found, after = set(), "0"
    while True:
        page = api.get("/events", params={"after": after}).json()
        for one in page["events"]:
            if one["type"] == "provider_outage_affecting_partner":
                found.add(one["body"]["provider"])
        if not page["more"]:
            return found
        after = page["last"]


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_live_orders_are_swapped_stranded_and_refunded_while_an_exchange_is_down(
    tmp_path: Path, environment: dict[str, str], owner: asyncpg.Connection
) -> None:
    with running_demo(tmp_path, **environment) as demo, live_api(demo) as api:
        running = {one["name"]: one for one in demo["exchanges"]}
        assert set(running) == NAMES
        assert all(one["base_url"].startswith("http://127.0.0.1:") for one in running.values())
        assert all(is_running(one["pid"]) for one in running.values())
        # The slow one is among those who answer.
        quote = offers_of_all(api)["fixedfloat"]
        for url, key in demo["try"]:
            tried = httpx.get(url, headers={"X-API-Key": key}, timeout=20)
            assert tried.status_code == 200, tried.text
        body = {"quote_id": quote["quote_id"], "address": ADDRESSES["ETH"]}
        made = api.post("/order/create", json=body)
        assert made.status_code == 201, made.text
        # An order at the one that fails stays open, so that there is somebody to tell of an outage.
        until(lambda: "exolix" in {one["provider"] for one in orders(api)})
        # One hangs from now on: the others' offers come all the same.
        os.kill(running["exolix"]["pid"], signal.SIGSTOP)
        left = offers(api)
        assert left, "an exchange that hangs stops the quotes"
        assert "exolix" not in left
        assert api.get("/estimate", params=QUERY).json()["provider"] in NAMES - {"exolix"}

        def order(order_id: str) -> dict[str, Any]:
            found: dict[str, Any] = api.get(f"/order/{order_id}").json()
            return found

        def refund_asked_for() -> Any:
            # The wallets' own first order at ChangeNOW: nobody here has asked for it.
            return [
                one
                for one in orders(api)
                if one["provider"] == "changenow"
                and (one["refund"] or {}).get("state") == "processing"
            ]

        (refunding, *_) = until(refund_asked_for)
        for _ in range(60):
            # Its provider is asked again after five minutes; here they pass again and again.
            await owner.execute("UPDATE refund SET due_at = now() WHERE state = 'processing'")
            if order(refunding["order_id"])["status"] == "refunded":
                break
            await asyncio.sleep(1)
        else:
            raise AssertionError("the deposit was not sent back")
        until(lambda: order(made.json()["order_id"])["status"] == "completed")
        until(lambda: "exolix" in outages(api))
    assert not any(is_running(one["pid"]) for one in demo["exchanges"])
    assert not await owner.fetchval("SELECT bool_or(enabled) FROM provider")
    assert {one.stem for one in (tmp_path / "exchanges").iterdir()} >= {"changenow", "fixedfloat"}


async def test_with_a_real_provider_the_demo_makes_no_live_orders(
    tmp_path: Path, environment: dict[str, str], ctx: AppContext, owner: asyncpg.Connection
) -> None:
    await setting.set_credentials(ctx, "changenow", Credentials(key="given-by-changenow"))
    before = await owner.fetch("SELECT * FROM provider")
    with running_demo(tmp_path, **environment) as demo:
        assert demo["exchanges"] == []
    assert await owner.fetch("SELECT * FROM provider") == before
