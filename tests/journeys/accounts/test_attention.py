"""What the first page says needs a person."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest

from conftest import Cluster
from tests.browser.server import Server, running_server
from tests.visitors import Visitor, visitor


@pytest.fixture(scope="module")
def server(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(cluster, tmp_path_factory.mktemp("attention")) as running:
        yield running


def _window_closes(who: Visitor) -> str | None:
    found = re.search(r'window closes\s+in\s+<count-down[^>]* at="([^"]+)"', who.get("/test/").text)
    return found and found.group(1)


def test_a_window_counts_from_when_the_refund_was_needed(server: Server) -> None:
    """It counted from the order's last change, and choosing an action is one."""
    order_id = server.create_order(sandbox_scenario="refund", sandbox_ttl=0)
    with visitor(server) as who:
        who.sign_in(server.credentials.owner_email, server.credentials.owner_password)
        until = time.monotonic() + 60
        while (before := _window_closes(who)) is None:
            assert time.monotonic() < until
            time.sleep(0.1)
        server.execute(
            "UPDATE orders SET updated_at = now() + interval '1 hour' WHERE id = %s", order_id
        )
        assert _window_closes(who) == before
