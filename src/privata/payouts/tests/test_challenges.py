"""Challenges and answers as texts: no two payouts share one, and an answer has two spellings."""

from __future__ import annotations

import base64
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privata.infra.sealing import Sealer
from privata.payouts.challenges import MAX_ANSWER_CHARS, challenges_of, read_answer
from privata.payouts.currencies import PayoutCurrency

_SEALER = Sealer([b"k" * 32])
_START = datetime(2026, 5, 21, 10, 14, 1, tzinfo=UTC)

_ROWS = st.fixed_dictionaries(
    {
        "id": st.sampled_from([uuid.UUID(int=1), uuid.UUID(int=11)]),
        "organization_id": st.sampled_from([uuid.UUID(int=2), uuid.UUID(int=22)]),
        "amount": st.sampled_from([Decimal(500), Decimal("500.10"), Decimal("5000.1")]),
        "currency": st.sampled_from([one.value for one in PayoutCurrency]),
        "address": st.sampled_from(["Tx", "TxT", "0xab", "0xAb"]),
        "challenge_nonce": st.sampled_from(["a" * 32, "b" * 32]),
        "challenge_expires_at": st.sampled_from([_START, _START + timedelta(seconds=1)]),
    }
)


def _made(row: dict[str, Any], sealer: Sealer = _SEALER) -> list[str]:
    return challenges_of(sealer, SimpleNamespace(**row))


@given(_ROWS, _ROWS)
def test_two_rows_have_one_challenge_only_if_they_are_the_same(
    first: dict[str, Any], second: dict[str, Any]
) -> None:
    same = _made(first) == _made(second)
    assert same is (first == second)


@given(_ROWS)
def test_amounts_are_written_in_one_way(row: dict[str, Any]) -> None:
    for spelt in (row["amount"].normalize(), row["amount"].quantize(Decimal("0.01"))):
        assert _made(row | {"amount": spelt}) == _made(row)


@given(_ROWS)
def test_another_installation_makes_another_challenge(row: dict[str, Any]) -> None:
    assert _made(row, Sealer([b"x" * 32])) != _made(row)


@given(st.binary(min_size=32, max_size=32))
def test_hexadecimal_and_base64_are_read(raw: bytes) -> None:
    for text in (raw.hex(), raw.hex().upper(), base64.b64encode(raw).decode(), f" {raw.hex()}\n"):
        assert read_answer(text) == raw


@given(st.text(max_size=MAX_ANSWER_CHARS))
def test_whatever_else_is_sent_is_no_answer_or_32_bytes(text: str) -> None:
    found = read_answer(text)
    assert found is None or len(found) == 32


@pytest.mark.parametrize(
    "text",
    ["", "0x" + "00" * 32, "00" * 31, "00" * 33, "sha256=" + "00" * 32, "٠" * 64, "A" * 42 + "=="],
)
def test_near_misses_are_no_answers(text: str) -> None:
    assert read_answer(text) is None
