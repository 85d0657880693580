"""Contrast of every pair of colours that meet, by WCAG 2.2, computed from the tokens."""

from __future__ import annotations

import math
import re

import pytest

from privata.ui.static_files import static_root

_TOKEN = re.compile(
    r"--([a-z0-9-]+): light-dark\(oklch\(([\d.]+) ([\d.]+) ([\d.]+)\),\s*"
    r"oklch\(([\d.]+) ([\d.]+) ([\d.]+)\)\)"
)
_SAME = re.compile(r"--([a-z0-9-]+): oklch\(([\d.]+) ([\d.]+) ([\d.]+)\)")
_TEXT = 4.5
_GRAPHIC = 3.0

_TEXT_PAIRS = [
    *((ink, ground) for ink in ("ink", "ink-2", "ink-3") for ground in ("bg", "surface", "raised")),
    *((ink, ground) for ink in ("ink", "ink-2", "ink-3") for ground in ("sunken", "hover")),
    *((ink, "active") for ink in ("ink", "ink-2", "ink-3")),
    *(("ink-2", f"{tone}-soft") for tone in ("accent", "ok", "warn", "bad")),
    *((tone, f"{tone}-soft") for tone in ("accent", "ok", "warn", "bad")),
    *((tone, "surface") for tone in ("accent", "ok", "warn", "bad")),
    *((f"code-{kind}", "sunken") for kind in ("key", "str", "num", "lit")),
    ("accent", "bg"),
    ("accent", "active"),
    ("ink", "seg-on"),
    ("ink-2", "seg-on"),
    ("on-solid", "solid"),
    ("on-solid", "solid-hover"),
    *(("on-mark", f"coin-{i}") for i in range(7)),
]
_GRAPHIC_PAIRS = [
    ("control", "surface"),
    ("focus", "surface"),
    ("focus", "bg"),
    ("accent-fill", "surface"),
    ("bad-fill", "surface"),
    ("on-fill", "accent-fill"),
    ("on-mark", "control"),
    ("on-mark", "mark-from"),
    ("on-mark", "mark-to"),
]


def _tokens(theme: str) -> dict[str, tuple[float, float, float]]:
    text = (static_root() / "css/tokens.css").read_text()
    found = {}
    for name, *numbers in _TOKEN.findall(text):
        light, dark = numbers[:3], numbers[3:]
        chosen = light if theme == "light" else dark
        found[name] = (float(chosen[0]), float(chosen[1]), float(chosen[2]))
    for name, lightness, chroma, hue in _SAME.findall(text):
        found[name] = (float(lightness), float(chroma), float(hue))
    return found


def _luminance(colour: tuple[float, float, float]) -> float:
    """Relative luminance of an OKLCH colour, clipped to sRGB (CSS Color 4, section 9)."""
    lightness, chroma, hue = colour
    a = chroma * math.cos(math.radians(hue))
    b = chroma * math.sin(math.radians(hue))
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    red = 4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short
    green = -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short
    blue = -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short
    red, green, blue = (min(1.0, max(0.0, part)) for part in (red, green, blue))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: tuple[float, float, float], two: tuple[float, float, float]) -> float:
    low, high = sorted((_luminance(one), _luminance(two)))
    return (high + 0.05) / (low + 0.05)


def test_the_formula_knows_black_on_white() -> None:
    assert _contrast((0, 0, 0), (1, 0, 0)) == pytest.approx(21, abs=0.01)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(
    ("pairs", "least"), [(_TEXT_PAIRS, _TEXT), (_GRAPHIC_PAIRS, _GRAPHIC)], ids=["text", "graphic"]
)
def test_pairs_reach_their_contrast(theme: str, pairs: list[tuple[str, str]], least: float) -> None:
    tokens = _tokens(theme)
    short = {
        f"{ink} on {ground}": round(ratio, 2)
        for ink, ground in pairs
        if (ratio := _contrast(tokens[ink], tokens[ground])) < least
    }
    assert short == {}
