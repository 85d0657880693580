"""What every answer carries, of the API and of pages, behind a proxy that ends TLS."""

from __future__ import annotations

import httpx
import pytest

from conftest import Cluster
from tests.browser.server import running_server
from tests.loopback import NO_AUTHORITIES

#: Good and bad answers of every plane. Not the pages' static files: those are told by their name.
API = (
    "/partner/v1/health",
    "/partner/v1/currencies",
    "/partner/v1/me",
    "/partner/v1/nothing",
    "/partner/v1/openapi.json",
    "/dashboard/v1/me",
    "/healthz",
    "/readyz",
)
PAGES = ("/login", "/docs", "/no/such/page", "/static/nothing.css")

HSTS = "max-age=31536000; includeSubDomains"

#: What a proxy says of the connection, and the header that the answer then has.
SENT = ((None, HSTS), ("https", HSTS), ("http", None), ("https, http", None))


def test_every_answer_has_nosniff_and_hsts_behind_a_trusted_proxy(
    cluster: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The API had neither, and pages no HSTS: their own server sees no TLS behind a proxy."""
    home = tmp_path_factory.mktemp("headers")
    https = {
        "PRIVATA_PUBLIC_URL": "https://privata.example",
        "PRIVATA_TRUSTED_PROXIES": "127.0.0.1/32",
    }
    with (
        running_server(cluster, home, **https) as server,
        httpx.Client(base_url=server.base_url, verify=NO_AUTHORITIES, timeout=60) as client,
    ):
        for path in (*API, *PAGES):
            for sent, hsts in SENT:
                headers = {"X-Forwarded-Proto": sent} if sent else {}
                answer = client.get(path, headers=headers)
                assert answer.headers.get_list("x-content-type-options") == ["nosniff"], path
                assert answer.headers.get("strict-transport-security") == hsts, (path, sent)
        for path in API:
            told = client.get(path).headers
            assert told["content-security-policy"].startswith("default-src 'none'"), path
            assert told["x-frame-options"] == "DENY", path
            assert told["referrer-policy"] == "no-referrer", path
        assert "script-src 'self'" in client.get("/login").headers["content-security-policy"]
