"""Passwords that are hashed anew, after a change of PRIVATA_PASSWORD_MEMORY_KIB, told over HTTP."""

from __future__ import annotations

import concurrent.futures
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.utils.crypto import salted_hmac

from conftest import Cluster
from privata.infra.sealing import derive
from privata.infra.settings import Settings
from tests.browser.server import Server, running_server
from tests.journeys.accounts.guarding import is_in
from tests.journeys.accounts.test_passkeys import wait_for_waiters
from tests.visitors import (
    PASSWORD,
    Mailbox,
    Visitor,
    age_authentication,
    alert_in,
    edit_session,
    sign_up,
    visitor,
)

_OTHER_PASSWORD = "velvet-comet-19x"

_names = itertools.count(1)


class _Earlier(Argon2PasswordHasher):
    """Hashes as they were made before the setting was changed."""

    memory_cost = 19_456


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("anew")


@pytest.fixture(scope="module")
def server(cluster: Cluster, home: Path) -> Iterator[Server]:
    with running_server(cluster, home, PRIVATA_PASSWORD_MEMORY_KIB="20480") as running:
        yield running


@pytest.fixture(scope="module")
def mailbox(server: Server, home: Path) -> Mailbox:
    return Mailbox(server, home / "mail")


@pytest.fixture
def person() -> str:
    return f"anew{next(_names)}@wallet.example"


@pytest.fixture
def owner(server: Server, mailbox: Mailbox, person: str) -> Iterator[Visitor]:
    """The person, who signed up before the change."""
    with visitor(server) as made:
        sign_up(server, mailbox, made, person)
        hashed = hash_of(PASSWORD)
        server.execute("UPDATE app_user SET password = %s WHERE email = %s", hashed, person)
        bind_session(server, made, hashed)
        assert is_in(made)
        yield made


def hash_of(password: str) -> str:
    hasher = _Earlier()
    return str(hasher.encode(password, hasher.salt()))


def hash_in(server: Server, address: str) -> str:
    ((found,),) = server.execute("SELECT password FROM app_user WHERE email = %s", address)
    return str(found)


def bind_session(server: Server, who: Visitor, hashed: str) -> None:
    """As if the session had begun while this was the password's hash."""
    keys = Settings(_env_file=None, home=Path(server.environment["PRIVATA_HOME"])).key_material()
    bound = salted_hmac(
        "django.contrib.auth.models.AbstractBaseUser.get_session_auth_hash",
        hashed,
        secret=derive(keys[0], "django").hex(),
        algorithm="sha256",
    )

    def change(data: dict[str, Any]) -> None:
        data["_auth_user_hash"] = bound.hexdigest()

    edit_session(server, who.token, change)


def test_who_confirms_with_a_password_that_is_hashed_anew_stays_signed_in(
    server: Server, owner: Visitor, person: str
) -> None:
    before = hash_in(server, person)
    age_authentication(server, owner.token)
    assert owner.get("/account/security/app").url.path == "/confirm"
    assert owner.post("/confirm", password=PASSWORD).url.path == "/account/security/app"
    assert hash_in(server, person) != before
    assert is_in(owner)


def test_who_mistypes_the_new_password_after_it_was_hashed_anew_stays_signed_in(
    server: Server, owner: Visitor, person: str
) -> None:
    before = hash_in(server, person)
    owner.get("/account/security/password")
    page = owner.post("/account/security/password", current=PASSWORD, password="short")
    assert "at least 12 characters" in page.text
    assert hash_in(server, person) != before
    assert is_in(owner)


def test_a_password_that_is_set_while_the_old_one_is_hashed_anew_stays(
    server: Server, owner: Visitor, person: str
) -> None:
    """The old password was right when it was checked; then its new hash replaced the reset's."""
    new = hash_of(_OTHER_PASSWORD)
    with (
        visitor(server) as thief,
        psycopg.connect(server.database_url) as reset,
        concurrent.futures.ThreadPoolExecutor(1) as pool,
    ):
        thief.get("/login")
        reset.execute("UPDATE app_user SET password = %s WHERE email = %s", (new, person))
        signing_in = pool.submit(thief.post, "/login", login=person, password=PASSWORD)
        wait_for_waiters(server, 1)
        reset.commit()
        assert alert_in(signing_in.result()) == "Incorrect email or password"
        assert hash_in(server, person) == new
        assert not is_in(thief)
        thief.sign_in(person, _OTHER_PASSWORD)
        assert is_in(thief)


def test_two_who_sign_in_while_a_password_is_hashed_anew_are_both_in(
    server: Server, owner: Visitor, person: str
) -> None:
    with (
        visitor(server) as first,
        visitor(server) as second,
        psycopg.connect(server.database_url) as holder,
        concurrent.futures.ThreadPoolExecutor(2) as pool,
    ):
        for who in (first, second):
            who.get("/login")
        holder.execute("SELECT FROM app_user WHERE email = %s FOR NO KEY UPDATE", (person,))
        signing_in = [
            pool.submit(who.post, "/login", login=person, password=PASSWORD)
            for who in (first, second)
        ]
        wait_for_waiters(server, 2)
        holder.rollback()
        for one in signing_in:
            one.result()
        assert (is_in(first), is_in(second)) == (True, True)
