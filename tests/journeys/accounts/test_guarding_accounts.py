"""Second factors, step-up authentication and sessions, told over HTTP."""

from __future__ import annotations

import concurrent.futures

import pytest

from privata.accounts.factors.totp import code_at
from tests.browser.server import Server
from tests.journeys.accounts.guarding import (
    add_app,
    codes_in,
    forget_time,
    is_in,
    last_step,
    present,
    turn_on,
)
from tests.visitors import (
    PASSWORD,
    Mailbox,
    Visitor,
    age_authentication,
    alert_in,
    sign_up,
    visitor,
)


def test_second_factors_count_once_a_recovery_code_was_typed_back(
    server: Server, mailbox: Mailbox, owner: Visitor, person: str
) -> None:
    add_app(owner)
    with visitor(server) as elsewhere:
        elsewhere.sign_in(person)
        assert is_in(elsewhere)  # not on yet
    page = owner.get("/account/security/recovery")
    codes = codes_in(page)
    assert len(set(codes)) == 10
    assert alert_in(owner.post("/account/security/recovery", code="aaaaa-bbbbb"))
    text = owner.get("/account/security/recovery/codes.txt")
    assert "attachment" in text.headers["content-disposition"]
    assert all(code in text.text for code in codes)
    before = owner.token
    owner.get("/account/security/recovery")
    page = owner.post("/account/security/recovery", code=codes[4])
    assert "9 of 10 left" in page.text
    assert owner.token != before
    assert mailbox.wait(person, 3)["Subject"] == "Two-factor sign-in is on"
    # Shown once: neither the page nor the file knows them any more.
    assert owner.get("/account/security/recovery").url.path == "/account/security"
    assert owner.get("/account/security/recovery/codes.txt").status_code == 404
    with visitor(server) as elsewhere:
        assert elsewhere.sign_in(person).url.path == "/login/second-factor"
        assert not is_in(elsewhere)
        assert alert_in(elsewhere.post("/login/second-factor", code=codes[4]))  # it is spent
        elsewhere.post("/login/second-factor", code=codes[5])
        assert is_in(elsewhere)


def test_a_code_of_the_app_works_once(server: Server, owner: Visitor, person: str) -> None:
    secret, _ = turn_on(owner)
    with visitor(server) as elsewhere:
        elsewhere.sign_in(person)
        # The code that set the app up is used already, though 30 seconds may have passed since.
        used = code_at(secret, last_step(server, person))
        assert alert_in(elsewhere.post("/login/second-factor", code=used))
        forget_time(server)
        code = present(secret)
        elsewhere.post("/login/second-factor", code=f"{code[:3]} {code[3:]}")
        assert is_in(elsewhere)
    with visitor(server) as thief:
        thief.sign_in(person)
        assert alert_in(thief.post("/login/second-factor", code=code))


def test_the_same_recovery_code_at_the_same_moment_signs_in_once(
    server: Server, owner: Visitor, person: str
) -> None:
    _, codes = turn_on(owner)

    def use(_: int) -> bool:
        with visitor(server) as twin:
            twin.sign_in(person)
            twin.post("/login/second-factor", code=codes[0])
            return is_in(twin)

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(use, range(4))) == [False, False, False, True]


def test_five_wrong_codes_end_the_sign_in_and_one_can_start_over(
    server: Server, owner: Visitor, person: str
) -> None:
    secret, _ = turn_on(owner)
    with visitor(server) as thief:
        thief.sign_in(person)
        for _ in range(4):
            assert alert_in(thief.post("/login/second-factor", code="000000"))
        page = thief.post("/login/second-factor", code="000000")
        assert page.url.path == "/login"
        assert "Too many incorrect codes" in page.text
        assert thief.get("/login/second-factor").url.path == "/login"
        # Over and over is no way around: each further round has one try, and counts as a wrong
        # password, so the email is blocked soon.
        for _ in range(4):
            thief.sign_in(person)
            assert thief.post("/login/second-factor", code="000000").url.path == "/login"
        assert thief.sign_in(person).status_code == 429
    server.execute("DELETE FROM account_tries WHERE \"limit\" = 'sign_in_email'")
    with visitor(server) as elsewhere:
        elsewhere.sign_in(person)
        forget_time(server)
        elsewhere.post("/login/second-factor", code=present(secret))
        assert is_in(elsewhere)


def test_sign_ins_that_were_opened_beforehand_share_the_tries(
    server: Server, owner: Visitor, person: str
) -> None:
    secret, _ = turn_on(owner)
    forget_time(server)
    thieves = [Visitor(server) for _ in range(9)]
    for thief in thieves:
        assert thief.sign_in(person).url.path == "/login/second-factor"
    pages = [thief.post("/login/second-factor", code="000000").url.path for thief in thieves[:-1]]
    assert pages.count("/login/second-factor") == 4
    # The email is blocked by now, so even the right code is not looked at.
    assert thieves[-1].post("/login/second-factor", code=present(secret)).url.path == "/login"
    assert not is_in(thieves[-1])
    for thief in thieves:
        thief.close()


def test_factors_are_sealed_and_shown_to_nobody_else(
    server: Server, mailbox: Mailbox, owner: Visitor, person: str
) -> None:
    secret, codes = turn_on(owner)
    rows = str(server.execute("SELECT data::text FROM mfa_authenticator"))
    assert secret not in rows
    assert not any(code in rows or code.replace("-", "") in rows for code in codes)
    ((factor,),) = server.execute(
        "SELECT m.id FROM mfa_authenticator m JOIN app_user u ON u.id = m.user_id"
        " WHERE u.email = %s AND type = 'totp'",
        person,
    )
    with visitor(server) as stranger:
        sign_up(server, mailbox, stranger, f"stranger.{person}")
        stranger.get("/account/security")
        assert stranger.post(f"/account/security/factors/{factor}/remove").status_code == 404


def test_a_sensitive_action_waits_for_a_step_up_and_is_then_done(
    server: Server, mailbox: Mailbox, owner: Visitor, person: str
) -> None:
    _, codes = turn_on(owner)
    ((factor, user_id),) = server.execute(
        "SELECT m.id, u.id FROM mfa_authenticator m JOIN app_user u ON u.id = m.user_id"
        " WHERE u.email = %s AND type = 'totp'",
        person,
    )
    remove = f"/account/security/factors/{factor}/remove"
    assert owner.get(remove).url.path == remove  # fresh from the sign-up
    age_authentication(server, owner.token)
    page = owner.post(remove)
    assert page.url.path == "/confirm"
    assert alert_in(owner.post("/confirm", code="000000"))
    assert alert_in(owner.post("/confirm", password=PASSWORD))  # the second factor is asked for
    before = owner.token
    page = owner.post("/confirm", code=codes[0])
    assert page.url.path == "/account/security"
    assert "Removed" in page.text
    assert owner.token != before
    assert server.execute("SELECT FROM mfa_authenticator WHERE id = %s", factor) == []
    assert mailbox.wait(person, 3)["Subject"] == "Two-factor sign-in is off"
    assert server.execute("SELECT FROM mfa_authenticator WHERE user_id = %s", user_id) == []
    # Once: the answer does not repeat what was done.
    assert owner.get("/confirm").url.path == "/account/security"


def test_without_a_second_factor_the_password_is_the_step_up(
    server: Server, owner: Visitor
) -> None:
    age_authentication(server, owner.token)
    assert owner.get("/account/security/app").url.path == "/confirm"
    for _ in range(5):
        assert "Incorrect current password" in owner.post("/confirm", password="wrong").text
    assert "Too many failed attempts" in owner.post("/confirm", password=PASSWORD).text
    server.execute("DELETE FROM account_tries WHERE \"limit\" = 'step_up'")
    page = owner.post("/confirm", password=PASSWORD)
    assert page.url.path == "/account/security/app"


def test_sign_ins_at_the_same_moment_leave_ten_sessions(
    server: Server, owner: Visitor, person: str
) -> None:
    def enter(_: int) -> None:
        with visitor(server) as elsewhere:
            elsewhere.sign_in(person)

    # Fewer at once than the email has tries: a try is given back when the password was right.
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(enter, range(14)))
    ((count,),) = server.execute(
        "SELECT count(*) FROM user_session s JOIN app_user u ON u.id = s.user_id WHERE email = %s",
        person,
    )
    assert count == 10
    assert not is_in(owner)  # the oldest


def test_account_pages_are_for_signed_in_people(server: Server) -> None:
    with visitor(server) as guest:
        for path in (
            "/account/security",
            "/account/security/app",
            "/account/security/passkeys/add",
            "/account/security/recovery",
            "/account/sessions",
            "/confirm",
        ):
            page = guest.get(path)
            assert page.url.path == "/login", path
            assert page.url.params["next"] == path


@pytest.mark.parametrize("credential", ["", "{}", "[]", "null", "x" * 70_000, '{"response": 1}'])
def test_what_is_no_passkey_is_refused(server: Server, credential: str) -> None:
    with visitor(server) as guest:
        guest.get("/login/passkey/options")
        guest.get("/login")
        page = guest.post("/login/passkey", credential=credential)
        assert (page.status_code, page.url.path) == (200, "/login")
        assert "Passkey not accepted" in page.text


def test_an_ended_session_ends_its_live_stream(server: Server) -> None:
    with visitor(server) as owner:
        owner.sign_in(server.credentials.owner_email, server.credentials.owner_password)
        with owner.client.stream("GET", "/test/live") as stream:
            assert stream.status_code == 200
            parts = stream.iter_raw()
            assert b"hello" in next(parts)
            # What changed is told in between.
            assert next(part for part in parts if b"beat" in part)
            server.execute(
                "DELETE FROM user_session s USING app_user u WHERE u.id = s.user_id AND email = %s",
                server.credentials.owner_email,
            )
            assert b"".join(parts).count(b"beat") <= 1  # the server ends it
        assert owner.client.get("/test/live").status_code == 401
