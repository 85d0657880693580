"""Signing up, told over HTTP against a running program."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
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


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("signing_up")


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


#: What differs from load to load.
VARYING = ("set-cookie", "date", "content-length")


def users(server: Server, address: str) -> int:
    return int(server.execute("SELECT count(*) FROM app_user WHERE email = %s", address)[0][0])


def test_a_mailed_code_makes_the_account_and_signs_in(
    server: Server, mailbox: Mailbox, guest: Visitor
) -> None:
    guest.get("/sign-up")
    page = guest.post("/sign-up", email="Ada@Wallet.Example", password=PASSWORD)
    assert page.url.path == "/sign-up/code"
    assert "ada@wallet.example" in page.text
    assert users(server, "ada@wallet.example") == 0
    before = guest.token
    mail = mailbox.wait("ada@wallet.example")
    assert code_in(mail) in mail["Subject"]
    page = guest.post("/sign-up/code", code=f" {code_in(mail)[:3]} {code_in(mail)[3:]} ")
    assert page.status_code == 403  # no organization yet
    assert "You are not in an organization" in page.text
    assert users(server, "ada@wallet.example") == 1
    assert guest.token not in (None, before)
    # The browser of the sign-up is known, and nobody is told of it.
    assert len(mailbox.of("ada@wallet.example")) == 1


@pytest.mark.parametrize(
    ("address", "password", "sentence"),
    [
        ("bob@wallet.example", "short-one", "at least 12 characters"),
        ("bob@wallet.example", "passwordpassword", ""),
        ("bob@wallet.example", "1q2w3e4r5t6y", "too common"),
        ("bob.builder@wallet.example", "Bob.Builder-Wallet", "too similar"),
        ("no address", PASSWORD, "Enter a valid email address."),
        ("", PASSWORD, "Enter your email address."),
    ],
)
def test_bad_input_names_the_field_and_keeps_the_address(
    server: Server, guest: Visitor, address: str, password: str, sentence: str
) -> None:
    guest.get("/sign-up")
    page = guest.post("/sign-up", email=address, password=password)
    if not sentence:
        assert page.url.path == "/sign-up/code"
        return
    assert page.status_code == 422
    assert sentence in page.text
    assert f'value="{address}"' in page.text
    assert password not in page.text


def test_a_code_is_judged_five_times(server: Server, mailbox: Mailbox, guest: Visitor) -> None:
    address = "five@wallet.example"
    guest.get("/sign-up")
    guest.post("/sign-up", email=address, password=PASSWORD)
    right = code_in(mailbox.wait(address))
    wrong = f"{(int(right) + 1) % 10**6:06}"
    for _ in range(5):
        assert alert_in(guest.post("/sign-up/code", code=wrong)).startswith("Incorrect code")
    page = guest.post("/sign-up/code", code=right)
    assert alert_in(page) == "That code is no longer valid. Request a new one."
    assert users(server, address) == 0
    guest.post("/sign-up/resend")
    page = guest.post("/sign-up/code", code=code_in(mailbox.wait(address, 2)))
    assert users(server, address) == 1


def test_a_new_code_ends_the_one_before_and_three_more_are_mailed(
    server: Server, mailbox: Mailbox, guest: Visitor
) -> None:
    address = "more@wallet.example"
    guest.get("/sign-up")
    guest.post("/sign-up", email=address, password=PASSWORD)
    first = code_in(mailbox.wait(address))
    for count in range(2, 5):
        assert "New code sent" in guest.post("/sign-up/resend").text
        mailbox.wait(address, count)  # mails leave a random while later, so one after the other
    assert "reached the limit for codes" in guest.post("/sign-up/resend").text
    with visitor(server) as other:
        other.get("/sign-up")
        page = other.post("/sign-up", email=address, password=PASSWORD)
        assert "reached the limit for codes" in page.text
    assert "no longer valid" not in guest.post("/sign-up/code", code=first).text
    assert users(server, address) == 0
    guest.post("/sign-up/code", code=code_in(mailbox.of(address)[3]))
    assert users(server, address) == 1
    assert len(mailbox.of(address)) == 4


def test_a_code_ends_after_ten_minutes(server: Server, mailbox: Mailbox, guest: Visitor) -> None:
    address = "late@wallet.example"
    guest.get("/sign-up")
    guest.post("/sign-up", email=address, password=PASSWORD)
    right = code_in(mailbox.wait(address))
    ((left,),) = server.execute(
        "SELECT extract(epoch FROM expires_at - created_at) FROM mailed_code WHERE email = %s",
        address,
    )
    assert round(left) == 600
    server.execute("UPDATE mailed_code SET expires_at = now() WHERE email = %s", address)
    assert "no longer valid" in guest.post("/sign-up/code", code=right).text
    assert users(server, address) == 0


def test_nothing_tells_whether_an_address_has_an_account(server: Server, mailbox: Mailbox) -> None:
    known = server.credentials.owner_email
    unknown = "nobody@acme.example"
    assert len(known) == len(unknown) - 1
    unknown = "stray@acme.example"
    told = []
    for address in (known, unknown):
        with visitor(server) as guest:
            guest.get("/sign-up")
            first = guest.post("/sign-up", email=address, password=PASSWORD, follow=False)
            second = guest.get("/sign-up/code")
            third = guest.post("/sign-up/code", code="000000", follow=False)
            told.append([_plain(answer, address) for answer in (first, second, third)])
    assert told[0] == told[1]
    assert "already has an account" in text_of(mailbox.wait(known))
    assert "code" in mailbox.wait(unknown)["Subject"]


def _plain(answer: httpx.Response, address: str) -> tuple[object, ...]:
    """An answer without what differs from load to load."""
    body = answer.text.replace(address, "ADDRESS")
    body = re.sub(r'(csrfmiddlewaretoken" value|csrf-token" content|data-now)="[^"]*"', "", body)
    headers = {name: value for name, value in answer.headers.items() if name not in VARYING}
    return answer.status_code, body, headers, sorted(answer.cookies)


def test_a_session_before_the_sign_in_does_not_survive_it(server: Server, mailbox: Mailbox) -> None:
    with visitor(server) as victim, visitor(server) as thief:
        victim.get("/sign-up")
        victim.post("/sign-up", email="eve@wallet.example", password=PASSWORD)
        planted = victim.token
        assert planted
        thief.client.cookies.set("privata", planted)
        victim.post("/sign-up/code", code=code_in(mailbox.wait("eve@wallet.example")))
        assert thief.get("/account/security").url.path == "/login"


def test_the_same_code_at_the_same_moment_makes_one_account(
    server: Server, mailbox: Mailbox
) -> None:
    address = "race@wallet.example"
    with visitor(server) as guest:
        guest.get("/sign-up")
        guest.post("/sign-up", email=address, password=PASSWORD)
        code = code_in(mailbox.wait(address))
        twins = []
        for _ in range(4):
            twin = Visitor(server)
            twin.client.cookies.update(guest.client.cookies)
            twin.csrf = guest.csrf
            twins.append(twin)
        threads = [
            threading.Thread(target=twin.post, args=("/sign-up/code",), kwargs={"code": code})
            for twin in twins
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for twin in twins:
            twin.close()
    assert users(server, address) == 1
    ((created,),) = server.execute(
        "SELECT count(*) FROM audit_entry WHERE action = 'account.created' AND actor_label = %s",
        address,
    )
    assert created == 1


def test_a_sign_up_leads_to_the_page_that_was_asked_for(
    server: Server, mailbox: Mailbox, guest: Visitor
) -> None:
    page = guest.get("/account/sessions")
    assert "/sign-up?next=/account/sessions" in page.text
    page = guest.get("/sign-up?next=/account/sessions")
    assert 'name="next" value="/account/sessions"' in page.text
    address = "next@wallet.example"
    guest.post("/sign-up", email=address, password=PASSWORD, next="/account/sessions")
    page = guest.post("/sign-up/code", code=code_in(mailbox.wait(address)))
    assert page.url.path == "/account/sessions"
    with visitor(server) as other:
        assert "evil.example" not in other.get("/sign-up?next=https://evil.example/").text


def test_a_password_is_hashed_with_the_memory_that_is_set(server: Server, mailbox: Mailbox) -> None:
    with visitor(server) as guest:
        sign_up(server, mailbox, guest, "hashed@wallet.example")
    ((stored,),) = server.execute(
        "SELECT password FROM app_user WHERE email = 'hashed@wallet.example'"
    )
    memory = server.environment["PRIVATA_PASSWORD_MEMORY_KIB"]
    assert stored.startswith(f"argon2$argon2id$v=19$m={memory},t=2,p=8$")
