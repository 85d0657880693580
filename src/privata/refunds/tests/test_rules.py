"""What happens when a window ends: every preference against every order."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privata.core.refund_window import window_ends
from privata.refunds.rules import (
    PAUSES,
    REVIEW,
    RefundAction,
    StableTarget,
    default_choice,
    known_address,
    pause_after,
)

BTC = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"
ETH = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
TRON = "TJRabPrwbZy45sbavfcjinPJC18kjpRTv8"
START = datetime(2026, 1, 1, tzinfo=UTC)


def order(**changes: Any) -> SimpleNamespace:
    """An order from Bitcoin to Ether, as far as a refund looks at it."""
    values = {
        "refund_capability": "programmatic",
        "from_network": "BTC",
        "refund_address": None,
        "refund_extra_id": None,
        "to_network": "ETH",
        "payout_address": ETH,
        "payout_extra_id": None,
    }
    return SimpleNamespace(**(values | changes))


def preference(default: str, fallback: str, target: str | None) -> dict[str, str | None]:
    return {
        "default": default,
        "fallback_if_refund_address_missing": fallback,
        "convert_to_stable_target": target,
    }


RETURN, CONVERT, PERSON = (action.value for action in RefundAction)


@pytest.mark.parametrize(
    ("default", "fallback", "target", "refund_address", "action"),
    [
        (RETURN, PERSON, None, BTC, RETURN),
        (RETURN, PERSON, None, None, PERSON),
        (RETURN, PERSON, "USDT-ERC20", None, PERSON),
        (RETURN, CONVERT, "USDT-ERC20", None, CONVERT),
        (RETURN, CONVERT, "USDT-TRC20", None, PERSON),
        (RETURN, CONVERT, "USDT-ERC20", BTC, RETURN),
        (RETURN, CONVERT, None, None, PERSON),
        (CONVERT, PERSON, "USDC-ERC20", None, CONVERT),
        (CONVERT, PERSON, "USDC-SOL", BTC, PERSON),
        (CONVERT, CONVERT, "USDC-SOL", None, PERSON),
        (CONVERT, PERSON, None, BTC, PERSON),
        (PERSON, CONVERT, "USDT-ERC20", BTC, PERSON),
    ],
)
def test_the_preference_decides(
    default: str, fallback: str, target: str | None, refund_address: str | None, action: str
) -> None:
    chosen = default_choice(
        order(refund_address=refund_address),
        preference(default, fallback, target),
        converts=True,
    )
    assert chosen.action == action
    assert (chosen.address is None) == (action == PERSON)


@pytest.mark.parametrize(
    ("default", "fallback", "refund_address", "action"),
    [
        (CONVERT, PERSON, BTC, PERSON),
        (RETURN, CONVERT, None, PERSON),
        (RETURN, CONVERT, BTC, RETURN),
    ],
)
def test_what_the_provider_does_not_convert_is_looked_at(
    default: str, fallback: str, refund_address: str | None, action: str
) -> None:
    wanted = preference(default, fallback, "USDT-ERC20")
    chosen = default_choice(order(refund_address=refund_address), wanted, converts=False)
    assert chosen.action == action


def test_without_a_preference_it_is_returned_or_looked_at() -> None:
    assert default_choice(order(refund_address=BTC), None, converts=False).address == BTC
    assert default_choice(order(), None, converts=False) == REVIEW


_PREFERENCES = [
    None,
    *(
        preference(default, fallback, target)
        for default, fallback, target in itertools.product(
            [RETURN, CONVERT, PERSON], [CONVERT, PERSON], [None, *StableTarget]
        )
    ),
]


@given(
    st.sampled_from(["programmatic", "ticket", "none"]),
    st.sampled_from(_PREFERENCES),
    st.sampled_from([None, BTC, TRON, ETH]),
    st.sampled_from([("BTC", BTC), ("TRX", TRON), ("ETH", ETH), ("BSC", ETH)]),
)
def test_whatever_is_preferred_money_goes_only_where_somebody_said(
    capability: str,
    wanted: dict[str, str | None] | None,
    refund_address: str | None,
    payout: tuple[str, str],
) -> None:
    network = {None: "BTC", BTC: "BTC", TRON: "TRX", ETH: "ETH"}[refund_address]
    row = order(
        refund_capability=capability,
        from_network=network,
        refund_address=refund_address,
        to_network=payout[0],
        payout_address=payout[1],
    )
    chosen = default_choice(row, wanted, converts=True)
    if capability != "programmatic":
        assert chosen == REVIEW
    if chosen.action is RefundAction.RETURN:
        assert chosen.address == refund_address
        assert chosen.stable_target is None
    if chosen.action is RefundAction.CONVERT:
        assert wanted is not None
        assert chosen.stable_target == wanted["convert_to_stable_target"]
        assert chosen.address in (refund_address, payout[1])
        assert RefundAction.CONVERT in (
            wanted["default"],
            wanted["fallback_if_refund_address_missing"],
        )


def test_an_address_counts_on_its_own_chain_only() -> None:
    usdt = StableTarget.USDT_ERC20
    assert known_address(order(), usdt) == ETH
    assert known_address(order(to_network="BSC"), usdt) is None
    assert known_address(order(payout_extra_id="7"), usdt) is None
    both = order(from_network="ERC20", refund_address=ETH.lower(), to_network="BTC")
    assert known_address(both, usdt) is not None
    assert known_address(order(), StableTarget.USDT_TRC20) is None


def test_stable_targets_name_asset_and_network() -> None:
    assert [(one.asset, one.network) for one in StableTarget] == [
        ("USDT", "TRC20"), ("USDT", "ERC20"), ("USDC", "ERC20"), ("USDC", "SOL"),
    ]  # fmt: skip


def test_pauses_grow_and_stay() -> None:
    assert [pause_after(n) for n in range(1, len(PAUSES) + 1)] == list(PAUSES)
    assert pause_after(100) == PAUSES[-1]
    assert list(PAUSES) == sorted(PAUSES)


@given(st.integers(0, 72), st.one_of(st.none(), st.integers(0, 3600)))
def test_a_window_is_hours_unless_the_sandbox_was_told_a_pace(hours: int, ttl: int | None) -> None:
    ends = window_ends(START, hours, ttl)
    if ttl in (None, 0, 3600):
        assert ends == START + timedelta(hours=hours)
    else:
        assert ttl is not None
        assert ends == START + timedelta(seconds=ttl * hours)
    assert window_ends(START, None) == START + timedelta(hours=24)
