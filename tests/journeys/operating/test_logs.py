"""The logs of a whole server while people and programs send it their secrets in every place."""

from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from conftest import Cluster
from tests import canaries
from tests.browser.server import Server, running_server
from tests.canaries import found_in, plant
from tests.loopback import NO_AUTHORITIES
from tests.visitors import Mailbox, link_in, sign_up, visitor

#: The path of a request that would write a line of its own, and turn the terminal red.
FORGED = "/x%0A12:00:00%20INFO%20%20%20%20privata.audit:%20approved%1B[31m%E2%80%A8%E2%80%AE"


@pytest.fixture(scope="module", params=["text", "json"])
def served(
    request: pytest.FixtureRequest, cluster: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Server, Path]]:
    home = tmp_path_factory.mktemp("logs")
    more = {"PRIVATA_LOG_LEVEL": "debug", "PRIVATA_LOG_FORMAT": request.param}
    with running_server(cluster, home, **more) as server:
        yield server, home


def test_tokens_and_keys_reach_no_log(served: tuple[Server, Path]) -> None:
    """Paths with tokens were written by Django's own loggers, at WARNING."""
    server, home = served
    mailbox = Mailbox(server, home / "mail")
    secrets = [server.credentials.test_key, server.credentials.owner_password]
    with visitor(server) as who:
        sign_up(server, mailbox, who, "logs@wallet.example")
        who.post("/reset", email="logs@wallet.example")
        link = link_in(mailbox.wait("logs@wallet.example", 2))
        invitation = plant("Ab3Cd5Ef7Gh9Jk2Lm4Np6Qr8St1Uv3Wx5Yz7Ab9Cd2E")
        secrets += [link.rpartition("/")[2], invitation, who.token or ""]
        who.client.post(link)  # no CSRF token: django.security.csrf names the path
        who.client.get(link + "x")
        who.client.get(f"/invitations/{invitation}")
        who.client.post(f"/invitations/{invitation}", data={"csrfmiddlewaretoken": who.csrf})
        who.client.get(f"/unknown/{invitation}?token={invitation}")
        who.client.delete(f"/login?next=/reset/{invitation}")
    key = {"X-API-Key": server.credentials.test_key}
    with httpx.Client(base_url=server.base_url, verify=NO_AUTHORITIES) as client:
        for path in (f"/partner/v1/{invitation}", f"/partner/v1/me?key={secrets[0]}"):
            client.get(path, headers=key)
        client.get("/dashboard/v1/me", headers={"Authorization": f"Bearer pat_{invitation}"})
    log = (home / "server.log").read_text()
    assert "/reset/***" in log
    assert "/invitations/***" in log
    assert [one[:6] for one in secrets if one in log] == []
    assert found_in(log) == set()


def test_requests_forge_no_line(served: tuple[Server, Path]) -> None:
    server, home = served
    for path in (FORGED, f"/partner/v1{FORGED}"):
        httpx.get(server.base_url + path, verify=NO_AUTHORITIES)
    raw = (home / "server.log").read_text()
    assert "privata.audit: approved" in raw
    lines = raw.split("\n")[:-1]
    if lines[0].startswith("{"):
        assert all(isinstance(json.loads(line)["message"], str) for line in lines)
    for line in lines:
        assert line.startswith(("{", "    | ")) or re.match(
            r"\d\d:\d\d:\d\d [A-Z]+ +[\w.]+: ", line
        )
        assert not line.startswith("12:00:00 INFO    privata.audit")
        assert line.isprintable() or line.isascii()
        assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u202e]", line)


SAID = """
import logging, sys, threading, warnings
from privata.infra.telemetry import configure_logging
own = logging.getLogger("library"); own.propagate = False
own.addHandler(logging.StreamHandler(sys.stderr))
configure_logging("info", sys.argv[1])
own.warning("GET /reset/%s", "CANARY")
warnings.warn("password=CANARY")
threading.Thread(target=lambda: 1 / 0 if "CANARY" == "" else int("/reset/CANARY")).start()
class Dies:
    def __del__(self): raise ValueError("token=CANARY")
d = Dies(); del d
raise SystemError("pk_live_CANARY")
"""


@pytest.mark.parametrize("form", ["text", "json"])
def test_whatever_a_library_writes_goes_through_the_one_handler(form: str) -> None:
    """Loggers with handlers of their own, warnings, threads, finalizers, uncaught exceptions."""
    canary = "Zq3vX8kLm2Np7Rt5Wy9Bc4Df6Gh1Jk0QsUvEaTiOxPz"
    done = subprocess.run(
        [sys.executable, "-c", SAID.replace("CANARY", canary), form],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    # Source lines of the script are not in the trace: it came by -c.
    assert canary not in done.stderr
    for part in (
        "GET /reset/***",
        "UserWarning",
        "a thread died",
        "ignored in",
        "the program died",
    ):
        assert part in done.stderr
    for line in done.stderr.splitlines():
        assert line.startswith(("{", "    | ")) or re.match(r"\d\d:\d\d:\d\d ", line)


def test_the_canaries_sing() -> None:
    """The check of the whole run finds a secret in a record of this process, and in a file."""
    secret = "canary-of-the-check-itself-1234567"
    canaries._planted.add(secret)
    try:
        logging.getLogger("django.request").warning("Not Found: /elsewhere/%s", secret)
        assert found_in("\n".join(canaries._lines)) == {secret}
        assert found_in(f"GET /a?b={secret}&c") == {secret}
        assert found_in(f"'{secret}'") == {secret}
        assert found_in("nothing") == set()
    finally:
        canaries._planted.discard(secret)
