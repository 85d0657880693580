"""Markdown as HTML that the content policy allows: no raw HTML, headings with anchors, code in
colour. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markupsafe import Markup
from pygments.util import ClassNotFound

from privata.ui.codeblocks import highlight_code

#: How a link of a document is shown: its address, or None for text without a link.
Rewrite = Callable[[str], str | None]

_TITLES: Final = {
    "bash": "Shell",
    "sh": "Shell",
    "http": "HTTP",
    "javascript": "JavaScript",
    "js": "JavaScript",
    "json": "JSON",
    "python": "Python",
    "text": "Text",
}


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading below the title; `level` is 2 or more."""

    level: int
    anchor: str
    text: str


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a document: HTML, or a block of code that gets a frame and a copy button."""

    html: Markup | None = None
    code: str = ""
    language: str = "text"

    @property
    def title(self) -> str:
        """What the block's frame is called."""
        return _TITLES.get(self.language, self.language)


@dataclass(frozen=True, slots=True)
class Document:
    """A rendered document; its first heading is `title` and not among the parts."""

    title: str
    parts: list[Part]
    headings: list[Heading]


def rendered(text: str, rewrite: Rewrite) -> Document:
    """A whole document, in parts."""
    tokens = _parser().parse(text, {})
    _rewrite_links(tokens, rewrite)
    _empty_heads(tokens)
    title, headings = _anchor_headings(tokens)
    parts: list[Part] = []
    run: list[Token] = []
    for token in tokens:
        if token.type == "fence" and token.level == 0:
            _close(parts, run)
            language = token.info.split()[0] if token.info.strip() else "text"
            parts.append(Part(code=token.content.rstrip("\n"), language=_known(language)))
        elif not (token.meta or {}).get("title"):
            run.append(token)
    _close(parts, run)
    return Document(title, parts, headings)


def inline(text: str) -> Markup:
    """One line of Markdown, such as a description; links are shown as their text."""
    tokens = _parser().parseInline(text, {})
    _rewrite_links(tokens, lambda _: None)
    return _html(tokens)


def paragraphs(text: str) -> Markup:
    """A few paragraphs or a list; links are shown as their text."""
    tokens = _parser().parse(text, {})
    _rewrite_links(tokens, lambda _: None)
    return _html(tokens)


def anchor_of(text: str) -> str:
    """The anchor of a heading: lower case, words joined by hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "section"


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    parser.add_render_rule("table_open", _table_open)
    parser.add_render_rule("table_close", _table_close)
    parser.add_render_rule("fence", _fence)
    return parser


def _html(tokens: Sequence[Token]) -> Markup:
    parser = _parser()
    # The parser escapes all text and refuses raw HTML.
    return Markup(parser.renderer.render(tokens, parser.options, {}))  # noqa: S704


def _close(parts: list[Part], run: list[Token]) -> None:
    if run:
        parts.append(Part(html=_html(run)))
        run.clear()


def _anchor_headings(tokens: list[Token]) -> tuple[str, list[Heading]]:
    """Give every heading an id; the first one of level 1 becomes the title."""
    title = ""
    headings: list[Heading] = []
    used: set[str] = set()
    for at, token in enumerate(tokens):
        if token.type != "heading_open":
            continue
        text = _text(tokens[at + 1])
        if token.tag == "h1" and not title:
            title = text
            for part in tokens[at : at + 3]:
                part.meta = {"title": True}
            continue
        anchor = anchor_of(text)
        while anchor in used:
            anchor += "-2"
        used.add(anchor)
        token.attrSet("id", anchor)
        headings.append(Heading(int(token.tag[1]), anchor, text))
    return title, headings


def _empty_heads(tokens: list[Token]) -> None:
    """A head without text heads nothing: such a cell is a plain one."""
    for at, token in enumerate(tokens):
        if token.type == "th_open" and not tokens[at + 1].content:
            token.tag = tokens[at + 2].tag = "td"


def _text(token: Token) -> str:
    return "".join(part.content for part in token.children or ())


def _rewrite_links(tokens: Sequence[Token], rewrite: Rewrite) -> None:
    for token in tokens:
        children = token.children or []
        gone = 0
        kept = []
        for child in children:
            if child.type == "link_open":
                target = rewrite(str(child.attrGet("href") or ""))
                if target is None:
                    gone += 1
                    continue
                child.attrSet("href", target)
                child.attrSet("class", "link")
            elif child.type == "link_close" and gone:
                gone -= 1
                continue
            kept.append(child)
        if token.children is not None:
            token.children = kept


def _known(language: str) -> str:
    try:
        highlight_code("", language)
    except ClassNotFound:
        return "text"
    return language


def _table_open(*_: Any) -> str:
    # Wide tables scroll by themselves, so that a page never does; a keyboard can reach them.
    return '<div class="tbl-scroll" tabindex="0" role="group" aria-label="Table"><table>\n'


def _table_close(*_: Any) -> str:
    return "</table></div>\n"


def _fence(self: RendererHTML, tokens: Sequence[Token], at: int, *_: Any) -> str:
    info = tokens[at].info.split()
    language = _known(info[0] if info else "text")
    return f'<pre class="hl" tabindex="0">{highlight_code(tokens[at].content, language)}</pre>\n'
