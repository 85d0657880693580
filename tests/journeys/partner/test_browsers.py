"""CORS: what pages of other sites may read, and why a secret key is refused there."""

from __future__ import annotations

import httpx
import pytest

from privata.apikeys.scopes import Scope
from privata.core.tenancy import Environment
from tests.conftest import Partner, mint
from tests.journeys.partner.test_manners import PATHS, QUERIES

SITE = {"Origin": "https://wallet.example"}
ALLOW = "access-control-allow-origin"

KEYLESS = [
    *("/health", "/currencies", "/pairs", "/limits", "/estimate", "/openapi.json"),
    *("/providers/refund-capability", "/validate-address"),
]


async def preflight(partner: Partner, path: str, method: str = "GET") -> httpx.Response:
    asks = {"Access-Control-Request-Method": method, "Access-Control-Request-Headers": "x-api-key"}
    return await partner.client.options(path, headers=SITE | asks)


@pytest.mark.parametrize("path", KEYLESS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_pages_read_what_is_open_to_all(partner: Partner, path: str, method: str) -> None:
    answer = await partner.client.request(method, path, params=QUERIES.get(path), headers=SITE)
    assert (answer.status_code, answer.headers[ALLOW]) == (200, "*")
    assert "access-control-allow-credentials" not in answer.headers
    exposed = answer.headers["access-control-expose-headers"]
    for name in ("X-RateLimit-Remaining", "X-Request-Id", "Retry-After"):
        assert name in exposed


async def test_servers_get_no_headers_for_browsers(partner: Partner) -> None:
    answer = await partner.get("/currencies")
    assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize("path", ["/currencies", "/order/x", "/me"])
@pytest.mark.parametrize("environment", list(Environment))
async def test_a_secret_key_in_a_browser_is_refused_and_told_why(
    partner: Partner, path: str, environment: Environment
) -> None:
    key = partner.test_key if environment is Environment.TEST else partner.live_key
    answer = await partner.client.get(path, headers=SITE | {"X-API-Key": key})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (403, "BROWSER_REFUSED")
    assert answer.headers[ALLOW] == "*", "the page must be able to read why"
    for part in ("secret key", key[:16], "Rotate", "your server"):
        assert part in error["message"]
    assert key not in error["message"]
    assert (await partner.get("/currencies", key=key)).status_code == 200


async def test_a_secret_key_makes_no_order_from_a_browser(partner: Partner) -> None:
    answer = await partner.create(headers=SITE)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "BROWSER_REFUSED")
    assert await partner.ctx.database.pool.fetchval("SELECT count(*) FROM orders") == 0


async def test_a_publishable_key_may_stand_in_a_page(partner: Partner) -> None:
    key = await mint(partner.ctx, partner.organization_id, Environment.TEST, Scope.RAMP_EMBED)
    answer = await partner.client.get("/currencies", headers=SITE | {"X-API-Key": key})
    assert answer.json()["error"]["code"] == "SCOPE_REQUIRED"  # it opens the ramp page alone
    assert answer.headers[ALLOW] == "*"


async def test_wrong_keys_from_browsers_count_as_wrong_keys(partner: Partner) -> None:
    answer = await partner.client.get("/me", headers=SITE | {"X-API-Key": "pk_test_" + "A" * 43})
    assert (answer.status_code, answer.headers[ALLOW]) == (401, "*")


@pytest.mark.parametrize(("path", "method"), PATHS)
async def test_preflights_are_answered_with_what_is_allowed(
    partner: Partner, path: str, method: str
) -> None:
    answer = await preflight(partner, path, method.upper())
    reads = (path, "get") in PATHS
    assert answer.status_code == (204 if reads else 403)
    if reads:
        assert answer.headers[ALLOW] == "*"
        assert answer.headers["access-control-allow-methods"] == "GET, HEAD"
        assert "X-API-Key" in answer.headers["access-control-allow-headers"]
        assert int(answer.headers["access-control-max-age"]) > 0
    else:
        assert answer.json()["error"]["code"] == "BROWSER_REFUSED"
        assert ALLOW not in answer.headers


async def test_preflights_of_nothing_are_404(partner: Partner) -> None:
    answer = await preflight(partner, "/nope")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NOT_FOUND")


async def test_preflights_take_no_token(partner: Partner) -> None:
    before = await partner.get("/currencies", key=None)
    for _ in range(20):
        answer = await preflight(partner, "/currencies")
        assert "x-ratelimit-remaining" not in answer.headers
    taken = await partner.ctx.database.pool.fetchval(
        "SELECT sum(tokens) FROM rate_bucket WHERE tokens < $1",
        float(before.headers["X-RateLimit-Remaining"]) - 1,
    )
    assert taken is None


async def test_options_alone_is_no_preflight(partner: Partner) -> None:
    answer = await partner.client.options("/currencies", headers=SITE)
    assert (answer.status_code, set(answer.headers["Allow"].split(", "))) == (405, {"GET", "HEAD"})
