"""The entry point itself: text rules, extra ids, stability, and no other exception for any text."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from privata.core.addresses import (
    AddressError,
    ValidAddress,
    extra_id_name,
    networks,
    validate_address,
)
from privata.core.addresses.tests import samples
from privata.core.addresses.tests.samples import Sample

NAMED = {"XRP": "destination tag", "XLM": "memo", "TON": "comment", "ATOM": "memo"}
REQUIRED = {
    "BTC", "LTC", "DOGE", "BCH", "ETH", "ERC20", "BSC", "POLYGON", "ARBITRUM", "OPTIMISM", "BASE",
    "AVAXC", "TRX", "TRC20", "SOL", "XMR", "XRP", "XLM", "TON", "ADA", "DOT", "ATOM", "ZEC",
}  # fmt: skip
BTC = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"
XRP = "rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh"

any_network = st.sampled_from(sorted(networks()))
any_extra = st.none() | st.text(max_size=40) | st.integers(-5, 2**65).map(str)
near_text = st.text(
    alphabet=st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=130
)


def check(network: str, address: str, extra_id: str | None) -> ValidAddress | None:
    """The answer, or None for a refusal that says something and names its field."""
    try:
        return validate_address(network, address, extra_id)
    except AddressError as error:
        refused = error
    assert refused.message
    assert refused.field in ("address", "extra_id")
    assert not refused.message.endswith(".")
    return None


def test_every_required_network_is_here() -> None:
    assert networks() >= REQUIRED
    assert {sample.network for sample in samples.ALL} <= networks()


@pytest.mark.parametrize("network", sorted(networks()))
def test_names_of_extra_ids(network: str) -> None:
    assert extra_id_name(network) == NAMED.get(network)


@pytest.mark.parametrize("network", ["", "btc", "DASH", "ETH ", "Ethereum"])
def test_an_unknown_network_is_an_address_error(network: str) -> None:
    with pytest.raises(AddressError, match="Unknown network"):
        validate_address(network, BTC)
    with pytest.raises(AddressError, match="Unknown network"):
        extra_id_name(network)


@pytest.mark.parametrize("sample", samples.ALL, ids=lambda s: f"{s.network}-{s.kind}")
def test_an_extra_id_where_there_is_none(sample: Sample) -> None:
    if sample.network in NAMED:
        return
    with pytest.raises(AddressError, match=f"{sample.network} does not use a memo") as refused:
        validate_address(sample.network, sample.address, "12345")
    assert refused.value.field == "extra_id"


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("", "is empty"),
        (f" {BTC}", "starts or ends with whitespace"),
        (f"{BTC} ", "starts or ends with whitespace"),
        (f"{BTC}\n", "starts or ends with whitespace"),
        (f"\u00a0{BTC}", "starts or ends with whitespace"),
        (f"{BTC[:9]} {BTC[9:]}", "contains a space"),
        (f"{BTC[:9]}\0{BTC[9:]}", "control character"),
        (f"{BTC[:9]}\u200b{BTC[9:]}", "other than ASCII"),
        (BTC.replace("1", "\uff11"), "other than ASCII"),
        (BTC.replace("e", "\u0435"), "other than ASCII"),
        ("\ud800", "other than ASCII"),
        ("1" * 513, "at most 512 characters"),
        ("1" * 10_000_000, "at most 512 characters"),
    ],
)
def test_text_that_can_be_no_address(address: str, says: str) -> None:
    for network in ("BTC", "ETH", "XMR", "ZEC"):
        with pytest.raises(AddressError, match=says) as refused:
            validate_address(network, address)
        assert refused.value.field == "address"


@pytest.mark.parametrize(
    ("extra_id", "says"),
    [
        ("", "is empty"),
        (" 1", "starts or ends with whitespace"),
        ("1\t", "starts or ends with whitespace"),
        ("1\x07", "control character"),
        ("\u0661", "other than ASCII"),
        ("1" * 600, "at most 512"),
    ],
)
def test_text_that_can_be_no_extra_id(extra_id: str, says: str) -> None:
    with pytest.raises(AddressError, match=says) as refused:
        validate_address("XRP", XRP, extra_id)
    assert refused.value.field == "extra_id"


def test_messages_never_repeat_the_input() -> None:
    for network in networks():
        with pytest.raises(AddressError) as refused:
            validate_address(network, "<script>alert(1)</script>")
        assert "script>" not in refused.value.message


def test_an_alias_keeps_the_name_that_was_asked_for() -> None:
    valid = validate_address("TRC20", "TJRabPrwbZy45sbavfcjinPJC18kjpRTv8")
    assert valid == ValidAddress("TRC20", valid.address, "account", None)


@pytest.mark.parametrize("sample", samples.ALL, ids=lambda s: f"{s.network}-{s.kind}")
def test_the_canonical_form_is_stable(sample: Sample) -> None:
    once = validate_address(sample.network, sample.address)
    again = validate_address(sample.network, once.address, once.extra_id)
    assert (again.address, again.extra_id) == (once.address, once.extra_id)


@given(any_network, st.text(max_size=600), any_extra)
def test_any_text_gives_an_answer_or_an_address_error(
    network: str, address: str, extra_id: str | None
) -> None:
    check(network, address, extra_id)


@pytest.mark.parametrize(
    ("message", "fragment"),
    [
        ("The address is empty", "the address is empty"),
        ("A TRON address must start with T", "a TRON address must start with T"),
        ("BTC does not use a memo or tag: omit it", "BTC does not use a memo or tag: omit it"),
    ],
)
def test_a_fragment_has_no_capital_but_that_of_a_name(message: str, fragment: str) -> None:
    assert AddressError(message).fragment == fragment


@given(any_network, near_text, any_extra)
def test_printable_text_gives_an_answer_or_an_address_error(
    network: str, address: str, extra_id: str | None
) -> None:
    check(network, address, extra_id)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(any_network, st.sampled_from(samples.ALL), st.data())
def test_altered_addresses_give_an_answer_or_an_address_error(
    network: str, sample: Sample, data: st.DataObject
) -> None:
    """A piece of a real address replaced by anything, on its own and on any other network."""
    start = data.draw(st.integers(0, len(sample.address)))
    end = data.draw(st.integers(start, len(sample.address)))
    piece = data.draw(st.text(max_size=8))
    altered = sample.address[:start] + piece + sample.address[end:]
    for name in (network, sample.network):
        valid = check(name, altered, None)
        if valid is not None:
            again = check(name, valid.address, valid.extra_id)
            assert again is not None
            assert again.address == valid.address
