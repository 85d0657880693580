"""URL rules and decisions: tables of what passes and what is refused, and why."""

from __future__ import annotations

import sys
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from types import FrameType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privata.core.errors import UrlRefused
from privata.webhooks.transport.guard import NOT_REACHABLE, Policy, Target, judge, parse_url

#: Twice what the guard enters today for a host with two addresses.
MOST_CALLS = 66
PLAIN = Policy()
DEVELOPMENT = Policy(allow_localhost_http=True)


def _reason(url: str, policy: Policy = PLAIN) -> str:
    with pytest.raises(UrlRefused) as caught:
        parse_url(url, policy=policy)
    return caught.value.reason


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://a.example.com", ("a.example.com", 443, "/", "a.example.com")),
        ("HTTPS://A.Example.COM/x", ("a.example.com", 443, "/x", "a.example.com")),
        ("https://a.example.com:443/x?y=1", ("a.example.com", 443, "/x?y=1", "a.example.com")),
        ("https://a.example.com:8443?y", ("a.example.com", 8443, "/?y", "a.example.com:8443")),
        ("https://a.xn--p1ai/%2e%2E", ("a.xn--p1ai", 443, "/%2e%2E", "a.xn--p1ai")),
        ("https://bücher.de/ü", ("xn--bcher-kva.de", 443, "/%C3%BC", "xn--bcher-kva.de")),
        ("https://BÜCHER.de/", ("xn--bcher-kva.de", 443, "/", "xn--bcher-kva.de")),
        ("https://1.1.1.1/", ("1.1.1.1", 443, "/", "1.1.1.1")),
        ("https://[2606:4700::11]:8443/a", ("2606:4700::11", 8443, "/a", "[2606:4700::11]:8443")),
        ("https://a.com/@x:y", ("a.com", 443, "/@x:y", "a.com")),
        ("https://a.com/\"<>", ("a.com", 443, "/%22%3C%3E", "a.com")),
    ],
)  # fmt: skip
def test_accepted(url: str, expected: tuple[str, int, str, str]) -> None:
    target = parse_url(url, policy=PLAIN)
    assert (target.host, target.port, target.path_and_query, target.host_header) == expected
    assert target.scheme == "https"
    assert target.is_ip_literal == (expected[0][0].isdigit())


REFUSED = {
    "scheme": ["", "a.com", "http://a.com", "ftp://a.com", "//a.com", "https:/a.com",
               "javascript:alert(1)", "http://localhost:9000"],
    "characters": [" https://a.com", "https://a.com/ x", "https://a.com\n", "https://a\t.com",
             "https://a.com\\@b.com",
                   "https://a.com/\x00", "https://a.com/\u2028", "https://a.com/\ud800",
             "https://\u3000a.com"],
    "userinfo": ["https://u@a.com", "https://u:p@a.com", "https://a.com:443@b.com",
             "https://@a.com"],
    "percent": ["https://a%2ecom", "https://%61.com", "https://[fe80::1%25eth0]/",
             "https://a.com%00"],
    "port": ["https://a.com:", "https://a.com:80", "https://a.com:22", "https://a.com:0443",
             "https://a.com:65536", "https://a.com:-1", "https://a.com:4x", "https://[2606::1]443",
             "https://a.com:443:443", "https://a.com:\uff14\uff14\uff13"],
    "host": ["https://", "https:///x", "https://com", "https://a..com", "https://.a.com",
             "https://a.com.", "https://a_b.com", "https://-a.com", "https://a-.com",
             "https://127.1", "https://2130706433", "https://0x7f.1", "https://0177.0.0.1",
             "https://1.2.3.4.5", "https://1.2.3", "https://01.1.1.1", "https://a.1",
             "https://1.1.1.0x1", "https://256.1.1.1", "https://[::1", "https://[1.1.1.1]",
             "https://[:::]", "https://a.c0m", f"https://{'a' * 64}.com",
             f"https://{'.'.join(['a' * 60] * 5)}.com", "https://a,b.com"],
    "idna": ["https://\uff45\uff58\uff41\uff4d\uff50\uff4c\uff45.com", "https://exam\u3002ple.com",
             "https://\u2460.com",
             "https://a\u200d.com", "https://\u00ad.com", "https://\uff11\uff12\uff17.0.0.1"],
    "local_name": ["https://localhost", "https://LOCALHOST/", "https://x.localhost",
             "https://a.local",
                   "https://metadata.google.internal/", "https://home.arpa", "https://x.home.arpa",
                   "https://abc.onion"],
    "fragment": ["https://a.com/#x", "https://a.com#"],
    "too_long": ["https://a.com/" + "x" * 2048],
    "loopback": ["https://127.0.0.1/", "https://[::1]/"],
    "ipv4_mapped": ["https://[::ffff:1.1.1.1]/", "https://[::ffff:7f00:1]/"],
    "link_local": ["https://169.254.169.254/latest", "https://[fe80::1]/"],
    "private": ["https://10.0.0.1:8443/"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("reason", "url"), [(reason, url) for reason, urls in REFUSED.items() for url in urls]
)
def test_refused(reason: str, url: str) -> None:
    assert _reason(url) == reason


def test_policy_widens_only_what_it_names() -> None:
    ranges = (ip_network("10.0.0.0/24"), ip_network("fd00::/64"))
    policy = Policy(allowed_cidrs=ranges, extra_ports=frozenset({9443}))
    assert parse_url("https://10.0.0.7:9443/", policy=policy).port == 9443
    assert parse_url("https://[fd00::1]/", policy=policy).host == "fd00::1"
    assert _reason("https://10.0.1.7/", policy) == "private"
    assert _reason("https://[::ffff:10.0.0.7]/", policy) == "ipv4_mapped"
    assert _reason("https://a.com:9444/", policy) == "port"
    assert _reason("http://10.0.0.7/", policy) == "scheme"


def test_our_own_names_and_addresses_are_refused_even_when_allowed() -> None:
    own = frozenset({"privata.example.com", "1.1.1.1", "10.0.0.7"})
    policy = Policy(allowed_cidrs=(ip_network("10.0.0.0/8"),), own_hosts=own)
    assert _reason("https://Privata.example.com/hook", policy) == "own_host"
    assert _reason("https://1.1.1.1/", policy) == "own_host"
    target = parse_url("https://other.example.com/", policy=policy)
    assert judge(ip_address("10.0.0.7"), target=target, policy=policy) == "own_address"
    assert judge(ip_address("10.0.0.8"), target=target, policy=policy) is None


def test_localhost_in_development_reaches_loopback_and_nothing_else() -> None:
    target = parse_url("http://localhost:9000/hook", policy=DEVELOPMENT)
    assert (target.port, target.host_header, target.is_localhost) == (9000, "localhost:9000", True)
    assert parse_url("http://localhost", policy=DEVELOPMENT).port == 80
    reasons = {
        text: judge(ip_address(text), target=target, policy=DEVELOPMENT)
        for text in ("127.0.0.1", "::1", "127.0.0.2", "1.1.1.1", "::ffff:127.0.0.1")
    }
    assert reasons.pop("127.0.0.1") is None
    assert reasons.pop("::1") is None
    assert set(reasons.values()) == {"not_loopback"}
    for url in ("http://127.0.0.1:9000", "http://x.localhost", "http://localhost.", "http://[::1]"):
        assert _reason(url, DEVELOPMENT) in {"scheme", "host"}
    assert _reason("https://localhost:443", DEVELOPMENT) == "local_name"


def test_blocked_addresses_and_names_get_one_message() -> None:
    urls = ("https://10.0.0.1", "https://x.internal", "https://[::1]", "https://169.254.169.254")
    for url in urls:
        with pytest.raises(UrlRefused) as caught:
            parse_url(url, policy=PLAIN)
        assert caught.value.message == NOT_REACHABLE


@given(st.text(max_size=60))
def test_any_text_gives_a_target_or_a_refusal(text: str) -> None:
    for url in (text, f"https://{text}", f"https://a.com/{text}"):
        try:
            target = parse_url(url, policy=PLAIN)
        except UrlRefused:
            continue
        assert isinstance(target, Target)
        for part in (target.host, target.path_and_query, target.host_header):
            assert part.isascii()
            assert part.isprintable()
            assert " " not in part


@given(st.integers(0, 2**32 - 1))
def test_no_spelling_of_a_number_becomes_an_address(number: int) -> None:
    dotted = str(ip_address(number))
    odd = [str(number), hex(number), oct(number).replace("o", ""), f"0{dotted}", f"{dotted}."]
    for host in odd:
        assert _reason(f"https://{host}/") == "host"


def _calls(url: str, answers: list[IPv4Address | IPv6Address]) -> int:
    """How many Python functions the guard enters for one send: its work, whatever the machine."""
    policy = Policy(own_hosts=frozenset({"privata.example.com"}))
    entered = 0

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal entered
        entered += event == "call"

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        target = parse_url(url, policy=policy)
        for answer in answers:
            judge(answer, target=target, policy=policy)
    finally:
        sys.setprofile(before)
    return entered


def test_the_guard_does_little_for_each_send() -> None:
    # How long that takes is a row of `make bench ARGS=guard`: machines differ, work does not.
    answers = [ip_address("93.184.215.14"), ip_address("2606:2800:21f:cb07:6820:80da:af6b:8b2c")]
    short = "https://hooks.partner-example.com:8443/webhooks/privata?tenant=1"
    _calls(short, answers)  # what is kept from the first look
    usual = _calls(short, answers)
    assert usual <= MOST_CALLS
    assert _calls(f"{short}&{'x' * 1500}", answers) <= usual, "a long URL is not walked in Python"
    assert _calls(short, answers * 4) <= 4 * usual
