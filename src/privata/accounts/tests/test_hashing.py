"""Passwords are hashed a few at a time, and the same password is the same on every keyboard."""

from __future__ import annotations

import os
import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager

import django
import pytest
from django.db import connections

from privata.accounts import hashing
from privata.accounts.hashers import PasswordHasher
from privata.accounts.hashing import LONGEST_PASSWORD, Gate, HashingBusy, normalized
from privata.infra.database.for_django import django_database
from privata.infra.settings import Settings


def test_so_many_at_a_time_and_no_more() -> None:
    gate, lock = Gate(2, waiting=30, patience=60), threading.Lock()
    inside, most = 0, 0
    full = threading.Barrier(2)

    def hash_one(first: bool) -> None:
        nonlocal inside, most
        with gate.turn():
            with lock:
                inside += 1
                most = max(most, inside)
            if first:
                full.wait(30)  # both slots are used
            with lock:
                inside -= 1

    threads = [threading.Thread(target=hash_one, args=(turn < 2,)) for turn in range(2)]
    threads += [threading.Thread(target=hash_one, args=(False,)) for _ in range(20)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
    assert (inside, most) == (0, 2)


def test_who_gets_no_turn_is_refused_and_leaves_nothing() -> None:
    gate = Gate(1, waiting=0, patience=60)
    impatient = Gate(1, waiting=5, patience=0.01)
    for one in (gate, impatient):
        with one.turn(), pytest.raises(HashingBusy), one.turn():
            raise AssertionError("two at a time")
        with one.turn():
            pass
    with pytest.raises(ZeroDivisionError), gate.turn():
        _ = 1 / 0
    with gate.turn():
        pass


def test_a_password_is_the_same_however_it_is_composed() -> None:
    """A Mac sends `é` as two characters, a phone as one."""
    hasher = PasswordHasher()
    composed, apart = "caféteria-Ångström-9", unicodedata.normalize("NFD", "caféteria-Ångström-9")
    assert composed != apart
    for made_of in (composed, apart):
        encoded = hasher.encode(made_of, hasher.salt())
        assert hasher.verify(composed, encoded)
        assert hasher.verify(apart, encoded)
        assert not hasher.verify("cafeteria-Angstrom-9", encoded)


class _Counting(Gate):
    """Counts the hashes: each takes one turn."""

    turns = 0

    @contextmanager
    def turn(self) -> Iterator[None]:
        self.turns += 1
        with super().turn():
            yield


@pytest.mark.parametrize(
    "typed", ["wrong", unicodedata.normalize("NFD", "caféteria"), "x" * (LONGEST_PASSWORD + 1)]
)
def test_a_wrong_password_costs_one_hash_as_that_of_an_unknown_address(
    monkeypatch: pytest.MonkeyPatch, typed: str
) -> None:
    """One that was not composed cost two, but only where the address had an account."""
    hasher, gate = PasswordHasher(), _Counting(1, waiting=0, patience=0)
    encoded = hasher.encode("plum-orbit-candle-47", hasher.salt())
    monkeypatch.setattr(hashing, "GATE", gate)
    assert not hasher.verify(typed, encoded)
    assert gate.turns == 1
    # Hashes were made of what was typed as it came; nothing that was released made such.
    as_it_came = super(PasswordHasher, hasher).encode(typed, hasher.salt())
    assert hasher.verify(typed, as_it_came) is (typed == "wrong")
    assert gate.turns == 2


def test_a_password_without_an_end_is_neither_normalised_nor_anybodys() -> None:
    """The time to normalise grows with the square of the marks: one sign-in held the process."""
    hasher = PasswordHasher()
    longest = "x" * LONGEST_PASSWORD
    for too_long in (longest + "x", "\u0301" * 100_000 + "\u0316" * 100_000):
        for refuse in (normalized, lambda typed: hasher.encode(typed, hasher.salt())):
            with pytest.raises(ValueError, match="at most 256 characters"):
                refuse(too_long)
        # A hash of it that came about some other way opens nothing, nor does that of nothing.
        for made_of in (longest + "x", ""):
            encoded = super(PasswordHasher, hasher).encode(made_of, hasher.salt())
            assert not hasher.verify(too_long, encoded)
    assert hasher.verify(longest, hasher.encode(longest, hasher.salt()))


def test_a_hash_is_waited_for_without_a_connection(settings: Settings) -> None:
    """The pool of the pages is smaller than the number of those who may wait for a turn."""
    assert settings.database_url is not None
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "privata.dashboard.settings")
    django.setup()
    encoded = PasswordHasher().encode("another one", "salt" * 4)
    connection = connections["default"]
    kept = connection.settings_dict
    connection.settings_dict = kept | django_database(settings.database_url)
    try:
        for work in (
            lambda: PasswordHasher().encode("correct horse", "salt" * 4),
            lambda: PasswordHasher().verify("correct horse", encoded),
        ):
            connection.ensure_connection()
            work()
            assert connection.connection is None
    finally:
        connection.close()
        connection.settings_dict = kept
