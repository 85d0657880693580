"""Text of values as people read them: money, amounts, times, durations, short ids.

Used as Jinja filters. Each is pure. A value that is not known (`None`) reads as an en dash, so a
page never shows the word None.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal

from privata.core.plurals import plural

UNKNOWN = "\N{EN DASH}"
_COMPACT = ((Decimal(10) ** 9, "B"), (Decimal(10) ** 6, "M"), (Decimal(10) ** 3, "K"))
_BYTES_PER_KB = 1024


def money_usd(value: Decimal | int | str | None, compact: bool = False) -> str:
    """US dollars: `$39,710.22`, or `$2.41M` when compact and at least 100,000.

    Rounded half to even at cents. Floats are refused: money never passes through one.
    """
    if value is None:
        return UNKNOWN
    dollars = _decimal(value)
    sign = "-" if dollars < 0 else ""
    size = abs(dollars)
    if compact and size >= 100_000:
        for unit, letter in _COMPACT:
            if size >= unit:
                return f"{sign}${_significant(size / unit)}{letter}"
    cents = size.quantize(Decimal("0.01"), rounding=ROUND_HALF_EVEN)
    return f"{sign}${cents:,.2f}"


def amount(value: Decimal | int | str | None, decimals: int = 8) -> str:
    """An amount of an asset, grouped: `12,500`, `0.4182`; trailing zeros are dropped.

    `decimals` is the most shown; the rest is cut, never rounded up, so that nobody reads a larger
    amount than there is. A positive amount below the last shown place reads `<0.00000001`.
    """
    if value is None:
        return UNKNOWN
    exact = _decimal(value)
    step = Decimal(1).scaleb(-decimals)
    cut = exact.quantize(step, rounding=ROUND_DOWN)
    if cut == 0 and exact != 0:
        return f"{'-' if exact < 0 else ''}<{step:f}"
    text = f"{cut:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def number(value: int | None) -> str:
    """A count with thousands grouped: `1,284`."""
    return UNKNOWN if value is None else f"{value:,}"


def percent(ratio: Decimal | float | None, digits: int = 1) -> str:
    """A ratio of one as percent: `98.7%`. Below one it never rounds up to 100 %."""
    if ratio is None:
        return UNKNOWN
    text = f"{ratio * 100:.{digits}f}"
    if ratio < 1 and float(text) >= 100:
        text = f"{100 - 10**-digits:.{digits}f}"
    return f"{text}%"


def utc(at: datetime | None, seconds: bool = True) -> str:
    """An exact time: `21 Nov 2026, 14:26:26 UTC`."""
    if at is None:
        return UNKNOWN
    moment = _aware(at)
    clock = f"{moment:%H:%M:%S}" if seconds else f"{moment:%H:%M}"
    return f"{moment.day} {moment:%b %Y}, {clock} UTC"


def clock(at: datetime | None) -> str:
    """The time of day only: `14:26:26`."""
    return UNKNOWN if at is None else f"{_aware(at):%H:%M:%S}"


def iso(at: datetime) -> str:
    """RFC 3339 in UTC, for attributes that scripts read."""
    return _aware(at).isoformat().replace("+00:00", "Z")


def ago(at: datetime | None, now: datetime) -> str:
    """A time relative to `now`: `14s ago`, `3m ago`, `2d ago`, `in 4m`; `never` for none."""
    if at is None:
        return "never"
    seconds = (_aware(now) - _aware(at)).total_seconds()
    if abs(seconds) < 1:
        return "just now"
    text = _coarse(abs(seconds))
    return f"{text} ago" if seconds > 0 else f"in {text}"


def duration(seconds: Decimal | float | None) -> str:
    """How long something took: `169 ms`, `1.8 s`, `7m 42s`, `3h 43m`, `2d 4h`."""
    if seconds is None:
        return UNKNOWN
    exact = float(seconds)
    if exact < 0.9995:
        return f"{exact * 1000:.0f} ms"
    if exact < 59.95:
        return f"{exact:.1f} s"
    whole = round(exact)
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes}m {rest:02d}s"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours}h {minutes:02d}m"
    return f"{hours // 24}d {hours % 24}h"


def size(count: int | None) -> str:
    """A size of data: `412 bytes`, `1.4 KB`, `3.0 MB` (1 KB is 1,024 bytes)."""
    if count is None:
        return UNKNOWN
    if count < _BYTES_PER_KB:
        return plural(count, "byte")
    kilobytes = count / _BYTES_PER_KB
    if kilobytes < _BYTES_PER_KB:
        return f"{kilobytes:.1f} KB"
    return f"{kilobytes / _BYTES_PER_KB:.1f} MB"


def short_id(text: str, head: int = 8, tail: int = 4) -> str:
    """A long id with its middle left out: `pk_live_…9f2c`; a short one stays whole."""
    return text if len(text) <= head + tail + 3 else f"{text[:head]}…{text[-tail:]}"


def _coarse(seconds: float) -> str:
    for length, letter in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds >= length:
            return f"{int(seconds // length)}{letter}"
    return f"{int(seconds)}s"


def _significant(value: Decimal) -> str:
    """Three figures that matter: 2.41, 24.1, 241."""
    whole = len(str(int(value)))
    return f"{value:.{max(0, 3 - whole)}f}"


def _decimal(value: Decimal | int | str) -> Decimal:
    if isinstance(value, float):
        raise TypeError("money and amounts are Decimal, never float")
    return Decimal(value)


def _aware(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError("times on pages carry their zone")
    return at.astimezone(UTC)
