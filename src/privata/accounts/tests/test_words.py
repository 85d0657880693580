"""Small pure rules of this room."""

from __future__ import annotations

import pytest

from privata.accounts.client import device_name
from privata.accounts.codes import digits_of
from privata.accounts.factors import recovery
from privata.accounts.guarding import network_of


def test_ten_different_codes_that_survive_how_people_type_them() -> None:
    codes = recovery.new_codes()
    assert len(set(codes)) == recovery.COUNT
    for code in codes:
        assert len(recovery.plain(code)) == recovery.LENGTH
        assert set(recovery.plain(code)) <= set(recovery.ALPHABET)
        assert recovery.plain(f" {code.upper().replace('-', ' ')} ") == recovery.plain(code)
    text = recovery.as_text(codes, email="ada@wallet.example", address="https://p.example")
    assert all(code in text for code in codes)


@pytest.mark.parametrize("typed", ["123456", " 123 456", "123-456", "123\u00a0456\t"])
def test_a_pasted_code_is_the_code(typed: str) -> None:
    assert digits_of(typed) == "123456"


@pytest.mark.parametrize(
    ("ip", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        (None, ""),
    ],
)
def test_an_ipv6_customer_is_one_address(ip: str | None, network: str) -> None:
    assert network_of(ip) == network


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            "Firefox on Linux",
        ),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15"
            " (KHTML, like Gecko) Version/18.0 Safari/605.1.15",
            "Safari on macOS",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36"
            " (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0",
            "Edge on Windows",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15"
            " (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1",
            "Safari on iPhone",
        ),
        ("curl/8.9", "An unknown browser"),
        ("", "An unknown browser"),
    ],
)
def test_a_browser_has_a_name(agent: str, name: str) -> None:
    assert device_name(agent) == name
