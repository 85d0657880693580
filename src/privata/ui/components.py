"""Graphics and code as safe HTML: icons, sparklines, histogram, uptime bars, gauge, JSON.

Everything is inline SVG without `style` attributes, so the strict content policy holds and the
theme's tokens colour it at once. Each graphic that carries data has a text of the same data.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from markupsafe import Markup, escape

from privata.ui.codeblocks import highlight_code, highlight_json

__all__ = [
    "Bucket",
    "gauge_arc",
    "highlight_code",
    "highlight_json",
    "histogram",
    "icon",
    "spark",
    "uptime_bars",
]

_ICONS = Path(__file__).with_name("icons.json")
_UPTIME = {"ok": "up", "warn": "degraded", "bad": "down", "none": "no data"}


class Bucket(NamedTuple):
    """Deliveries in one slice of time."""

    delivered: int
    failed: int
    queued: int = 0


@cache
def _icons() -> dict[str, str]:
    icons: dict[str, str] = json.loads(_ICONS.read_text())
    return icons


@cache
def icon(name: str, size: int = 16) -> Markup:
    """A Lucide icon, `size` pixels square, hidden from screen readers: a word stands beside it.

    An unknown name is a KeyError; `scripts/vendor.py --add-icon NAME` takes a further one in.
    """
    drawing = _icons()[name]
    stroke = "1.75" if size >= 16 else "2"
    return _svg(
        f'<svg width="{size}" height="{size}" viewBox="0 0 24 24" fill="none" '
        f'stroke="currentColor" stroke-width="{stroke}" stroke-linecap="round" '
        f'stroke-linejoin="round" aria-hidden="true">{drawing}</svg>'
    )


def spark(values: Sequence[float], width: int = 84, height: int = 26) -> Markup:
    """A sparkline; decoration beside a figure, so hidden from screen readers."""
    if len(values) < 2:
        return Markup()
    low, high = min(values), max(values)
    span = (high - low) or 1
    step = width / (len(values) - 1)
    points = " ".join(
        f"{i * step:.1f} {height - 2 - (v - low) / span * (height - 5):.1f}"
        for i, v in enumerate(values)
    )
    return _svg(
        f'<svg class="spark" viewBox="0 0 {width} {height}" preserveAspectRatio="none" '
        f'aria-hidden="true"><path class="area" d="M{points} L{width} {height} L0 {height}Z"/>'
        f'<path class="line" d="M{points}"/></svg>'
    )


def histogram(
    buckets: Sequence[Bucket], label: str, height: int = 46, ident: str = "histogram"
) -> Markup:
    """Deliveries over time: delivered grey, failed red above it, queued hatched amber on top.

    `label` says the range in words; the totals are added to it. `ident` must be unique on the
    page. Widths are percentages, so the hatch keeps its angle at any width.
    """
    totals = [sum(column) for column in zip(*buckets, strict=True)] or [0, 0, 0]
    text = f"{label}: {totals[0]:,} delivered, {totals[1]:,} failed, {totals[2]:,} queued"
    most = max((sum(bucket) for bucket in buckets), default=0) or 1
    slot = 100 / max(1, len(buckets))
    bars: list[str] = []
    for i, bucket in enumerate(buckets):
        at = f'x="{i * slot + slot * 0.1:.3f}%" width="{slot * 0.8:.3f}%"'
        bars.extend(_stack(bucket, at, height, (height - 2) / most, ident))
    return _svg(
        f'<svg class="histogram" height="{height}" role="img" aria-label="{escape(text)}">'
        f'<defs><pattern id="{ident}-hatch" width="5" height="5" patternUnits="userSpaceOnUse" '
        'patternTransform="rotate(45)"><rect class="hatch" width="2.5" height="5"/></pattern>'
        f"</defs>{''.join(bars)}</svg>"
    )


def _stack(bucket: Bucket, at: str, height: int, scale: float, ident: str) -> list[str]:
    """The rectangles of one slice, from the base up; a small share still shows as one pixel."""
    if not any(bucket):
        return [f'<rect class="none" {at} y="{height - 1}" height="1"/>']
    bars = []
    top = float(height)
    hatch = f'fill="url(#{ident}-hatch)"'
    for kind, count in zip(("delivered", "failed", "queued"), bucket, strict=True):
        if count:
            tall = max(1.0, count * scale)
            top -= tall
            look = hatch if kind == "queued" else f'class="{kind}"'
            bars.append(f'<rect {look} {at} y="{top:.1f}" height="{tall:.1f}" rx=".5"/>')
            top -= 0.5
    return bars


def uptime_bars(states: Sequence[str], label: str, width: int = 96) -> Markup:
    """One bar per slice of time; each state is `ok`, `warn`, `bad` or `none` (no data).

    The text names the slices that were not fine; "no data" is never shown as fine.
    """
    slot = width / max(1, len(states))
    rects = "".join(
        f'<rect class="{_known(state)}" x="{i * slot:.2f}" y="0" width="{slot * 0.65:.2f}" '
        'height="18" rx="1.2"/>'
        for i, state in enumerate(states)
    )
    counts = [(name, states.count(key)) for key, name in _UPTIME.items() if states.count(key)]
    text = f"{label}: " + ", ".join(f"{count} {name}" for name, count in counts)
    return _svg(
        f'<svg class="uptime" viewBox="0 0 {width} 18" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(text)}">{rects}</svg>'
    )


def _known(state: str) -> str:
    if state not in _UPTIME:
        raise ValueError(f"uptime state {state!r} is none of {', '.join(_UPTIME)}")
    return state


def gauge_arc(value: float, most: float) -> Markup:
    """The half-circle of a gauge filled to `value` of `most`; number and role come around it."""
    length = math.pi * 64
    share = min(1.0, max(0.0, value / most)) if most else 0.0
    arc = 'd="M10 78A64 64 0 0 1 138 78"'
    dashes = f"{share * length:.1f}" if share else "0"
    look = "fill" if share else "none"
    return _svg(
        '<svg viewBox="0 0 148 84" aria-hidden="true">'
        f'<path class="track" {arc}/><path class="{look}" {arc} stroke-dasharray="{dashes} 999"/>'
        "</svg>"
    )


def _svg(text: str) -> Markup:
    """Mark as safe: every part of `text` is a number, a constant, or escaped by the caller."""
    return Markup(text)  # noqa: S704
