"""What a key may be given, as tables and as general rules."""

from __future__ import annotations

import ipaddress
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privata.apikeys.rules import (
    MAX_BLOCKS,
    KeyState,
    checked_blocks,
    checked_change_of_scopes,
    checked_expiry,
    checked_name,
    checked_scopes,
    ends_at,
    expired,
    mint_key,
    split_blocks,
    state_of,
    well_formed,
)
from privata.apikeys.scopes import Scope
from privata.core.errors import ValidationFailed
from privata.core.tenancy import Environment

NOW = datetime(2026, 5, 21, 23, 59, 59, tzinfo=UTC)
NETWORKS = st.one_of(
    st.builds(
        lambda a, n: ipaddress.ip_network((a, n), strict=False),
        st.ip_addresses(),
        st.integers(0, 32),
    ),
    st.builds(
        lambda a, n: ipaddress.ip_network((a, n), strict=False),
        st.ip_addresses(v=6),
        st.integers(0, 128),
    ),
)


@pytest.mark.parametrize("environment", list(Environment))
def test_a_new_key_is_well_formed(environment: Environment) -> None:
    key = mint_key(environment)
    assert key.startswith(f"pk_{environment.value}_")
    assert well_formed(key)
    assert not well_formed(key + "x")
    assert not well_formed(key.replace("pk_", "sk_"))


@pytest.mark.parametrize(
    ("given_blocks", "kept"),
    [
        (["203.0.113.7"], ["203.0.113.7/32"]),
        (["203.0.113.0/24", "203.0.113.0/24"], ["203.0.113.0/24"]),
        (["2001:DB8::/32", "2001:db8:0::1"], ["2001:db8::/32", "2001:db8::1/128"]),
        (["::ffff:203.0.113.7"], ["203.0.113.7/32"]),
        (["::ffff:203.0.113.0/120"], ["203.0.113.0/24"]),
        (["0.0.0.0/0", "::/0"], ["0.0.0.0/0", "::/0"]),
        ([" 10.0.0.0/8 "], ["10.0.0.0/8"]),
        ([], []),
    ],
)
def test_blocks_are_kept_in_their_usual_form(given_blocks: list[str], kept: list[str]) -> None:
    assert checked_blocks(given_blocks) == kept


@pytest.mark.parametrize(
    "block",
    [
        "",
        "10.0.0.0/33",
        "10.0.0/8",
        "10.0.0.300",
        "10.0.0.0/-1",
        "10.0.0.0/",
        "10.0.0.0/255.0.0.0",
        "10.0.0.0/8/8",
        "10.0.0.0/²",
        "fe80::1%eth0",
        "fe80::%eth0/64",
        "2001:db8::/129",
        "example.com",
        "010.0.0.1",
        "10.0.0.1-10.0.0.9",
        "*",
    ],
)
def test_a_bad_block_is_named(block: str) -> None:
    with pytest.raises(ValidationFailed) as refused:
        checked_blocks(["192.0.2.0/24", block, "192.0.2.9/32"])
    assert refused.value.message.startswith("Invalid IP range format: ")
    assert (block or "empty value") in refused.value.message
    assert "192.0.2" not in refused.value.message
    assert refused.value.fields == (("allowed_cidrs", refused.value.message),)


def test_a_block_that_begins_elsewhere_is_not_widened() -> None:
    with pytest.raises(ValidationFailed, match="use 203.0.113.0/24 or 203.0.113.7"):
        checked_blocks(["203.0.113.7/24"])


def test_all_bad_blocks_are_named_at_once() -> None:
    with pytest.raises(ValidationFailed, match="one; two"):
        checked_blocks(["one", "10.0.0.0/8", "two"])


def test_there_is_a_most_of_blocks() -> None:
    blocks = [f"10.0.{i}.0/24" for i in range(MAX_BLOCKS)]
    assert checked_blocks(blocks * 2) == blocks
    with pytest.raises(ValidationFailed, match="at most 50"):
        checked_blocks([*blocks, "10.1.0.0/24"])


@given(st.lists(NETWORKS, max_size=MAX_BLOCKS))
def test_every_block_is_taken_and_taken_the_same_again(networks: list[object]) -> None:
    kept = checked_blocks(str(network) for network in networks)
    assert checked_blocks(kept) == kept
    assert len(kept) <= len(networks)


@given(st.text(max_size=60))
def test_text_is_either_kept_as_blocks_or_refused(text: str) -> None:
    try:
        kept = checked_blocks(split_blocks(text))
    except ValidationFailed:
        return
    assert all(len(block) <= 43 for block in kept)
    assert [str(ipaddress.ip_network(block)) for block in kept] == kept


def test_blocks_stand_in_lines_or_apart_by_commas() -> None:
    text = " 10.0.0.0/8,192.0.2.1\n\n2001:db8::/32 ; 192.0.2.2\t"
    assert split_blocks(text) == ["10.0.0.0/8", "192.0.2.1", "2001:db8::/32", "192.0.2.2"]


def test_scopes_come_in_the_order_of_the_table() -> None:
    wanted = ["payouts:trigger", "orders:rw", "orders:rw"]
    assert checked_scopes(wanted) == [Scope.ORDERS, Scope.PAYOUTS_TRIGGER]
    assert checked_scopes(["ramp:embed"]) == [Scope.RAMP_EMBED]


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        ([], "at least one"),
        (["orders:all"], "Unknown scope orders:all"),
        (["ramp:embed", "orders:rw"], "cannot be combined"),
    ],
)
def test_wrong_scopes_are_refused(wanted: list[str], why: str) -> None:
    with pytest.raises(ValidationFailed, match=why) as refused:
        checked_scopes(wanted)
    assert refused.value.fields[0][0] == "scopes"


@given(st.sets(st.sampled_from(Scope), min_size=1))
def test_what_is_taken_holds_the_rules_of_the_table(wanted: set[Scope]) -> None:
    try:
        taken = checked_scopes(wanted)
    except ValidationFailed:
        assert Scope.RAMP_EMBED in wanted
        assert len(wanted) > 1
    else:
        assert set(taken) == wanted


@pytest.mark.parametrize(
    ("old", "new", "allowed"),
    [
        (["orders:rw"], [Scope.WEBHOOK_ADMIN], True),
        (["ramp:embed"], [Scope.RAMP_EMBED], True),
        (["ramp:embed"], [Scope.ORDERS], False),
        (["orders:rw"], [Scope.RAMP_EMBED], False),
    ],
)
def test_a_key_everybody_may_read_gets_no_secret_scope(
    old: list[str], new: list[Scope], allowed: bool
) -> None:
    if allowed:
        checked_change_of_scopes(old, new)
    else:
        with pytest.raises(ValidationFailed, match="Create another key"):
            checked_change_of_scopes(old, new)


@pytest.mark.parametrize("name", ["", "  ", "x" * 81, "a\nb", "a\0b"])
def test_a_wrong_name_is_refused(name: str) -> None:
    with pytest.raises(ValidationFailed, match="1 to 80"):
        checked_name(name)
    assert checked_name("  Order backend ") == "Order backend"


def test_a_key_is_dead_from_midnight_utc_of_its_date() -> None:
    tomorrow = NOW.date() + timedelta(days=1)
    assert not expired(tomorrow, NOW)
    assert expired(tomorrow, NOW + timedelta(seconds=1))
    assert not expired(None, NOW)
    assert ends_at(tomorrow) == NOW + timedelta(seconds=1)
    assert checked_expiry(tomorrow, NOW) == tomorrow
    assert checked_expiry(None, NOW) is None
    for day in (NOW.date(), date(2020, 1, 1)):
        with pytest.raises(ValidationFailed, match="after today"):
            checked_expiry(day, NOW)


@given(
    st.none() | st.just(NOW),
    st.none() | st.dates(date(2026, 1, 1), date(2027, 1, 1)),
    st.none() | st.timedeltas(timedelta(minutes=-5), timedelta(minutes=5)),
)
def test_a_key_is_in_the_state_that_weighs_most(
    revoked_at: datetime | None, expires_on: date | None, left: timedelta | None
) -> None:
    dead_at = None if left is None else NOW + left
    state = state_of(revoked_at=revoked_at, expires_on=expires_on, old_dead_at=dead_at, now=NOW)
    assert (state is KeyState.REVOKED) == (revoked_at is not None)
    if state is KeyState.ROTATING:
        assert left is not None
        assert left > timedelta(0)
    if state in (KeyState.ACTIVE, KeyState.ROTATING):
        assert not expired(expires_on, NOW)
