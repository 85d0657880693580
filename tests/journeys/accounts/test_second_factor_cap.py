"""A hundred wrong second factors are the last, and the console is for staff who have shown one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from conftest import Cluster
from tests.browser.server import Server, running_server
from tests.journeys.accounts.guarding import turn_on
from tests.visitors import Mailbox, Visitor, age_authentication, alert_in, sign_up, text_of, visitor


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cap")


@pytest.fixture(scope="module")
def server(cluster: Cluster, home: Path) -> Iterator[Server]:
    with running_server(cluster, home) as running:
        yield running


@pytest.fixture(scope="module")
def mailbox(server: Server, home: Path) -> Mailbox:
    return Mailbox(server, home / "mail")


def wrong_codes(server: Server, email: str, becomes: int | None = None) -> int:
    """How many the person has; set before, where a test cannot wait for the windows."""
    if becomes is not None:
        server.execute("UPDATE app_user SET wrong_factors = %s WHERE email = %s", becomes, email)
    ((count,),) = server.execute("SELECT wrong_factors FROM app_user WHERE email = %s", email)
    return int(count)


def test_a_hundred_wrong_second_factors_are_the_last(server: Server, mailbox: Mailbox) -> None:
    email = "capped@wallet.example"
    with visitor(server) as owner:
        sign_up(server, mailbox, owner, email)
        _, codes = turn_on(owner)
        with visitor(server) as clumsy:
            clumsy.sign_in(email)
            for _ in range(2):
                assert alert_in(clumsy.post("/login/second-factor", code="000000"))
            assert wrong_codes(server, email) == 2
            clumsy.post("/login/second-factor", code=codes[0])
            assert wrong_codes(server, email) == 0, "typing errors before a right code do not count"
        with visitor(server) as thief:
            thief.sign_in(email)
            thief.post("/login/second-factor", code="000000")
            wrong_codes(server, email, becomes=98)
            # The person's own sign-in makes no room beside the thief's.
            with visitor(server) as at_home:
                at_home.sign_in(email)
                at_home.post("/login/second-factor", code=codes[1])
                assert wrong_codes(server, email) == 98
            for _ in range(2):
                thief.post("/login/second-factor", code="000000")
            assert wrong_codes(server, email) == 100
        server.execute("DELETE FROM account_tries")
        for code in (codes[2], "000000"):
            with visitor(server) as late:
                late.sign_in(email)
                page = late.post("/login/second-factor", code=code)
                assert "Codes are locked" in alert_in(page)
        age_authentication(server, owner.token)
        owner.post("/account/security/recovery/new")
        assert "Codes are locked" in alert_in(owner.post("/confirm", code=codes[3]))
    mails = [mail for mail in mailbox.of(email) if "are locked" in str(mail["Subject"])]
    count = len(mailbox.of(email))
    mails = mails or [mailbox.wait(email, count + 1)]
    assert "contact the operator" in text_of(mails[0])
    said = server.privata("accounts", "unlock", email.upper())
    assert "had 100 wrong second factors" in said
    with visitor(server) as again:
        again.sign_in(email)
        assert again.post("/login/second-factor", code=codes[2]).url.path != "/login/second-factor"
    actions = [row[0] for row in server.execute("SELECT action FROM audit_entry ORDER BY id")]
    assert actions.count("second_factor.locked") == 1
    assert actions.count("second_factor.unlocked") == 1


def test_staff_without_a_second_factor_see_nothing_of_the_console(
    server: Server, mailbox: Mailbox
) -> None:
    email = "staff@operator.example"
    ident = server.credentials.organization_id
    pages = ("/console/organizations", f"/console/organizations/{ident}")

    def sees(who: Visitor, path: str) -> str:
        page = who.get(path)
        assert "Acme Wallet" not in page.text
        return page.url.path

    with visitor(server) as staff, visitor(server) as other:
        sign_up(server, mailbox, staff, email)
        server.execute("UPDATE app_user SET is_staff = true WHERE email = %s", email)
        other.sign_in(email)
        for path in pages:
            assert sees(staff, path) == "/account/security"
        assert "Set up two-factor sign-in first" in staff.get("/console/organizations").text
        assert "Acme Wallet" not in staff.post(f"{pages[1]}/decide", decision="reject").text
        _, codes = turn_on(staff)
        assert "Acme Wallet" in staff.get("/console/organizations").text
        # Another session of the same person has shown a password only.
        assert sees(other, "/console/organizations") == "/confirm"
        other.post("/confirm", code=codes[0])
        assert "Acme Wallet" in other.get("/console/organizations").text
    with visitor(server) as later:
        later.sign_in(email)
        later.post("/login/second-factor", code=codes[1])
        assert "Acme Wallet" in later.get("/console/organizations").text


def test_passkeys_say_why_127_0_0_1_cannot_work(server: Server, mailbox: Mailbox) -> None:
    port = server.base_url.rpartition(":")[2]
    said = "Passkeys do not work with the IP address 127.0.0.1."
    server = replace(server, base_url=f"http://127.0.0.1:{port}")
    with visitor(server) as who:
        page = who.get("/login").text
        assert f"{said} Open http://localhost:{port}/login" in page
        assert "passkey-form" not in page
        named = who.client.get("/login", headers={"Host": f"localhost:{port}"}).text
        assert "do not work" not in named
        assert "passkey-form" in named
        sign_up(server, mailbox, who, "keyless@wallet.example")
        assert said in who.get("/account/security/passkeys/add").text
