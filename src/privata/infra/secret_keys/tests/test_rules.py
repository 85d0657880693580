"""Which keys a process may work with."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from privata.infra.sealing import KeyMark, Sealer
from privata.infra.secret_keys.rules import KnownKey, refusal

A, B, C = Sealer([bytes([n]) * 32 for n in (1, 2, 3)]).marks
SOURCE = "PRIVATA_SECRET_KEYS"
THEN = datetime(2026, 1, 1, tzinfo=UTC)


def sealed(mark: KeyMark) -> KnownKey:
    return KnownKey(mark, THEN, THEN, None)


def opens(mark: KeyMark) -> KnownKey:
    return KnownKey(mark, THEN, None, None)


def retired(mark: KeyMark) -> KnownKey:
    return KnownKey(mark, THEN, THEN, THEN)


@pytest.mark.parametrize(
    ("own", "known"),
    [
        ([A], []),  # a new installation
        ([A], [sealed(A)]),
        ([A, B], [sealed(A)]),  # the first phase of a rotation
        ([A], [sealed(A), opens(B)]),  # a node that has not got the new key yet
        ([B, A], [sealed(A), opens(B)]),  # the second phase
        ([A, B], [sealed(A), sealed(B)]),  # a node that has not gone on to it, or goes back
        ([B], [retired(A), sealed(B)]),
        ([B, A], [retired(A), sealed(B)]),
        ([B], [retired(A)]),  # the only key was lost
    ],
)
def test_keys_that_fit(own: list[KeyMark], known: list[KnownKey]) -> None:
    assert refusal(own, known, SOURCE) is None


@pytest.mark.parametrize(
    ("own", "known", "said"),
    [
        ([B], [sealed(A)], f"holds secrets under the key {A.shown}"),
        ([B, A], [sealed(A)], "is new to this database"),
        ([A], [sealed(A), sealed(B)], f"under the key {B.shown}"),
        ([C], [sealed(A), sealed(B)], f"{A.shown}, {B.shown}"),
        ([A, B], [retired(A), sealed(B)], "was retired"),
        ([A], [retired(A)], "was retired"),
    ],
)
def test_keys_that_do_not(own: list[KeyMark], known: list[KnownKey], said: str) -> None:
    refused = refusal(own, known, SOURCE)
    assert refused is not None
    assert said in refused
    assert "\n" not in refused


def test_a_key_of_the_same_name_is_another_key() -> None:
    other = KeyMark(A.name, B.fingerprint)
    assert refusal([other], [sealed(A)], SOURCE) is not None


def test_a_fingerprint_is_derived_for_nothing_else() -> None:
    key = bytes(range(32))
    mark = Sealer([key]).marks[0]
    assert len(mark.name) == 4
    assert len(mark.fingerprint) == 32
    assert mark.name == Sealer([key]).seal(b"secret", "x")[1:5]
    assert mark.fingerprint not in (key, Sealer([key]).digest(""))
