"""Sign-ins that wait at a step while something about their account changes, told over HTTP."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import Cluster
from tests.browser.server import Server, running_server
from tests.journeys.accounts.guarding import ask, is_in, turn_on
from tests.journeys.accounts.test_passkeys import add_passkey, options_of
from tests.visitors import (
    PASSWORD,
    Mailbox,
    Visitor,
    code_in,
    edit_session,
    link_in,
    sign_up,
    visitor,
)

_OTHER_PASSWORD = "velvet-comet-19x"
_RESET = "Set a new password"

_names = itertools.count(1)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("waiting")


@pytest.fixture(scope="module")
def server(cluster: Cluster, home: Path) -> Iterator[Server]:
    with running_server(cluster, home, PRIVATA_NEW_DEVICE_CODE="true") as running:
        yield running


@pytest.fixture(scope="module")
def mailbox(server: Server, home: Path) -> Mailbox:
    return Mailbox(server, home / "mail")


@pytest.fixture
def person() -> str:
    return f"waiting{next(_names)}@wallet.example"


@pytest.fixture
def owner(server: Server, mailbox: Mailbox, person: str) -> Iterator[Visitor]:
    """The person, just signed up."""
    with visitor(server) as made:
        sign_up(server, mailbox, made, person)
        yield made


@pytest.fixture
def late(server: Server) -> Iterator[Visitor]:
    """Whoever has the sign-in that waits."""
    with visitor(server) as made:
        yield made


def mailed(mailbox: Mailbox, address: str, subject: str) -> str:
    """The code or the link in the newest mail whose subject has `subject` in it."""
    while True:
        mails = mailbox.of(address)
        found = [mail for mail in mails if subject in mail["Subject"]]
        if found:
            break
        mailbox.wait(address, len(mails) + 1)
    return link_in(found[-1]) if subject == _RESET else code_in(found[-1])


def code_for(mailbox: Mailbox, address: str) -> str:
    return mailed(mailbox, address, "code for a new browser")


def reset(server: Server, mailbox: Mailbox, who: Visitor, address: str) -> str:
    """Set another password by a link, in the browser of `who`; the page that comes then."""
    ask(server, address)
    link = mailed(mailbox, address, _RESET)
    who.get(link)
    return who.post(link, password=_OTHER_PASSWORD).url.path


def test_a_reset_of_the_password_ends_the_sign_ins_that_wait(
    server: Server, mailbox: Mailbox, owner: Visitor, person: str, late: Visitor
) -> None:
    assert late.sign_in(person).url.path == "/login/new-device"
    code = code_for(mailbox, person)
    assert reset(server, mailbox, owner, person) == "/login"
    assert late.post("/login/new-device", code=code).url.path == "/login"
    assert not is_in(late)
    assert late.sign_in(person, _OTHER_PASSWORD).url.path == "/login/new-device"


def test_a_change_of_the_password_ends_the_sign_ins_that_wait(
    mailbox: Mailbox, owner: Visitor, person: str, late: Visitor
) -> None:
    assert late.sign_in(person).url.path == "/login/new-device"
    code = code_for(mailbox, person)
    owner.get("/account/security/password")
    page = owner.post("/account/security/password", current=PASSWORD, password=_OTHER_PASSWORD)
    assert "Password changed" in page.text
    assert late.post("/login/new-device", code=code).url.path == "/login"
    assert not is_in(late)


def test_a_reset_link_leads_to_no_sign_in_that_waits_in_its_browser(
    server: Server, mailbox: Mailbox, owner: Visitor, person: str, late: Visitor
) -> None:
    other = f"waiting{next(_names)}@wallet.example"
    with visitor(server) as second:
        sign_up(server, mailbox, second, other)
    assert late.sign_in(other).url.path == "/login/new-device"
    assert reset(server, mailbox, late, person) == "/login"
    assert late.get("/login/new-device").url.path == "/login"


def test_a_passkey_that_is_removed_ends_its_sign_ins_that_wait(
    server: Server, mailbox: Mailbox, owner: Visitor, person: str, late: Visitor
) -> None:
    key, handle = add_passkey(server, owner)
    late.get("/login")
    options = options_of(late, "/login/passkey/options")
    page = late.post("/login/passkey", credential=json.dumps(key.proof(options, handle=handle)))
    assert page.url.path == "/login/new-device"
    with visitor(server) as beside:
        beside.sign_in(person)
        options = options_of(beside, "/login/second-factor/options")
        page = beside.post("/login/second-factor", credential=json.dumps(key.proof(options)))
        assert page.url.path == "/login/new-device"
        ((passkey,),) = server.execute(
            "SELECT m.id FROM mfa_authenticator m JOIN app_user u ON u.id = m.user_id"
            " WHERE u.email = %s AND type = 'webauthn'",
            person,
        )
        owner.get("/account/security")
        assert "Removed" in owner.post(f"/account/security/factors/{passkey}/remove").text
        for who in (late, beside):
            who.get("/login/new-device")
            assert who.post("/login/new-device", code="000000").url.path == "/login"
            assert not is_in(who)


def test_two_factor_sign_in_that_is_turned_on_meanwhile_is_asked_for(
    server: Server, mailbox: Mailbox, owner: Visitor, person: str, late: Visitor
) -> None:
    assert late.sign_in(person).url.path == "/login/new-device"
    code = code_for(mailbox, person)
    _, recovery = turn_on(owner)
    page = late.post("/login/new-device", code=code)
    assert page.url.path == "/login/second-factor"
    assert not is_in(late)
    late.get("/login/second-factor")
    late.post("/login/second-factor", code=recovery[0])
    assert is_in(late)


@pytest.mark.parametrize(
    ("age", "path"),
    [
        (-30, "/login/new-device"),  # noted by a host whose clock is ahead
        (-90, "/login"),
        (890, "/login/new-device"),
        (910, "/login"),
    ],
)
def test_a_sign_in_outlives_a_clock_that_is_a_moment_behind(
    server: Server, owner: Visitor, person: str, late: Visitor, age: float, path: str
) -> None:
    assert late.sign_in(person).url.path == "/login/new-device"

    def begun(data: dict[str, Any]) -> None:
        data["sign_in"]["started_at"] = time.time() - age

    edit_session(server, late.token, begun)
    assert late.get("/login/new-device").url.path == path


def test_a_sign_in_begins_in_no_session_of_somebody_deactivated(
    server: Server, mailbox: Mailbox, owner: Visitor, person: str
) -> None:
    """It waited in a session that was still theirs: it came and went with the other account."""
    other = f"waiting{next(_names)}@wallet.example"
    with visitor(server) as second:
        sign_up(server, mailbox, second, other)
    server.execute("UPDATE app_user SET is_active = false WHERE email = %s", person)
    before = owner.token
    assert owner.sign_in(other).url.path == "/login/new-device"
    assert owner.token != before
    assert server.execute("SELECT user_id FROM user_session WHERE ip = %s", owner.ip) == [(None,)]
    server.execute("UPDATE app_user SET is_active = true WHERE email = %s", person)
    assert not is_in(owner)
