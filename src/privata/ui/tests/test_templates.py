"""No template, of any room, holds what the content policy would block in the browser."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from privata.ui.components import icon
from privata.ui.jinja import environment, template_dirs

_FORBIDDEN = {
    "style attribute": re.compile(r"\sstyle\s*=", re.IGNORECASE),
    "event handler attribute": re.compile(r"<[^>{}]*\son[a-z]+\s*=", re.IGNORECASE),
    "hx-on": re.compile(r"hx-on|hx_on"),
    "js: value": re.compile(r"[\"']\s*(?:js|javascript):", re.IGNORECASE),
    "inline script": re.compile(r"<script(?![^>]*\ssrc=)", re.IGNORECASE),
    "inline style element": re.compile(r"<style\b", re.IGNORECASE),
    "filter in hx-trigger": re.compile(r"hx[-_]trigger\s*=\s*([\"'])(?:(?!\1).)*\["),
}
_COMMENT = re.compile(r"\{#.*?#\}", re.DOTALL)
_ICON_USE = re.compile(r"icon(?:_name)?(?:\(|=)\"([a-z0-9-]*[a-z0-9])\"")


def _templates() -> list[Path]:
    return sorted(path for folder in template_dirs() for path in folder.rglob("*.html"))


def _text(path: Path) -> str:
    return _COMMENT.sub("", path.read_text())


@pytest.mark.parametrize("kind", _FORBIDDEN)
def test_nothing_that_the_policy_blocks(kind: str) -> None:
    found = [str(path) for path in _templates() if _FORBIDDEN[kind].search(_text(path))]
    assert found == []


@pytest.mark.parametrize(
    ("kind", "sample"),
    [
        ("style attribute", '<p style="color:red">'),
        ("event handler attribute", '<p class="a" onclick="x()">'),
        ("hx-on", '<p hx-on:click="x">'),
        ("js: value", "<p hx-vals='js:{a: 1}'>"),
        ("inline script", "<script>x()</script>"),
        ("inline style element", "<style>p{}</style>"),
        ("filter in hx-trigger", '<p hx-trigger="keyup[key==1]">'),
    ],
)
def test_the_rules_see_what_they_forbid(kind: str, sample: str) -> None:
    assert _FORBIDDEN[kind].search(sample)


def test_every_template_compiles() -> None:
    pages = environment()
    for folder in template_dirs():
        for path in folder.rglob("*.html"):
            pages.get_template(path.relative_to(folder).as_posix())


def test_every_named_icon_exists() -> None:
    for path in _templates():
        for name in _ICON_USE.findall(_text(path)):
            assert icon(name), (path.name, name)


def test_every_macro_is_in_the_one_import() -> None:
    folder = next(path for path in template_dirs() if path.parent.name == "ui") / "ui"
    listed = set(re.findall(r"set (\w+) =", (folder / "macros.html").read_text()))
    written = {
        name
        for path in (folder / "macros").glob("*.html")
        for name in re.findall(r"\{% macro ([a-z]\w*)", path.read_text())
    }
    assert listed == written
