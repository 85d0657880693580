"""Changed and forgotten passwords, told over HTTP."""

from __future__ import annotations

import concurrent.futures
import re

from tests.browser.server import Server
from tests.journeys.accounts.guarding import ask, is_in
from tests.visitors import PASSWORD, Mailbox, Visitor, alert_in, link_in, visitor


def test_a_changed_password_ends_the_other_sessions(
    server: Server, mailbox: Mailbox, owner: Visitor, person: str
) -> None:
    with visitor(server) as elsewhere:
        elsewhere.sign_in(person)
        assert is_in(elsewhere)
        owner.get("/account/security/password")
        page = owner.post(
            "/account/security/password", current="wrong", password="velvet-comet-19x"
        )
        assert page.status_code == 422
        assert "Incorrect current password" in page.text
        page = owner.post("/account/security/password", current=PASSWORD, password="short")
        assert "at least 12 characters" in page.text
        page = owner.post(
            "/account/security/password", current=PASSWORD, password="velvet-comet-19x"
        )
        assert "Password changed" in page.text
        assert (is_in(owner), is_in(elsewhere)) == (True, False)
        assert alert_in(elsewhere.sign_in(person)) == "Incorrect email or password"
        elsewhere.sign_in(person, "velvet-comet-19x")
        assert is_in(elsewhere)
    assert any(
        mail["Subject"] == "Your Privata password was changed"
        for mail in [mailbox.wait(person, count) for count in (2, 3)]
    )
    ((recorded,),) = server.execute(
        "SELECT count(*) FROM audit_entry WHERE action = 'account.password_changed'"
        " AND actor_label = %s",
        person,
    )
    assert recorded == 1


def test_a_forgotten_password_is_set_by_a_link_once(
    server: Server, mailbox: Mailbox, owner: Visitor, person: str
) -> None:
    answers = [ask(server, address) for address in (person, "nobody@wallet.example")]
    assert answers[0].url == answers[1].url
    plain = [re.sub(r'(csrf-token" content|data-now)="[^"]*"', "", each.text) for each in answers]
    assert plain[0] == plain[1]
    link = link_in(mailbox.wait(person, 2))
    with visitor(server) as forgetful:
        assert forgetful.get(link).status_code == 200
        assert forgetful.get(link).status_code == 200  # looking does not use it up
        assert forgetful.post(link, password="short").status_code == 422
        page = forgetful.post(link, password="velvet-comet-19x")
        assert page.url.path == "/login"
        assert "Password changed" in page.text
        assert forgetful.get(link).status_code == 410
        forgetful.get("/login")
        assert forgetful.post(link, password="another-comet-19x").status_code == 410
        assert not is_in(owner)
        forgetful.sign_in(person, "velvet-comet-19x")
        assert is_in(forgetful)
    assert mailbox.of("nobody@wallet.example") == []
    assert server.execute("SELECT status FROM mail WHERE recipient = 'nobody@wallet.example'") == [
        ("dropped",)
    ]


def test_three_links_an_hour_and_each_for_an_hour(
    server: Server, mailbox: Mailbox, owner: Visitor, person: str
) -> None:
    texts = {re.sub(r'="[^"]*"', "", ask(server, person).text) for _ in range(5)}
    assert len(texts) == 1
    mailbox.wait(person, 4)
    assert server.execute("SELECT count(*) FROM reset_link WHERE email = %s", person) == [(3,)]
    first, second = (link_in(mailbox.of(person)[at]) for at in (1, 2))
    server.execute("UPDATE reset_link SET expires_at = now() WHERE email = %s", person)
    with visitor(server) as late:
        assert late.get(first).status_code == 410
    server.execute(
        "UPDATE reset_link SET expires_at = now() + interval '1 minute' WHERE email = %s", person
    )
    with visitor(server) as forgetful:
        forgetful.get(first)
        forgetful.post(first, password="velvet-comet-19x")
        # The other links end with the first: they were asked for before.
        assert forgetful.get(second).status_code == 410


def test_a_link_at_the_same_moment_sets_one_password(
    server: Server, mailbox: Mailbox, owner: Visitor, person: str
) -> None:
    ask(server, person)
    link = link_in(mailbox.wait(person, 2))

    def use(number: int) -> str:
        with visitor(server) as twin:
            twin.get(link)
            return twin.post(link, password=f"velvet-comet-19{number}").url.path

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert list(pool.map(use, range(4))).count("/login") == 1
