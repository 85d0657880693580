"""What a stream begins with, how it is written, and how addresses are shown."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privata.core.lifecycle import TERMINAL, OrderStatus
from privata.streams.frames import frame_of
from privata.streams.log import LoggedEvent
from privata.streams.rules import BUFFER_MS, LAST_TYPES, Resume, masked, resume
from privata.streams.states import ResumeSource

_S = ResumeSource


def log_of(*ages: int) -> list[LoggedEvent]:
    return [LoggedEvent(n, f"e{n}", "order.confirming", age) for n, age in enumerate(ages, 1)]


@pytest.mark.parametrize(
    ("ages", "last_event_id", "expected"),
    [
        ((), None, Resume(_S.FRESH, 0)),
        ((), "e1", Resume(_S.SNAPSHOT, 0)),
        ((9000, 100), None, Resume(_S.FRESH, 1)),
        ((9000, 100), "", Resume(_S.FRESH, 1)),
        ((9000, 100), "e1", Resume(_S.BUFFER, 1, 9000)),
        ((9000, 100), "e2", Resume(_S.BUFFER, 2, 100)),
        ((BUFFER_MS, 100), "e1", Resume(_S.BUFFER, 1, BUFFER_MS)),
        ((BUFFER_MS + 1, 100), "e1", Resume(_S.SNAPSHOT, 1, BUFFER_MS + 1)),
        ((BUFFER_MS + 2, BUFFER_MS + 1), "e2", Resume(_S.SNAPSHOT, 1, BUFFER_MS + 1)),
        ((9000, 100), "e3", Resume(_S.SNAPSHOT, 1)),
        ((9000, -3), "e2", Resume(_S.BUFFER, 2, 0)),
    ],
)
def test_where_a_stream_begins(
    ages: tuple[int, ...], last_event_id: str | None, expected: Resume
) -> None:
    assert resume(log_of(*ages), last_event_id) == expected


@given(
    st.lists(st.integers(0, 3 * BUFFER_MS), max_size=12).map(lambda ages: sorted(ages)[::-1]),
    st.one_of(st.none(), st.integers(0, 14).map(lambda n: f"e{n}"), st.text(max_size=20)),
)
def test_only_what_the_client_has_may_be_left_out(ages: list[int], given_id: str | None) -> None:
    """A replay sends all that follows; anything else begins with the newest state."""
    log = log_of(*ages)
    found = resume(log, given_id)
    sent = [event.seq for event in log if event.seq > found.after]
    if found.source is ResumeSource.BUFFER:
        assert log[found.after - 1].event_id == given_id
        assert sent == list(range(found.after + 1, len(log) + 1))
    else:
        assert sent == [event.seq for event in log[-1:]]


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("198.51.100.7", "198.51.xxx.xxx"),
        ("::ffff:198.51.100.7", "198.51.xxx.xxx"),
        ("2001:db8:1:2::3", "2001:db8:xxxx:xxxx:xxxx:xxxx:xxxx:xxxx"),
        ("::1", "0:0:xxxx:xxxx:xxxx:xxxx:xxxx:xxxx"),
        ("nonsense", ""),
        (None, ""),
    ],
)
def test_addresses_are_shown_masked(address: str | None, shown: str) -> None:
    assert masked(address) == shown


@given(st.ip_addresses())
def test_a_mask_hides_the_rest(address: Any) -> None:
    shown = masked(str(address))
    assert len(shown) <= 48
    assert str(address) not in shown


@pytest.mark.parametrize("status", OrderStatus)
def test_a_frame_is_an_event_of_the_standard(status: OrderStatus) -> None:
    frame = frame_of(3, f"prv-1:{status}:1", f"order.{status}", b'{"a":"\\n"}')
    text = frame.message["body"]
    assert text == (
        f'id: prv-1:{status}:1\nevent: order.{status}\ndata: {{"a":"\\n"}}\n\n'.encode()
    )
    assert frame.last is (status in TERMINAL)
    assert (f"order.{status}" in LAST_TYPES) is frame.last
