"""Times in requests: every spelling of RFC 3339, to the nanosecond and beyond."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from privata.core.instants import read_instant

AT = datetime(2026, 5, 21, 10, 14, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "micro"),
    [
        ("2026-05-21T10:14:01Z", 0),
        ("2026-05-21t10:14:01z", 0),
        ("2026-05-21 10:14:01Z", 0),
        ("2026-05-21T12:14:01+02:00", 0),
        ("2026-05-21T12:14:01 02:00", 0),
        ("2026-05-21T12:14:01+0200", 0),
        ("2026-05-21T10:14:01.5Z", 500_000),
        ("2026-05-21T10:14:01.123456Z", 123_456),
        ("2026-05-21T10:14:01.123456789Z", 123_456),
        ("2026-05-21T10:14:01.123456789012345678901Z", 123_456),
        ("2026-05-21T04:44:01.999999999-05:30", 999_999),
    ],
)
def test_timestamps_with_nanoseconds_are_understood(text: str, micro: int) -> None:
    assert read_instant(text) == AT.replace(microsecond=micro)


@pytest.mark.parametrize(
    "text",
    [
        "", "now", "1779358441", "1779358441.5", "2026-05-21", "2026-05-21T10:14:01",
        "2026-05-21T25:14:01Z", "2026-02-30T10:14:01Z", "2026-05-21T10:14:01.Z", "2026-05-21T10Z",
        "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "２026-05-21T10:14:01Z",
        "2026-05-21T10:14:01Z ", "2026-05-21T10:14:01+99:00",
    ],
)  # fmt: skip
def test_what_is_no_instant_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a time with an offset"):
        read_instant(text)
