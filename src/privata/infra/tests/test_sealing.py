"""Sealed values open with their key and context only."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privata.infra.sealing import Sealer, UnsealError

OLD, NEW = bytes(32), bytes(range(32))


@given(st.binary(max_size=200), st.text(max_size=40))
def test_what_is_sealed_opens_again(secret: bytes, context: str) -> None:
    sealer = Sealer([NEW])
    assert sealer.unseal(sealer.seal(secret, context), context) == secret


def test_a_value_moved_to_another_row_does_not_open() -> None:
    sealer = Sealer([NEW])
    with pytest.raises(UnsealError, match="changed"):
        sealer.unseal(sealer.seal(b"secret", "webhook_secret:1"), "webhook_secret:2")


def test_every_flipped_bit_is_noticed() -> None:
    sealer = Sealer([NEW])
    sealed = sealer.seal(b"secret", "x")
    for position in range(len(sealed)):
        changed = bytearray(sealed)
        changed[position] ^= 1
        with pytest.raises(UnsealError):
            sealer.unseal(bytes(changed), "x")


def test_an_old_key_opens_what_it_sealed_and_the_new_one_seals() -> None:
    before, during, after = Sealer([OLD]), Sealer([NEW, OLD]), Sealer([NEW])
    old = before.seal(b"secret", "x")
    assert during.unseal(old, "x") == b"secret"
    assert after.unseal(during.seal(b"secret", "x"), "x") == b"secret"
    with pytest.raises(UnsealError, match="no secret key"):
        after.unseal(old, "x")


def test_a_token_is_found_under_any_key() -> None:
    assert Sealer([OLD]).digest("t") in Sealer([NEW, OLD]).digests("t")
