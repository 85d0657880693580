"""Signing in: limits, new browsers, sessions, told over HTTP against a running program."""

from __future__ import annotations

import concurrent.futures
import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import Cluster
from tests.browser.server import Server, running_server
from tests.visitors import (
    PASSWORD,
    Mailbox,
    Visitor,
    alert_in,
    code_in,
    sign_up,
    text_of,
    visitor,
)

WRONG = "Incorrect email or password"

_names = itertools.count(1)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("signing_in")


@pytest.fixture(scope="module")
def server(cluster: Cluster, home: Path) -> Iterator[Server]:
    with running_server(cluster, home, PRIVATA_NEW_DEVICE_CODE="true") as running:
        yield running


@pytest.fixture(scope="module")
def mailbox(server: Server, home: Path) -> Mailbox:
    return Mailbox(server, home / "mail")


@pytest.fixture
def guest(server: Server) -> Iterator[Visitor]:
    with visitor(server) as made:
        yield made


@pytest.fixture
def person(server: Server, mailbox: Mailbox) -> str:
    """The address of somebody who signed up in a browser that is gone since."""
    address = f"person{next(_names)}@wallet.example"
    with visitor(server) as first:
        sign_up(server, mailbox, first, address)
        first.post("/logout")
    return address


def is_in(who: Visitor) -> bool:
    return who.get("/account/security").url.path == "/account/security"


def arrive(who: Visitor, mailbox: Mailbox, address: str) -> None:
    """Sign in from a new browser."""
    count = len(mailbox.of(address))
    assert who.sign_in(address).url.path == "/login/new-device"
    who.post("/login/new-device", code=code_in(mailbox.wait(address, count + 1)))
    assert is_in(who)


def test_one_sentence_for_every_failure(
    server: Server, mailbox: Mailbox, guest: Visitor, person: str
) -> None:
    server.execute("UPDATE app_user SET is_active = false WHERE email = %s", person)
    for address, password in (
        (person, PASSWORD),
        (person, "wrong"),
        ("nobody@wallet.example", PASSWORD),
    ):
        page = guest.sign_in(address, password)
        assert (page.status_code, alert_in(page)) == (200, WRONG)
        assert f'value="{address}"' in page.text


def test_a_password_without_an_end_is_refused_unseen(guest: Visitor, person: str) -> None:
    """Marks to be sorted by the hundred thousand: normalising them held the server for minutes."""
    marks = "\u0301" * 180_000 + "\u0316" * 180_000
    for address in (person, "nobody@wallet.example"):
        for _ in range(6):  # it is no try, so it blocks nobody
            page = guest.sign_in(address, marks)
            assert (page.status_code, alert_in(page)) == (200, WRONG)
    assert guest.sign_in(person, PASSWORD).url.path == "/login/new-device"


def test_five_wrong_passwords_block_the_email_and_alert_its_person(
    server: Server, mailbox: Mailbox, person: str
) -> None:
    count = len(mailbox.of(person))
    told = []
    for address in (person, "unknown-person@wallet.example"):
        with visitor(server) as thief:
            answers = [thief.sign_in(address, "wrong") for _ in range(5)]
            answers.append(thief.sign_in(address, PASSWORD))
            told.append([(answer.status_code, alert_in(answer)) for answer in answers])
    assert told[0] == told[1]
    assert told[0] == [(200, WRONG)] * 5 + [(429, "Too many attempts")]
    with visitor(server) as elsewhere:
        assert elsewhere.sign_in(person).status_code == 429
    mail = mailbox.wait(person, count + 1)
    assert "blocked for 30 minutes" in mail["Subject"]
    assert mailbox.of("unknown-person@wallet.example") == []
    ((minutes,),) = server.execute(
        "SELECT extract(epoch FROM blocked_until - updated_at) / 60 FROM account_tries"
        " WHERE \"limit\" = 'sign_in_email' AND blocked_until > now() LIMIT 1"
    )
    assert round(minutes) == 30
    server.execute(
        "UPDATE account_tries SET blocked_until = now(),"
        " hits = ARRAY(SELECT h - interval '31 minutes' FROM unnest(hits) AS h)"
    )
    with visitor(server) as owner:
        assert owner.sign_in(person).url.path == "/login/new-device"


def test_ten_tries_block_an_address_and_right_ones_do_not_count(
    server: Server, mailbox: Mailbox, guest: Visitor, person: str
) -> None:
    for _ in range(3):
        guest.sign_in(person)
        guest.post("/login/start-over")
    for number in range(10):
        page = guest.sign_in(f"stranger{number}@wallet.example", "wrong")
        assert page.status_code == 200
    assert guest.sign_in(person).status_code == 429
    with visitor(server) as elsewhere:
        assert elsewhere.sign_in(person).url.path == "/login/new-device"


def test_the_limit_is_exact_at_the_same_moment(server: Server) -> None:
    def guess(_: int) -> int:
        with visitor(server) as thief:
            return thief.sign_in("crowd@wallet.example", "wrong").status_code

    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        statuses = list(pool.map(guess, range(24)))
    assert statuses.count(200) == 5
    assert statuses.count(429) == 19


def test_a_new_browser_needs_a_mailed_code_once(
    server: Server, mailbox: Mailbox, guest: Visitor, person: str
) -> None:
    page = guest.sign_in(person)
    assert page.url.path == "/login/new-device"
    assert not is_in(guest)
    guest.get("/login/new-device")
    mail = mailbox.wait(person, 2)
    assert "Firefox on Linux" in text_of(mail)
    assert guest.ip in text_of(mail)
    guest.post("/login/new-device", code=code_in(mail))
    assert is_in(guest)
    told = mailbox.wait(person, 3)
    assert told["Subject"] == "New sign-in to your Privata account"
    assert guest.ip in text_of(told)
    guest.post("/logout")
    assert guest.sign_in(person).url.path != "/login/new-device"
    assert is_in(guest)
    assert len(mailbox.of(person)) == 3


def test_a_device_token_is_its_persons_and_ours(
    server: Server, mailbox: Mailbox, guest: Visitor, person: str
) -> None:
    arrive(guest, mailbox, person)
    with visitor(server) as forger:
        forger.client.cookies.set("device", "made-up-token")
        assert forger.sign_in(person).url.path == "/login/new-device"
    guest.post("/logout")
    other = f"person{next(_names)}@wallet.example"
    with visitor(server) as first:
        sign_up(server, mailbox, first, other)
    assert guest.sign_in(other).url.path == "/login/new-device"


def test_three_wrong_codes_end_the_sign_in_from_a_new_browser(
    server: Server, mailbox: Mailbox, guest: Visitor, person: str
) -> None:
    guest.sign_in(person)
    right = code_in(mailbox.wait(person, 2))
    wrong = f"{(int(right) + 1) % 10**6:06}"
    guest.get("/login/new-device")
    for _ in range(3):
        assert alert_in(guest.post("/login/new-device", code=wrong))
    page = guest.post("/login/new-device", code=right)
    assert page.url.path == "/login"
    assert "no longer valid" in page.text
    assert not is_in(guest)


def test_sessions_are_listed_and_revoked(
    server: Server, mailbox: Mailbox, guest: Visitor, person: str
) -> None:
    arrive(guest, mailbox, person)
    with visitor(server) as phone, visitor(server) as old:
        arrive(phone, mailbox, person)
        arrive(old, mailbox, person)
        page = guest.get("/account/sessions").text
        assert all(who.ip in page for who in (guest, phone, old))
        ((phone_id,),) = server.execute("SELECT id FROM user_session WHERE ip = %s", phone.ip)
        guest.post(f"/account/sessions/{phone_id}/revoke")
        assert (is_in(guest), is_in(phone), is_in(old)) == (True, False, True)
        # Somebody else's session and one that is gone look alike.
        guest.get("/account/sessions")
        assert guest.post(f"/account/sessions/{phone_id}/revoke").status_code == 404
        with visitor(server) as stranger:
            sign_up(server, mailbox, stranger, f"stranger{next(_names)}@wallet.example")
            ((mine,),) = server.execute("SELECT id FROM user_session WHERE ip = %s", guest.ip)
            assert stranger.post(f"/account/sessions/{mine}/revoke").status_code == 404
        guest.get("/account/sessions")
        guest.post("/account/sessions/others/revoke")
        assert (is_in(guest), is_in(old)) == (True, False)


def test_the_oldest_of_ten_sessions_goes(
    server: Server, mailbox: Mailbox, guest: Visitor, person: str
) -> None:
    arrive(guest, mailbox, person)
    first = guest.token
    for _ in range(10):
        guest.client.cookies.delete("privata")
        guest.sign_in(person)
    ((count,),) = server.execute(
        "SELECT count(*) FROM user_session s JOIN app_user u ON u.id = s.user_id WHERE email = %s",
        person,
    )
    assert count == 10
    assert is_in(guest)
    guest.client.cookies.delete("privata")
    assert first is not None
    guest.client.cookies.set("privata", first)
    assert not is_in(guest)


@pytest.mark.parametrize(
    ("column", "hours", "alive"),
    [
        ("last_seen_at", 7.9, True),
        ("last_seen_at", 8.1, False),
        ("signed_in_at", 29.9 * 24, True),
        ("signed_in_at", 30.1 * 24, False),
    ],
)
def test_sessions_end_by_themselves(
    server: Server,
    mailbox: Mailbox,
    guest: Visitor,
    person: str,
    column: str,
    hours: float,
    alive: bool,
) -> None:
    arrive(guest, mailbox, person)
    server.execute(
        f"UPDATE user_session SET {column} = now() - make_interval(secs => %s) WHERE ip = %s",
        hours * 3600,
        guest.ip,
    )
    assert is_in(guest) is alive


def test_a_changed_role_renews_the_token_and_keeps_the_session(
    server: Server, mailbox: Mailbox, guest: Visitor, person: str
) -> None:
    arrive(guest, mailbox, person)
    before = guest.token
    server.execute("UPDATE user_session SET rotate = true WHERE ip = %s", guest.ip)
    assert is_in(guest)
    assert guest.token != before
    with visitor(server) as thief:
        assert before is not None
        thief.client.cookies.set("privata", before)
        assert not is_in(thief)
    assert is_in(guest)


def test_the_database_holds_neither_tokens_nor_what_sessions_hold(
    server: Server, mailbox: Mailbox, guest: Visitor, person: str
) -> None:
    arrive(guest, mailbox, person)
    rows = server.execute("SELECT key_digest, sealed FROM user_session")
    device = guest.client.cookies["device"].strip('"').partition(":")[0]
    kept = [bytes(part) for row in rows for part in row]
    kept += [bytes(row[0]) for row in server.execute("SELECT digest FROM known_device")]
    assert guest.token
    assert not any(
        secret.encode() in part for part in kept for secret in (guest.token, device, "_auth_user")
    )


def test_going_on_only_leads_to_pages_of_ours(
    server: Server, mailbox: Mailbox, guest: Visitor, person: str
) -> None:
    arrive(guest, mailbox, person)
    for page, lands in (
        ("/account/sessions", "/account/sessions"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
    ):
        guest.post("/logout")
        guest.get("/login")
        answer = guest.post("/login", follow=False, login=person, password=PASSWORD, next=page)
        assert answer.headers["location"] == lands
