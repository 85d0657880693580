"""Which parameters the pages read, found in their source, and which fields their forms have."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

import privata

#: Functions whose first or second argument is the name of a parameter.
_READERS = frozenset({"get", "getlist", "one", "many", "number", "_text"})
_READS = re.compile(r"request\.(GET|POST)|Query")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")


def names_read() -> list[str]:
    """Every name that a view or a reader of queries asks a request for, in the whole program."""
    root = Path(privata.__file__).parent
    found: set[str] = set()
    for path in sorted(root.rglob("*.py")):
        text = path.read_text()
        if "tests" in path.parts or not re.search(
            r"request\.(GET|POST)|parse_\w+\(\w*quer|Query", text
        ):
            continue
        found.update(_in(ast.parse(text)))
    return sorted(found)


def _in(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and ast.unparse(node.value).startswith("request."):
            yield from _literals([node.slice])
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
        if name in _READERS:
            yield from _literals(node.args[:2])


def _literals(nodes: list[ast.expr]) -> Iterator[str]:
    for node in nodes:
        value = node.value if isinstance(node, ast.Constant) else None
        if isinstance(value, str) and _NAME.fullmatch(value):
            yield value


@dataclass
class Form:
    """A form of a page: where it goes, and what it would send."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Form] = []
        self._open: Form | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        for how in ("hx-post", "hx-get"):
            if how in given:
                self.found.append(Form(given[how], how[3:]))
        if tag == "form":
            self._open = Form(given.get("action", ""), given.get("method", "get").lower())
            self.found.append(self._open)
        elif tag in ("input", "select", "textarea", "button") and given.get("name"):
            # A field may stand outside of its form and name it, so each form gets it if unsure.
            for form in [self._open] if self._open and "form" not in given else self.found:
                if form is not None:
                    form.fields.setdefault(given["name"], given.get("value", "on"))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None


def forms_of(html: str) -> list[Form]:
    """The forms of a page."""
    parser = _Forms()
    parser.feed(html)
    return parser.found
