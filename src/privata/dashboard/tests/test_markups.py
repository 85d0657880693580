"""Markups as people write them."""

from __future__ import annotations

import pytest

from privata.core.errors import ValidationFailed
from privata.dashboard.providers.percent import to_bps, to_percent


@pytest.mark.parametrize(
    ("text", "bps"),
    [
        *(("", None), ("  ", None), ("0", 0), ("0.5", 50), ("0,05", 5), (" 3 ", 300)),
        *(("3.00", 300), ("1.25 %", 125), ("2%", 200), ("000", 0)),
    ],
)
def test_what_a_field_means(text: str, bps: int | None) -> None:
    assert to_bps(text, "markup") == bps


@pytest.mark.parametrize(
    "text",
    [
        *("3.01", "-1", "301", "0.005", "1e1", "NaN", "Infinity", "a\0b", "\uff12", "\u0661", "."),
        *("1.", ".5", "%", "1_0", "9" * 5000),
    ],
)
def test_what_no_markup_is(text: str) -> None:
    with pytest.raises(ValidationFailed) as failed:
        to_bps(text, "markup-exolix")
    assert [field for field, _ in failed.value.fields] == ["markup-exolix"]


def test_what_the_page_shows() -> None:
    assert [to_percent(bps) for bps in (0, 5, 50, 100, 125, 300)] == [
        *("0", "0.05", "0.5", "1", "1.25", "3")
    ]
    assert all(to_bps(to_percent(bps), "markup") == bps for bps in range(301))
