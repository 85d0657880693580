"""Code and JSON in colour: spans with classes, made on the server by Pygments."""

from __future__ import annotations

import json
from collections.abc import Iterator

from markupsafe import Markup
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name


class _Digits(str):
    """A number of a JSON document, kept as it was written."""

    __slots__ = ()


def highlight_json(value: object) -> Markup:
    """JSON in colour, indented by two spaces.

    Bytes and text are parsed first; what is not JSON is shown as it is, escaped. Numbers keep the
    digits they came with, since a payload's amounts must not change on the way to the eye.
    """
    if isinstance(value, bytes | str):
        raw = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
        try:
            value = json.loads(raw, parse_float=_Digits, parse_int=_Digits)
        except (ValueError, RecursionError):
            return Markup.escape(raw)
    return highlight_code("".join(_pretty(value, "\n")), "json")


def highlight_code(text: str, language: str) -> Markup:
    """Code in colour; `language` is a Pygments name (json, bash, python, javascript, go)."""
    lexer = get_lexer_by_name(language, ensurenl=False, stripnl=False)
    # Pygments escapes the text itself.
    return Markup(highlight(text, lexer, HtmlFormatter(nowrap=True)))  # noqa: S704


def _pretty(value: object, line: str) -> Iterator[str]:
    """The pieces of an indented document; `line` is a line break with the present indent."""
    inner = line + "  "
    if isinstance(value, _Digits):
        yield str(value)
    elif isinstance(value, dict) and value:
        for i, (key, item) in enumerate(value.items()):
            yield f"{'{' if i == 0 else ','}{inner}{json.dumps(str(key), ensure_ascii=False)}: "
            yield from _pretty(item, inner)
        yield line + "}"
    elif isinstance(value, list | tuple) and value:
        for i, item in enumerate(value):
            yield f"{'[' if i == 0 else ','}{inner}"
            yield from _pretty(item, inner)
        yield line + "]"
    else:
        yield json.dumps(value, ensure_ascii=False, default=str)
