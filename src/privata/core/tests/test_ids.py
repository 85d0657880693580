"""Identifiers have the promised form and never repeat."""

from __future__ import annotations

import re

from privata.core.ids import ORDER_ID, TOKEN_DIGITS, base62_token, new_order_id, new_quote_id


def test_order_ids_are_prv_and_a_lower_case_uuid4() -> None:
    assert all(ORDER_ID.fullmatch(new_order_id()) for _ in range(100))


def test_tokens_have_one_length_and_do_not_repeat() -> None:
    tokens = {base62_token() for _ in range(1000)}
    assert len(tokens) == 1000
    assert all(re.fullmatch(rf"[0-9A-Za-z]{{{TOKEN_DIGITS}}}", token) for token in tokens)


def test_quote_ids_fit_what_the_create_route_accepts() -> None:
    assert re.fullmatch(r"qt_[0-9a-f]{32}", new_quote_id())
