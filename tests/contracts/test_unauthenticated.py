"""Every route that answers who is not signed in stands in the table of docs/rate-limits.md, with
what bounds it: a new one that is in no line fails here."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from conftest import Cluster, environment_for
from privata.api import changenow_openapi
from privata.api.openapi import document
from tests import programs
from tests.contracts.matrix import OPEN, OWN_ACCOUNT

ROOT = Path(__file__).resolve().parents[2]

#: Rows that stand for all routes that end at the access check.
_REST = ("pages that lead to sign-in", "every other path")


def _listed() -> dict[str, str]:
    """Route to what bounds it."""
    text = (ROOT / "docs" / "rate-limits.md").read_text().partition("## Without signing in")[2]
    rows = re.findall(r"^\| (.+?) \| (.+?) \| (.+?) \|$", text, re.MULTILINE)
    assert all(any(row[0].startswith(rest) for row in rows) for rest in _REST)
    return {route: bound for routes, _, bound in rows for route in re.findall(r"`([^`]+)`", routes)}


def _pages(cluster: Cluster, name: str, home: Path) -> set[str]:
    """Names of the dashboard's routes that do not end at an access check that asks for sign-in."""
    env = environment_for(home, cluster.app(name), cluster.owner(name))
    ended = programs.run("tests.contracts.routes", "routes", env=env)
    assert ended.returncode == 0, ended.stderr
    routes = json.loads(ended.stdout.splitlines()[-1])
    return {
        route["name"]
        for route in routes
        if route["name"] in OPEN
        or (route["name"].startswith(OWN_ACCOUNT) and not route["signed_in"])
    }


def test_every_route_for_everybody_is_listed_with_its_bound(
    cluster: Cluster, database_name: str, tmp_path: Path
) -> None:
    address = "https://p.example"
    paths = document(address)["paths"] | changenow_openapi.document(address)["paths"]
    api = {
        path
        for path, methods in paths.items()
        if not any(
            parameter.get("name") == "X-API-Key" and parameter.get("required")
            for method in methods.values()
            for parameter in method.get("parameters", [])
        )
        and any(_without_key(method) for method in methods.values())
    }
    assert "/partner/v1/estimate" in api
    assert "/partner/v1/order/create" not in api
    assert {"/v2/exchange/currencies", "/v2/validate/address"} <= api
    assert "/v2/exchange" not in api
    pages = _pages(cluster, database_name, tmp_path)
    assert {"account_login", "account_signup", "track"} <= pages
    assert "account_security" not in pages
    listed = _listed()
    missing = sorted((pages | api) - listed.keys())
    assert not missing, f"not in the table of docs/rate-limits.md: {missing}"
    assert all(listed.values())
    known = pages | api | {"/healthz", "/readyz", "/partner/v1", "/v2", "/dashboard/v1"}
    gone = sorted(set(listed) - known - {"/partner/v1/openapi.json", "/v2/openapi.json"})
    assert not gone, f"in the table, but no route for everybody: {gone}"


def _without_key(method: Mapping[str, Any]) -> bool:
    """Whether the document lets an operation be called without a key."""
    security = method.get("security")
    return not security or {} in security
