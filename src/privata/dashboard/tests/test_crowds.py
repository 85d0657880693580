"""Pages of an address in a minute, signed out and in."""

from __future__ import annotations

from privata.dashboard.crowds import MOST_ADDRESSES, SIGNED_IN_TIMES, Crowds, _has_session


async def _nothing(*_: object) -> None:
    """The application behind."""


def test_an_address_gets_so_many_pages_and_others_theirs() -> None:
    now = 0.0
    crowds = Crowds(_nothing, 60, clock=lambda: now)
    taken = [crowds.wait("203.0.113.7", signed_in=False) for _ in range(62)]
    assert taken == [0] * 60 + [1, 1]
    assert crowds.wait("203.0.113.8", signed_in=False) == 0
    # A cookie opens a larger bucket; it need not be a good one, so it has an end as well.
    signed_in = [crowds.wait("203.0.113.7", signed_in=True) for _ in range(601)]
    assert signed_in.count(0) == 60 * SIGNED_IN_TIMES
    now = 1.0
    assert [crowds.wait("203.0.113.7", signed_in=False) for _ in range(2)] == [0, 1]
    now = 3600.0
    assert [crowds.wait("203.0.113.7", signed_in=False) for _ in range(61)] == [0] * 60 + [1]


def test_a_network_is_one_address_and_memory_has_an_end() -> None:
    crowds = Crowds(_nothing, 1, clock=lambda: 0.0)
    assert crowds.wait("2001:db8::1", signed_in=False) == 0
    assert crowds.wait("2001:db8::2", signed_in=False) == 60
    assert crowds.wait(None, signed_in=False) == 0
    for number in range(MOST_ADDRESSES):
        crowds.wait(f"10.{number >> 8}.{number & 255}.1", signed_in=False)
    assert len(crowds._buckets) == MOST_ADDRESSES


def test_a_session_is_told_by_its_cookie() -> None:
    for value, known in ((b"csrf=a; privata=b", True), (b"__Host-privata=b", True),
                         (b"notprivata=b", False), (b"", False)):  # fmt: skip
        assert _has_session({"type": "http", "headers": [(b"cookie", value)]}) is known
