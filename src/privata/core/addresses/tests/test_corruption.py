"""No checksum lets a single wrong character through, and each keeps what else it guarantees."""

from __future__ import annotations

import random

import pytest

from privata.core.addresses import AddressError, validate_address
from privata.core.addresses.tests import encoders, samples
from privata.core.addresses.tests.samples import Sample

CHARACTERS_EACH = 3
BASE64_URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


def alphabet_of(sample: Sample) -> str:
    if sample in samples.ERC55:
        return "0123456789abcdefABCDEF"
    if sample in samples.CRC16:
        return BASE32 if sample.network == "XLM" else BASE64_URL
    if sample in samples.BECH32 or sample in samples.CASHADDR:
        return encoders.BECH32
    return encoders.BITCOIN


def accepted(network: str, address: str) -> bool:
    try:
        validate_address(network, address)
    except AddressError:
        return False
    return True


def label(sample: Sample) -> str:
    return f"{sample.network}-{sample.kind}"


@pytest.mark.parametrize("sample", samples.ALL, ids=label)
def test_a_known_address_is_accepted(sample: Sample) -> None:
    assert validate_address(sample.network, sample.address).kind == sample.kind


@pytest.mark.parametrize("sample", samples.CHECKED, ids=label)
def test_a_wrong_character_is_refused_at_every_place(sample: Sample) -> None:
    # A fixed seed: the sums of 16 bits and of ERC-55 would let one in some ten thousand through.
    choose = random.Random(20).sample
    address = sample.address
    passed = [
        (place, other)
        for place, right in enumerate(address)
        for other in choose(alphabet_of(sample), CHARACTERS_EACH)
        if other != right
        and accepted(sample.network, address[:place] + other + address[place + 1 :])
    ]
    assert passed == []


@pytest.mark.parametrize("sample", [*samples.BECH32, *samples.CASHADDR, *samples.CRC16], ids=label)
def test_swapped_neighbours_are_refused_where_the_code_guarantees_it(sample: Sample) -> None:
    address = sample.address
    passed = [
        place
        for place in range(len(address) - 1)
        if address[place] != address[place + 1]
        and accepted(
            sample.network,
            address[:place] + address[place + 1] + address[place] + address[place + 2 :],
        )
    ]
    assert passed == []


@pytest.mark.parametrize("sample", samples.CHECKED, ids=label)
def test_a_missing_or_doubled_character_is_refused(sample: Sample) -> None:
    address = sample.address
    for place in range(len(address)):
        assert not accepted(sample.network, address[:place] + address[place + 1 :])
        assert not accepted(sample.network, address[:place] + address[place] + address[place:])


@pytest.mark.parametrize("sample", samples.ERC55, ids=label)
def test_a_changed_case_is_refused(sample: Sample) -> None:
    for place, letter in enumerate(sample.address[2:], start=2):
        if letter.isalpha():
            changed = sample.address[:place] + letter.swapcase() + sample.address[place + 1 :]
            assert not accepted(sample.network, changed)


def test_no_network_takes_the_address_of_another() -> None:
    """Two networks never share an address, but for the forms that the coins inherited."""
    shared = {"BTC", "LTC", "BCH"}
    evm = {"ETH", "ERC20", "BSC", "POLYGON", "MATIC", "ARBITRUM", "OPTIMISM", "BASE", "AVAXC"}
    for sample in samples.ALL:
        for network in ("BTC", "LTC", "DOGE", "BCH", "ETH", "TRX", "SOL", "XMR", "XRP", "XLM",
                        "TON", "ADA", "DOT", "ATOM", "ZEC"):  # fmt: skip
            if network == sample.network or {network, sample.network} <= shared:
                continue
            if {network, sample.network} <= evm:
                continue
            assert not accepted(network, sample.address), (network, sample)
