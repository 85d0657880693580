"""Markdown becomes HTML that nothing can be smuggled through."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privata.docs.markdown import anchor_of, inline, paragraphs, rendered


def _html(text: str) -> str:
    return "".join(str(part.html or "") for part in rendered(text, lambda target: target).parts)


def test_a_document_in_parts() -> None:
    text = "# Title\n\nLead\n\n## One thing\n\n```python\nprint(1)\n```\n\n## One thing\n\nend"
    shown = rendered(text, lambda target: target)
    assert shown.title == "Title"
    assert [heading.anchor for heading in shown.headings] == ["one-thing", "one-thing-2"]
    assert [part.language for part in shown.parts if part.html is None] == ["python"]
    assert "Title" not in _html(text)
    assert '<h2 id="one-thing">' in _html(text)


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        '<img src=x onerror="x()">',
        "[a](javascript:alert(1))",
        "![a](data:text/html,x)",
        "a <b onclick=x>b</b>",
    ],
)
def test_raw_html_and_scripts_stay_text(text: str) -> None:
    for shown in (_html(text), str(inline(text)), str(paragraphs(text))):
        for mark in ("<script", "<img src=x", 'href="javascript', "<b ", 'src="data:text'):
            assert mark not in shown.lower()


_ELEMENTS = frozenset(
    re.findall(
        r"\w+",
        "p em strong code pre a img ul ol li h1 h2 h3 h4 h5 h6 blockquote hr br table thead tbody"
        " tr th td div span",
    )
)


@given(st.text(alphabet="<>&\"'`[]()*_#|\n -ab", max_size=200))
def test_whatever_is_written_only_known_elements_come_out(text: str) -> None:
    for name in re.findall(r"</?([a-z0-9]+)", _html(text)):
        assert name in _ELEMENTS


def test_links_are_rewritten_or_become_text() -> None:
    shown = rendered("[a](x.md#y) and [b](gone.md) end", {"x.md#y": "/docs/x#y"}.get)
    html = str(shown.parts[0].html)
    assert '<a href="/docs/x#y" class="link">a</a> and b end' in html


def test_tables_scroll_by_themselves() -> None:
    assert 'class="tbl-scroll"' in _html("| a | b |\n|---|---|\n| `c` | d |")


def test_a_head_without_text_is_a_plain_cell() -> None:
    shown = _html("| a | |\n|---|---|\n| b | c |")
    assert "<th>a</th>" in shown
    assert "<th></th>" not in shown


def test_unknown_languages_are_text() -> None:
    (part,) = rendered("```klingon\nx\n```", lambda target: target).parts
    assert (part.language, part.title, part.code) == ("text", "Text", "x")


def test_anchors() -> None:
    assert anchor_of("The `t=` header, again!") == "the-t-header-again"
    assert anchor_of("…") == "section"
