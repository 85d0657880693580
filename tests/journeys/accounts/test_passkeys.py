"""Passkeys over HTTP, with an authenticator in software that does what no browser would."""

from __future__ import annotations

import concurrent.futures
import itertools
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.utils.http import int_to_base36

from conftest import Cluster
from privata.accounts.sessions import digest_of
from tests.authenticators import Key
from tests.browser.server import Server, running_server
from tests.journeys.accounts.guarding import codes_in, is_in, turn_on
from tests.visitors import Mailbox, Visitor, alert_in, edit_session, sign_up, visitor

_REFUSED = "Passkey not accepted"

_names = itertools.count(1)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("passkeys")


@pytest.fixture(scope="module")
def server(cluster: Cluster, home: Path) -> Iterator[Server]:
    with running_server(cluster, home, PRIVATA_NEW_DEVICE_CODE="false") as running:
        yield running


@pytest.fixture(scope="module")
def mailbox(server: Server, home: Path) -> Mailbox:
    return Mailbox(server, home / "mail")


@pytest.fixture
def owner(server: Server, mailbox: Mailbox) -> Iterator[Visitor]:
    with visitor(server) as made:
        sign_up(server, mailbox, made, f"keyholder{next(_names)}@wallet.example")
        yield made


def options_of(who: Visitor, path: str) -> dict[str, Any]:
    answer = who.client.get(path)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def email_of(server: Server, who: Visitor) -> str:
    ((email,),) = server.execute(
        "SELECT u.email FROM app_user u JOIN user_session s ON s.user_id = u.id WHERE s.ip = %s",
        who.ip,
    )
    return str(email)


def add_passkey(server: Server, who: Visitor) -> tuple[Key, str]:
    """A passkey as the person's only second factor, turned on; the key and the person's handle."""
    key = Key()
    who.get("/account/security/passkeys/add")
    options = options_of(who, "/account/security/passkeys/options")
    made = json.dumps(key.made(options))
    page = who.post("/account/security/passkeys/add", name="Pocket", credential=made)
    if page.url.path == "/account/security/recovery":
        page = who.post("/account/security/recovery", code=codes_in(page)[0])
    assert page.url.path == "/account/security", alert_in(page)
    ((user_id,),) = server.execute(
        "SELECT id FROM app_user WHERE email = %s", email_of(server, who)
    )
    return key, int_to_base36(user_id)


def test_a_passkey_is_the_whole_sign_in_or_its_second_factor(
    server: Server, owner: Visitor
) -> None:
    key, handle = add_passkey(server, owner)
    email = email_of(server, owner)
    with visitor(server) as alone:
        alone.get("/login")
        options = options_of(alone, "/login/passkey/options")
        alone.post("/login/passkey", credential=json.dumps(key.proof(options, handle=handle)))
        assert is_in(alone)
    with visitor(server) as beside:
        assert beside.sign_in(email).url.path == "/login/second-factor"
        options = options_of(beside, "/login/second-factor/options")
        beside.post("/login/second-factor", credential=json.dumps(key.proof(options)))
        assert is_in(beside)


def test_a_challenge_is_good_for_one_answer(server: Server, owner: Visitor) -> None:
    key, handle = add_passkey(server, owner)
    with visitor(server) as thief:
        thief.get("/login")
        options = options_of(thief, "/login/passkey/options")
        wrong = key.proof(options, handle=handle, unlocked=False)
        assert _REFUSED in thief.post("/login/passkey", credential=json.dumps(wrong)).text
        right = key.proof(options, handle=handle)
        assert _REFUSED in thief.post("/login/passkey", credential=json.dumps(right)).text
        assert not is_in(thief)


def test_a_passkey_is_registered_once(server: Server, mailbox: Mailbox, owner: Visitor) -> None:
    """Browsers keep somebody from adding a passkey twice; the server did not."""
    key, _ = add_passkey(server, owner)

    def add_again(who: Visitor) -> str:
        who.get("/account/security/passkeys/add")
        options = options_of(who, "/account/security/passkeys/options")
        made = json.dumps(key.made(options))
        return who.post("/account/security/passkeys/add", name="Twice", credential=made).text

    assert "already registered" in add_again(owner)
    with visitor(server) as other:
        sign_up(server, mailbox, other, f"other{next(_names)}@wallet.example")
        assert "already registered" in add_again(other)
    count = "SELECT count(*) FROM mfa_authenticator WHERE data->>'name' = 'Twice'"
    assert server.execute(count) == [(0,)]


def test_an_unsupported_passkey_is_told_so(owner: Visitor) -> None:
    owner.get("/account/security/passkeys/add")
    options = options_of(owner, "/account/security/passkeys/options")
    made = json.dumps(Key().made(options, algorithm=-65535))
    page = owner.post("/account/security/passkeys/add", name="Old", credential=made)
    assert (page.status_code, "unsupported algorithm" in page.text) == (422, True)


def test_a_challenge_expires(server: Server, owner: Visitor) -> None:
    key, handle = add_passkey(server, owner)
    with visitor(server) as slow:
        for age, accepted in ((610, False), (590, True)):
            slow.get("/login")
            options = options_of(slow, "/login/passkey/options")

            def made(data: dict[str, Any], age: float = age) -> None:
                data["passkey_challenge"]["at"] = time.time() - age

            edit_session(server, slow.token, made)
            answer = json.dumps(key.proof(options, handle=handle))
            slow.post("/login/passkey", credential=answer)
            assert is_in(slow) is accepted


def test_an_answer_that_is_sent_twice_at_the_same_moment_signs_in_once(
    server: Server, owner: Visitor
) -> None:
    """Both requests had read the challenge before one of them used it up."""
    key, handle = add_passkey(server, owner)
    with visitor(server) as twin:
        twin.get("/login")
        options = options_of(twin, "/login/passkey/options")
        form = {
            "credential": json.dumps(key.proof(options, handle=handle)),
            "csrfmiddlewaretoken": twin.csrf,
        }
        assert twin.token is not None
        digest = digest_of(twin.token)

        def send(_: int) -> None:
            twin.client.post("/login/passkey", data=form)

        with (
            psycopg.connect(server.database_url) as holder,
            concurrent.futures.ThreadPoolExecutor(2) as pool,
        ):
            holder.execute("SELECT FROM user_session WHERE key_digest = %s FOR UPDATE", (digest,))
            sent = [pool.submit(send, number) for number in range(2)]
            wait_for_waiters(server, 2)
            holder.rollback()
            for one in sent:
                one.result()
        assert server.execute(
            "SELECT count(*) FROM user_session WHERE ip = %s AND user_id IS NOT NULL", twin.ip
        ) == [(1,)]


def wait_for_waiters(server: Server, count: int) -> None:
    """Until so many statements wait for a lock."""
    until = time.monotonic() + 60
    while server.execute(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    ) < [(count,)]:
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_found_passkey_signs_nobody_in_by_another_ones_challenge(
    server: Server, mailbox: Mailbox, owner: Visitor
) -> None:
    """The challenge beside a password asks for no PIN. Whoever found a passkey took one for their
    own account and answered it where a passkey is the whole sign-in."""
    key, handle = add_passkey(server, owner)
    with visitor(server) as thief:
        sign_up(server, mailbox, thief, f"thief{next(_names)}@wallet.example")
        turn_on(thief)
        email = email_of(server, thief)
        thief.post("/logout")
        assert thief.sign_in(email).url.path == "/login/second-factor"
        options = options_of(thief, "/login/second-factor/options")
        locked = key.proof(options, handle=handle, unlocked=False)
        page = thief.post("/login/passkey", credential=json.dumps(locked))
        assert _REFUSED in page.text
        assert not is_in(thief)


def test_a_passkey_of_somebody_else_is_no_second_factor(
    server: Server, mailbox: Mailbox, owner: Visitor
) -> None:
    add_passkey(server, owner)
    email = email_of(server, owner)
    with visitor(server) as thief:
        sign_up(server, mailbox, thief, f"thief{next(_names)}@wallet.example")
        own, _ = add_passkey(server, thief)
        thief.post("/logout")
        assert thief.sign_in(email).url.path == "/login/second-factor"
        options = options_of(thief, "/login/second-factor/options")
        thief.post("/login/second-factor", credential=json.dumps(own.proof(options)))
        assert not is_in(thief)
        assert thief.get("/login").url.path == "/login/second-factor"


def test_nobody_deactivated_goes_on_with_a_sign_in(server: Server, owner: Visitor) -> None:
    key, _ = add_passkey(server, owner)
    email = email_of(server, owner)
    with visitor(server) as late:
        assert late.sign_in(email).url.path == "/login/second-factor"
        options = options_of(late, "/login/second-factor/options")
        server.execute("UPDATE app_user SET is_active = false WHERE email = %s", email)
        page = late.post("/login/second-factor", credential=json.dumps(key.proof(options)))
        assert page.url.path == "/login"
        assert not is_in(late)


def test_without_its_second_factor_nobody_is_in(server: Server, owner: Visitor) -> None:
    add_passkey(server, owner)
    with visitor(server) as half:
        half.sign_in(email_of(server, owner))
        assert not is_in(half)
        for step in ("/login/new-device", "/login/new-device/resend"):
            half.post(step, code="000000")
            assert not is_in(half)
        half.get("/login/second-factor")
        assert half.post("/login/start-over").url.path == "/login"
        assert half.client.get("/login/second-factor/options").status_code == 403
